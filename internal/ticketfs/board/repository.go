package board

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// repository is a git repository as one of its folders sees it. All paths are absolute, links
// resolved.
type repository struct {
	// of the worktree, the folder that holds .git; "" when seen from inside a git folder
	root   string
	gitDir string // of this worktree
	// the git folder that all worktrees share; the same as gitDir but in a linked worktree
	common string
}

// linked reports whether the worktree is one that git worktree add made.
func (r *repository) linked() bool { return r.gitDir != r.common }

// errNoRepository says that git would look for the repository in the folder above.
var errNoRepository = errors.New("no git repository here")

// repositoryOf returns the repository that dir is in, nil when it is in none, and *NotFound where
// git would not go on either: a .git that leads nowhere may stand for any repository. Variables of
// git's are not asked: a server that was started from a hook has them, and they are of another
// command's making.
func repositoryOf(dir string) (*repository, error) {
	for {
		r, err := repositoryAt(dir)
		if err == nil && r.root == "" {
			return r.unlessEmbedded()
		}
		if !errors.Is(err, errNoRepository) {
			return r, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, nil
		}
		dir = up
	}
}

// unlessEmbedded returns the repository in whose files this bare one lies, if it lies in one: it is
// then part of a tree that anybody may have committed, and its configuration must not say where the
// board is.
func (r *repository) unlessEmbedded() (*repository, error) {
	outer, err := repositoryOf(filepath.Dir(r.common))
	if err == nil && (outer == nil || outer.common == r.common) {
		return r, nil
	}
	return outer, err
}

func repositoryAt(dir string) (*repository, error) {
	path := filepath.Join(dir, ".git")
	_, err := os.Lstat(path)
	switch {
	case missing(err):
		// A bare repository, or the inside of another's .git.
		common, err := commonDir(dir)
		if err != nil {
			return nil, err
		}
		return &repository{gitDir: dir, common: common}, nil
	case err != nil:
		return nil, unseen(path, err)
	}
	// Of what is mounted over a .git nobody can say that it is this folder's.
	if foreign, err := foreignMount(path); err != nil {
		return nil, unseen(path, err)
	} else if foreign {
		return nil, undecided("%s is a mount of its own, so it may not belong to %s", path, dir)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, undecided("%s leads nowhere: %v", path, cause(err))
	}
	gitDir, isFile := path, info.Mode().IsRegular()
	switch {
	case info.IsDir():
	case isFile:
		if gitDir, err = readGitFile(path); err != nil {
			return nil, err
		}
	default:
		return nil, undecided("%s is neither a folder nor a file", path)
	}
	real, err := filepath.EvalSymlinks(gitDir)
	if err != nil {
		return nil, undecided("%s leads to %s, which cannot be seen from here: %v", path, gitDir,
			cause(err))
	}
	common, err := commonDir(real)
	if errors.Is(err, errNoRepository) && isFile {
		return nil, undecided("%s leads to %s, which is no git folder", path, gitDir)
	}
	if err != nil {
		return nil, err
	}
	return &repository{root: dir, gitDir: real, common: common}, nil
}

// readGitFile returns where a .git file leads. Git takes all behind "gitdir: " for the path, blanks
// too.
func readGitFile(path string) (string, error) {
	text, err := readSmall(path)
	if err != nil {
		return "", unseen(path, err)
	}
	to, found := strings.CutPrefix(text, "gitdir: ")
	to = strings.TrimRight(to, "\r\n")
	if !found || to == "" || strings.Contains(to, "\x00") {
		return "", undecided("%s does not say where the git folder is", path)
	}
	return absolute(filepath.Dir(path), to), nil
}

// commonDir returns the folder that all worktrees share of the git folder dir; errNoRepository when
// dir is none. What makes a git folder is what git asks for: a HEAD, and objects and refs in the
// common folder.
func commonDir(dir string) (string, error) {
	head, err := readHead(dir)
	if missing(err) || errors.Is(err, errNotRegular) || err == nil && head == "" {
		return "", errNoRepository
	}
	if err != nil {
		return "", unseen(filepath.Join(dir, "HEAD"), err)
	}
	common := dir
	switch text, err := readSmall(filepath.Join(dir, "commondir")); {
	case err == nil:
		to := absolute(dir, strings.TrimRight(text, "\r\n"))
		if common, err = filepath.EvalSymlinks(to); err != nil {
			return "", undecided("%s belongs to %s, which cannot be seen from here: %v", dir, to,
				cause(err))
		}
	case !missing(err):
		return "", unseen(filepath.Join(dir, "commondir"), err)
	}
	for _, name := range []string{"objects", "refs"} {
		_, err := os.Stat(filepath.Join(common, name))
		if missing(err) {
			return "", errNoRepository
		}
		if err != nil {
			return "", unseen(filepath.Join(common, name), err)
		}
	}
	return common, nil
}

