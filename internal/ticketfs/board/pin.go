package board

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// pinName is the file in a common git folder that says which shared board a place of the repository
// has, for all its worktrees and branches: a branch from before the board was shared, or one with
// another board, must not give its files the look of the board.
const pinName = "ticket-mcp-shared"

// pin is what the file says.
type pin struct {
	path string // of the board in the worktree
	id   string // of the shared board
	left bool   // the board was unshared, or left, since
}

const pinForm = "# Which shared board this place of the repository has, in all worktrees and branches; made by ticket-mcp.\n" +
	"# A person changes it by: ticket-mcp share --accept ID, ticket-mcp unshare --accept\n" +
	"path = %q\nid = %q\nleft = \"%t\"\n"

func (p pin) String() string { return fmt.Sprintf(pinForm, p.path, p.id, p.left) }

func parsePin(text string) (p pin, err error) {
	left := ""
	fields := map[string]*string{"path": &p.path, "id": &p.id, "left": &left}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		field := fields[key]
		if field == nil {
			return p, fmt.Errorf("unknown line %q", line)
		}
		if *field, err = strconv.Unquote(value); err != nil {
			return p, fmt.Errorf("cannot read line %q", line)
		}
		delete(fields, key)
	}
	if len(fields) > 0 {
		return p, errors.New("a line is missing")
	}
	if p.left, err = strconv.ParseBool(left); err != nil || !sharedID().MatchString(p.id) {
		return p, errors.New("it names no board")
	}
	return p, nil
}

// pinPath is where the pin of the board at a path in the worktree lies.
func (g *gitPlace) pinPath() string {
	name := pinName
	if g.path != FolderName {
		sum := sha256.Sum256([]byte(filepath.ToSlash(g.path)))
		name += fmt.Sprintf("-%x", sum[:8])
	}
	return filepath.Join(g.common, name)
}

// readPin returns nil when there is no pin.
func (g *gitPlace) readPin() (*pin, error) {
	path := g.pinPath()
	text, err := readSmall(path)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unseen(path, err)
	}
	p, err := parsePin(text)
	if err != nil {
		return nil, &Unreachable{fmt.Sprintf("%s says nothing: %v", path, err),
			"a person says which board it is: ticket-mcp share --accept ID, or ticket-mcp unshare --accept"}
	}
	return &p, nil
}

// firstPin pins the board, unless another process was first, and returns the pin that stands. In a
// git folder that may not be written there is none, and each worktree's SharedFile decides.
func (g *gitPlace) firstPin(id string) (*pin, error) {
	err := writeNew(g.pinPath(), pin{path: g.path, id: id}.String())
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return &pin{path: g.path, id: id}, nil
	case err != nil && !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("pin the shared board: %w", err)
	}
	p, err := g.readPin()
	if err == nil && p == nil {
		err = undecided("%s was removed meanwhile", g.pinPath())
	}
	return p, err
}

// replacePin makes another pin the one that stands, whole and durable.
func (g *gitPlace) replacePin(p pin) (err error) {
	path := g.pinPath()
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err == nil {
		err = f.Chmod(folder.Mode().Perm() & 0o666)
	}
	if err == nil {
		_, err = f.WriteString(p.String())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return durable.SyncPath(filepath.Dir(path))
}
