package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// folderName is the name of a ticket folder.
const FolderName = ".tickets"

// Where says where the ticket folder is looked for.
type Where struct {
	// Start is a folder named .tickets, which is then the one, or any other folder: the search for the first .tickets begins
	// there and goes upwards.
	Start string
	// Local keeps a linked git worktree to its own folder. Without it the folder is the main worktree's, because a claim that
	// the sessions in the other worktrees cannot see is no claim.
	Local bool
}

// Find returns the absolute path of the ticket folder, links resolved, or a noBoardError that says where it looked.
func (w Where) Find() (string, error) {
	begin, err := w.begin()
	if err != nil {
		return "", err
	}
	if filepath.Base(begin) == FolderName {
		if there, err := IsDir(begin); err != nil {
			return "", err
		} else if there {
			return filepath.EvalSymlinks(begin)
		}
		return "", noStore("%s does not exist", begin)
	}
	for dir := begin; ; dir = filepath.Dir(dir) {
		candidate := filepath.Join(dir, FolderName)
		if there, err := IsDir(candidate); err != nil {
			return "", err
		} else if there {
			return filepath.EvalSymlinks(candidate)
		}
		if dir == filepath.Dir(dir) {
			return "", noStore("no %s in %s or any folder above it", FolderName, begin)
		}
	}
}

// isDir reports whether a folder is there. That it cannot be seen is an error: it is not the same as none.
func IsDir(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// noBoardError says why there is no ticket folder, and what to do about it.
type NoBoardError struct{ Why, Next string }

func (e *NoBoardError) Error() string { return e.Why }

func noStore(why string, args ...any) error {
	return &NoBoardError{fmt.Sprintf(why, args...), "create a ticket to begin one in this git repository, or start the server with --dir"}
}

// begin is the absolute Start, moved to the same place in the main worktree when it lies in a linked one.
func (w Where) begin() (string, error) {
	begin, err := filepath.Abs(w.Start)
	if err != nil {
		return "", err
	}
	explicit := filepath.IsAbs(w.Start) && filepath.Base(w.Start) == FolderName
	if w.Local || explicit {
		return begin, nil
	}
	root := gitRoot(begin)
	if root == "" {
		return begin, nil
	}
	main := mainWorktree(root)
	if main == "" {
		return begin, nil
	}
	below, err := filepath.Rel(root, begin)
	if err != nil {
		return "", err
	}
	return filepath.Join(main, below), nil
}

// gitRoot is the nearest folder at or above dir that holds a .git, "" when there is none.
func gitRoot(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// mainWorktree is the root of the main worktree of which the one at root is linked; "" when it is not linked or there is no
// main one. A linked worktree's .git is a file that names its git folder, and that folder has a commondir file, which a
// submodule's has not. A bare repository has no main worktree.
func mainWorktree(root string) string {
	gitFile, err := os.ReadFile(filepath.Join(root, ".git"))
	if err != nil {
		return ""
	}
	gitDir, found := strings.CutPrefix(strings.TrimSpace(string(gitFile)), "gitdir:")
	if !found {
		return ""
	}
	gitDir = absFrom(root, strings.TrimSpace(gitDir))
	common, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if err != nil {
		return ""
	}
	commonDir := absFrom(gitDir, strings.TrimSpace(string(common)))
	if filepath.Base(commonDir) != ".git" || isBare(commonDir) {
		return ""
	}
	return filepath.Dir(commonDir)
}

func absFrom(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// isBare reads core.bare as git writes it; we run no git.
func isBare(gitDir string) bool {
	config, err := os.ReadFile(filepath.Join(gitDir, "config"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(config)) {
		key, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(key) == "bare" {
			return strings.TrimSpace(value) == "true"
		}
	}
	return false
}

// Make creates the ticket folder for a first ticket: the one that Start names, else at the root of the git repository; but not
// in / or the home folder unless that is named, since servers are started anywhere.
func (w Where) Make() (string, error) {
	begin, err := w.begin()
	if err != nil {
		return "", err
	}
	dir := begin
	if filepath.Base(begin) != FolderName {
		root := gitRoot(begin)
		if root == "" {
			return "", &NoBoardError{
				Why:  fmt.Sprintf("no %s in %s or any folder above it, and no git repository to make one in", FolderName, begin),
				Next: "make a folder " + FolderName + " where the tickets shall be, or start the server with --dir",
			}
		}
		home, _ := os.UserHomeDir() // without a home there is none to protect
		if root == filepath.Dir(root) || root == home {
			return "", &NoBoardError{fmt.Sprintf("will not make %s in %s", FolderName, root), "start the server in a repository, or with --dir"}
		}
		dir = filepath.Join(root, FolderName)
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	folder, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return "", err
	}
	defer folder.Close()
	if err := durable.SyncFolder(folder); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}
