package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// home is where a repository keeps the board of all its worktrees. Outside a repository it is all
// the folders above.
type home struct {
	repo *repository // nil outside
	root string      // of the worktree that has the board
	// where in it the search begins: the same place as in the worktree from which it was asked
	below    string
	board    string // the board itself, when ticket-mcp.board names it
	recorded string // the board that the record names: there when none is nearer
}

// home returns the home of the folder at. With making, a repository without a main worktree gets
// one chosen although no worktree has a board yet.
func (s search) home(at string, making bool) (home, error) {
	if s.local {
		return localHome(at)
	}
	r, err := repositoryOf(at)
	if err != nil {
		return home{}, err
	}
	if r == nil {
		return outside(at)
	}
	h := home{repo: r, below: "."}
	if r.root != "" {
		if h.below, err = filepath.Rel(r.root, at); err != nil {
			return h, err
		}
	}
	set, err := readSettings(r.common)
	if err != nil {
		return h, err
	}
	if set.hasBoard {
		h.board = absolute(filepath.Dir(r.common), set.board)
		if filepath.Base(h.board) != FolderName {
			h.board = filepath.Join(h.board, FolderName)
		}
		return h, nil
	}
	rec, err := readRecord(r.common)
	switch {
	case err != nil:
		return h, err
	case rec != nil:
		return h.as(*rec)
	case set.bare && set.worktree != "":
		return h, undecided("%s is bare and has a worktree by core.worktree, of which git says that it makes no sense", r.common)
	case set.worktree != "":
		h.root, err = r.configured(set.worktree)
		return h, err
	}
	usual := filepath.Dir(r.common)
	if !set.bare && filepath.Base(r.common) == ".git" {
		if taken, err := r.elsewhere(usual); err != nil {
			return h, err
		} else if !taken {
			h.root = usual
			return h, belongs(usual)
		}
	}
	if err := r.madeBare(usual); err != nil {
		return h, err
	}
	chosen, err := r.choose(set, h.below, making)
	if err != nil {
		return h, err
	}
	rec, err = makeRecord(r.common, chosen)
	if err != nil {
		return h, err
	}
	return h.as(*rec)
}

// outside is the home of a folder in no repository: the root of the filesystem.
func outside(at string) (home, error) {
	root := at
	for root != filepath.Dir(root) {
		root = filepath.Dir(root)
	}
	below, err := filepath.Rel(root, at)
	return home{root: root, below: below}, err
}

// localHome is the worktree that holds at, whatever its .git says.
func localHome(at string) (home, error) {
	for root := at; ; root = filepath.Dir(root) {
		switch _, err := os.Lstat(filepath.Join(root, ".git")); {
		case err == nil:
			below, err := filepath.Rel(root, at)
			r := &repository{root: root}
			if seen, seenErr := repositoryAt(root); seenErr == nil {
				r = seen
			}
			return home{repo: r, root: root, below: below}, err
		case !missing(err):
			return home{}, unseen(filepath.Join(root, ".git"), err)
		}
		if root == filepath.Dir(root) {
			return outside(at)
		}
	}
}

// as is the home that a record names.
func (h home) as(rec record) (home, error) {
	root, err := rec.root(h.repo.common)
	h.root, h.recorded = root, filepath.Join(root, rec.path)
	return h, err
}

// configured returns the main worktree that core.worktree names, as in submodules.
func (r *repository) configured(worktree string) (string, error) {
	root, err := filepath.EvalSymlinks(worktree)
	if err != nil {
		return "", undecided("the main worktree, %s, cannot be seen from here: %v", worktree,
			cause(err))
	}
	back, err := repositoryAt(root)
	switch {
	case errors.Is(err, errNoRepository) || err == nil && back.root == "":
		// A worktree that only core.worktree knows. An empty folder, as a submodule leaves one that
		// is not checked out, is none.
		if there, err := IsDir(filepath.Join(root, FolderName)); err != nil || there {
			return root, err
		}
		return "", undecided("the main worktree, %s, has no .git", root)
	case err != nil:
		return "", err
	case back.common != r.common:
		return "", undecided("%s is the worktree of %s by core.worktree, but its .git leads to %s",
			root, r.common, back.common)
	}
	return root, nil
}

// elsewhere reports whether the folder around a .git is not the main worktree, although git takes
// it for that: the .git was made for another folder, from which we come, and there is no board that
// a linked worktree could have found.
func (r *repository) elsewhere(usual string) (bool, error) {
	if r.linked() || r.root == "" || r.root == usual {
		return false, nil
	}
	there, err := IsDir(filepath.Join(usual, FolderName))
	return !there, err
}

// madeBare refuses a bare .git with a board beside it, as a main worktree has it whose core.bare
// was set by some program: its servers go on with that board.
func (r *repository) madeBare(usual string) error {
	beside := filepath.Join(usual, FolderName)
	if filepath.Base(r.common) != ".git" || r.root != "" && r.root != usual && !r.linked() {
		return nil
	}
	there, err := IsDir(beside)
	if err != nil || !there {
		return err
	}
	return &NotFound{
		fmt.Sprintf("%s is bare, so %s beside it is in no worktree, though it looks like the main one's", r.common, beside),
		"say that it is the board: " + configCommand(r.common, beside) +
			", or that it is a worktree: git -C " + quote(r.common) + " config core.bare false",
	}
}

// belongs makes sure that the .git in a main worktree is that worktree's: in a container only the
// .git may be mounted.
func belongs(root string) error {
	path := filepath.Join(root, ".git")
	foreign, err := foreignMount(path)
	if err != nil {
		return unseen(path, err)
	}
	if foreign {
		return undecided("%s is a mount of its own, so the main worktree may be elsewhere than in %s", path, root)
	}
	return nil
}

// superproject returns the folder around a submodule, "" when the home is none.
func (h home) superproject() (string, error) {
	if h.repo == nil || h.root == filepath.Dir(h.root) {
		return "", nil
	}
	around := filepath.Dir(h.root)
	outer, err := repositoryOf(around)
	if err != nil || outer == nil || outer.root == "" {
		// What is broken further up is not this repository's; if it has no board, that is said.
		return "", nil
	}
	for _, dir := range []string{outer.common, outer.gitDir} {
		if _, below := cutFolder(h.repo.common, filepath.Join(dir, "modules")); below {
			return around, nil
		}
	}
	path, err := filepath.Rel(outer.root, h.root)
	if err != nil {
		return "", err
	}
	// One whose git folder is its own, as before git 1.7.8.
	all, err := readConfig(filepath.Join(outer.root, ".gitmodules"))
	if err != nil {
		return "", nil
	}
	for _, s := range all {
		if s.section == "submodule" && s.key == "path" && filepath.Clean(s.value) == path {
			return around, nil
		}
	}
	return "", nil
}
