package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// folderOf is the board's folder, whatever mode it is in.
func (w Where) folderOf() (dir string, g *gitPlace, err error) {
	b, h, err := w.find()
	if err != nil {
		return "", nil, err
	}
	return b.Dir, placeOf(b.Dir, h), nil
}

// Folder finds the board's folder as Find does, and what its SharedFile says, whatever else says
// otherwise: for those who change the mode.
func (w Where) Folder() (dir string, shared *Shared, err error) {
	if dir, _, err = w.folderOf(); err != nil {
		return "", nil, err
	}
	shared, err = ReadShared(dir)
	return dir, shared, err
}

// Entered notes in the clone that it made the board a shared one.
func (w Where) Entered(id string) error { return w.setPin(id, false) }

// Left notes in the clone that its shared board is none any more.
func (w Where) Left(id string) error { return w.setPin(id, true) }

func (w Where) setPin(id string, left bool) error {
	_, g, err := w.folderOf()
	if err != nil || g == nil {
		return err
	}
	before, err := g.readPin()
	want := pin{path: g.path, id: id, left: left}
	if err == nil && before != nil && *before == want {
		return nil
	}
	return g.replacePin(want) // also in place of one that cannot be read
}

// CommitError says that git did not commit what changed in the folder.
type CommitError struct {
	Why     string
	Command string // for a person, who may have to settle something first
}

func (e *CommitError) Error() string { return "not committed: " + e.Why + "; then: " + e.Command }

// CommitMode commits that the board changed its mode, where it is in a repository: add are paths in
// the ticket folder that git shall have as they are there, drop those that it shall have no more.
// Nothing else that is staged goes along.
func CommitMode(ctx context.Context, dir, message string, add, drop []string) error {
	if r, err := repositoryOf(dir); err != nil || r == nil || r.root == "" {
		return err
	}
	all := slices.Concat(add, drop)
	if len(drop) > 0 {
		if err := runGit(ctx, dir, drop, "update-index", "--force-remove", "-z", "--stdin"); err != nil {
			return notStaged(dir, message, add, err)
		}
	}
	// Whatever a .gitignore says: the lock in whose place the guard is, is ignored.
	if err := runGit(ctx, dir, add, "update-index", "--add", "-z", "--stdin"); err != nil {
		return notStaged(dir, message, add, err)
	}
	changed, err := askGit(ctx, dir, "", "diff", "--cached", "--name-only", "-z", "--relative")
	if err != nil {
		return notCommitted(dir, message, err)
	}
	all = slices.DeleteFunc(all, func(name string) bool {
		return !slices.Contains(splitNames(changed), filepath.ToSlash(name))
	})
	if len(all) == 0 {
		return nil
	}
	if err := runGit(ctx, dir, all, "--literal-pathspecs", "commit", "-q", "-m", message,
		"--pathspec-from-file=-", "--pathspec-file-nul"); err != nil {
		return notCommitted(dir, message, err)
	}
	return nil
}

func notCommitted(dir, message string, err error) error {
	return &CommitError{err.Error(), "git -C " + quote(dir) + " commit -m " + quote(message)}
}

// notStaged is notCommitted where git did not even take over what is in the folder. What says that
// the board is shared is ignored by .gitignore, in part.
func notStaged(dir, message string, add []string, err error) error {
	git := "git -C " + quote(dir)
	stage := git + " add -A . && "
	for _, name := range add {
		if name == SharedFile || name == GuardFile {
			stage += git + " add -f " + name + " && "
		}
	}
	return &CommitError{err.Error(), stage + git + " commit -m " + quote(message)}
}

// here are the variables by which a surrounding git command says where it works.
var here = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX",
	"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"}

// patience is how long another git may keep the index: one that a person runs, or that a killed
// process of ours left.
const patience = 5 * time.Second

// runGit runs a command of git's that writes and reads from standard input for which paths in the
// folder. It waits while another git keeps the index.
func runGit(ctx context.Context, dir string, paths []string, args ...string) error {
	for end := time.Now().Add(patience); ; {
		err := tryGit(ctx, dir, paths, args...)
		if err == nil || !strings.Contains(err.Error(), "index.lock") || time.Now().After(end) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func tryGit(ctx context.Context, dir string, paths []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\x00") + "\x00")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(here, name)
	})
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		said := strings.TrimSpace(string(out))
		line, _, _ := strings.Cut(said, "\n")
		return fmt.Errorf("git: %s", strings.TrimPrefix(line, "fatal: "))
	}
	return err
}
