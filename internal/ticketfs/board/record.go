package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// recordName is the file in a common git folder that says which worktree has the board, where no
// rule of git's says which worktree is the main one: in bare repositories and where the git folder
// is apart from its worktree. It is made once, by the first process that asks, and stands for good:
// what it was chosen by, the branches, changes under running servers.
const recordName = "ticket-mcp-board"

// record is what the file says.
type record struct {
	// git's name for a linked worktree, the one of its folder in worktrees/; "" for the main one
	worktree string
	// the root of the main worktree, which git does not know here; "" for a linked one
	main string
	path string // of the board in the worktree
}

const recordForm = "# Which worktree has the tickets of all; made by ticket-mcp. git config ticket-mcp.board overrides it.\n" +
	"worktree = %q\nmain = %q\npath = %q\n"

func (rec record) String() string {
	return fmt.Sprintf(recordForm, rec.worktree, rec.main, rec.path)
}

// parseRecord reads what String wrote.
func parseRecord(text string) (rec record, err error) {
	fields := map[string]*string{"worktree": &rec.worktree, "main": &rec.main, "path": &rec.path}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		field := fields[key]
		if field == nil {
			return rec, fmt.Errorf("unknown line %q", line)
		}
		if *field, err = strconv.Unquote(value); err != nil {
			return rec, fmt.Errorf("cannot read line %q", line)
		}
		delete(fields, key)
	}
	named := rec.worktree != "" && filepath.IsLocal(rec.worktree) &&
		filepath.Base(rec.worktree) == rec.worktree
	switch {
	case len(fields) > 0:
		return rec, errors.New("a line is missing")
	case !filepath.IsLocal(rec.path) || filepath.Base(rec.path) != FolderName:
		return rec, fmt.Errorf("%q is no %s in a worktree", rec.path, FolderName)
	case named == filepath.IsAbs(rec.main):
		return rec, errors.New("it names no worktree")
	}
	return rec, nil
}

// readRecord returns nil when there is no record.
func readRecord(common string) (*record, error) {
	path := filepath.Join(common, recordName)
	text, err := readSmall(path)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unseen(path, err)
	}
	rec, err := parseRecord(text)
	if err != nil {
		return nil, undecided("%s says nothing: %v", path, err)
	}
	return &rec, nil
}

// root returns where the worktree of the record is now, if it is still a worktree of the
// repository.
func (rec record) root(common string) (string, error) {
	gone := func(why string) *NotFound {
		return &NotFound{
			fmt.Sprintf("the worktree that has the board of all worktrees by %s, %s",
				filepath.Join(common, recordName), why),
			"bring it back, or choose another board: " +
				configCommand(common, filepath.Join(filepath.Dir(common), "PATH", FolderName)),
		}
	}
	if rec.worktree == "" {
		back, err := repositoryAt(rec.main)
		if err != nil || back.common != common || back.root == "" || back.linked() {
			return "", gone("the main one in " + rec.main + ", is gone or cannot be seen from here")
		}
		return rec.main, nil
	}
	w, err := linkedAt(common, rec.worktree)
	if err != nil {
		return "", err
	}
	if w == nil || !w.visible {
		where := ""
		if w != nil {
			where = " in " + w.root
		}
		return "", gone(rec.worktree + where + ", is gone or cannot be seen from here")
	}
	return w.root, nil
}

// makeRecord writes the record, unless another process was first, and returns the one that stands.
// It appears whole, or not at all: it is written and synced under another name, and linking fails
// where there is one.
func makeRecord(common string, rec record) (*record, error) {
	path := filepath.Join(common, recordName)
	err := writeNew(path, rec.String())
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, &NotFound{
			fmt.Sprintf("which worktree has the board of all cannot be written to %s: %v", path,
				cause(err)),
			"say which board is for all: " +
				configCommand(common, filepath.Join(filepath.Dir(common), "PATH", FolderName)),
		}
	}
	made, err := readRecord(common)
	if err == nil && made == nil {
		err = undecided("%s was removed meanwhile", path)
	}
	return made, err
}

// writeNew makes a file with a text, whole and durable, or fails with fs.ErrExist when there is
// one: the text is written and synced under another name, and a link takes no name that is taken.
// Whoever may read the folder may read the file.
func writeNew(path, text string) (err error) {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(folder.Mode().Perm() & 0o666)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return durable.SyncPath(filepath.Dir(path))
}