// readHead returns what a git folder's HEAD names: a reference, like refs/heads/main, or
// "detached"; "" when it is no HEAD.
func readHead(dir string) (string, error) {
	path := filepath.Join(dir, "HEAD")
	if to, err := os.Readlink(path); err == nil { // as old versions of git wrote it
		if strings.HasPrefix(to, "refs/") {
			return to, nil
		}
	}
	text, err := readSmall(path)
	if err != nil {
		return "", err
	}
	if ref, found := strings.CutPrefix(text, "ref:"); found {
		if ref = strings.TrimSpace(ref); strings.HasPrefix(ref, "refs/") {
			return ref, nil
		}
		return "", nil
	}
	const sha1 = 40
	hex := strings.TrimLeft(text, "0123456789abcdefABCDEF")
	if len(text)-len(hex) < sha1 {
		return "", nil
	}
	return "detached", nil
}

// settings are what a git folder's own configuration says of its worktrees.
type settings struct {
	board    string // ticket-mcp.board
	hasBoard bool
	bare     bool // core.bare
	hasBare  bool
	worktree string // core.worktree, absolute
}

// readSettings reads the configuration of a common git folder, and of its main worktree where that
// has one of its own. It is what git reads to find a worktree, so nothing else counts: no include,
// no configuration of the user's.
func readSettings(common string) (settings, error) {
	var s settings
	path := filepath.Join(common, "config")
	all, err := readConfig(path)
	if err != nil {
		return s, err
	}
	board, hasBoard := lookup(all, "ticket-mcp", "board")
	if hasBoard && board.value == "" {
		return s, undecided("ticket-mcp.board in %s is empty", path)
	}
	s.board, s.hasBoard = board.value, hasBoard
	if err := s.core(common, path, all); err != nil {
		return s, err
	}
	own, found := lookup(all, "extensions", "worktreeconfig")
	if !found {
		return s, nil
	}
	if on, err := own.boolean(); err != nil || !on {
		return s, ifUndecided(path, err)
	}
	path = filepath.Join(common, "config.worktree")
	if all, err = readConfig(path); err != nil {
		return s, err
	}
	return s, s.core(common, path, all)
}

// core takes over what a configuration says of core.bare and core.worktree.
func (s *settings) core(common, path string, all []setting) error {
	if bare, found := lookup(all, "core", "bare"); found {
		on, err := bare.boolean()
		if err != nil {
			return ifUndecided(path, err)
		}
		s.bare, s.hasBare = on, true
	}
	if worktree, found := lookup(all, "core", "worktree"); found {
		if worktree.value == "" {
			return undecided("core.worktree in %s is empty", path)
		}
		s.worktree = absolute(common, worktree.value)
	}
	return nil
}

// readConfig reads a configuration; one that is missing is empty.
func readConfig(path string) ([]setting, error) {
	text, err := readSmall(path)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unseen(path, err)
	}
	all, err := parseConfig(text)
	return all, ifUndecided(path, err)
}

// absolute is path as seen from the folder base.
func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// mostText is how much is read of one of git's small files, as git itself reads at most of a .git
// file.
const mostText = 1 << 20

var errNotRegular = errors.New("not a regular file")

// readSmall reads a regular file of at most mostText bytes; anything else at the path, which could
// block or never end, is an error.
func readSmall(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostText+1))
	if err == nil && len(text) > mostText {
		err = fmt.Errorf("longer than %d bytes", mostText)
	}
	return string(text), err
}

// missing reports whether an error says that nothing is there.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// IsDir reports whether a folder is there. That it cannot be seen is the system's error: it is not
// the same as none.
func IsDir(path string) (bool, error) {
	info, err := os.Stat(path)
	if missing(err) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}
