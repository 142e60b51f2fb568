package board

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// worktree is one that may have the board.
type worktree struct {
	name    string // git's, "" for the main one
	root    string
	visible bool   // it is there, and its .git leads back
	branch  string // the reference that its HEAD names
	board   string // "" when it has none
}

// linkedAt returns a linked worktree by git's name for it, nil when git has none of that name.
func linkedAt(common, name string) (*worktree, error) {
	admin := filepath.Join(common, "worktrees", name)
	path := filepath.Join(admin, "gitdir")
	text, err := readSmall(path)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unseen(path, err)
	}
	w := &worktree{name: name, root: filepath.Dir(absolute(admin, strings.TrimRight(text, "\r\n")))}
	real, err := filepath.EvalSymlinks(w.root)
	if err != nil {
		return w, nil
	}
	w.root = real
	if back, err := repositoryAt(real); err != nil || back.root == "" || back.gitDir != admin {
		return w, nil
	}
	w.visible = true
	if w.branch, err = readHead(admin); err != nil {
		return nil, unseen(filepath.Join(admin, "HEAD"), err)
	}
	return w, nil
}

// worktrees lists the worktrees of a repository without a main one that git could tell. The main
// one is among them where we come from it, and cannot be seen otherwise.
func (r *repository) worktrees(set settings) ([]worktree, error) {
	entries, err := os.ReadDir(filepath.Join(r.common, "worktrees"))
	if err != nil && !missing(err) {
		return nil, unseen(filepath.Join(r.common, "worktrees"), err)
	}
	var all []worktree
	for _, e := range entries {
		w, err := linkedAt(r.common, e.Name())
		if err != nil {
			return nil, err
		}
		if w != nil {
			all = append(all, *w)
		}
	}
	if set.bare {
		return all, nil
	}
	main := r.root
	if r.linked() || r.root == "" {
		near := r.mainNearby(all)
		if len(near) != 1 {
			return nil, r.mainUnseen(near)
		}
		main = near[0]
	}
	head, err := readHead(r.common)
	if err != nil {
		return nil, unseen(filepath.Join(r.common, "HEAD"), err)
	}
	return append(all, worktree{root: main, visible: true, branch: head}), nil
}

// mainNearby looks for the main worktree where it is likely to lie: around the git folder, beside
// it and beside the linked worktrees. What it finds is one, by its .git.
func (r *repository) mainNearby(linked []worktree) []string {
	const most = 1000 // entries of a folder
	var near, found []string
	for dir := filepath.Dir(r.common); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		near = append(near, dir)
	}
	around := []string{filepath.Dir(r.common)}
	for _, w := range linked {
		around = append(around, filepath.Dir(w.root))
	}
	slices.Sort(around)
	for _, dir := range slices.Compact(around) {
		folder, err := os.Open(dir)
		if err != nil {
			continue
		}
		// as many as can be read; the main worktree is not promised to be found
		names, _ := folder.Readdirnames(most)
		_ = folder.Close()
		for _, name := range names {
			near = append(near, filepath.Join(dir, name))
		}
	}
	for _, dir := range near {
		var err error
		if info, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || info.IsDir() {
			continue
		}
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			continue
		}
		if back, err := repositoryAt(dir); err == nil && back.gitDir == r.common &&
			!slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	return found
}

// first returns the board of a worktree for the place below it, "" when it has none.
func (w worktree) first(below string) (string, error) {
	for dir := filepath.Join(w.root, below); ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, FolderName)
		there, err := IsDir(path)
		if err != nil {
			return "", err
		}
		if there {
			var none *NotFound
			if _, err := (spot{path: path, root: w.root}).open(); errors.As(err, &none) {
				return "", nil // a link out of the worktree, to another one's board or anywhere
			}
			return path, nil
		}
		if dir == w.root {
			return "", nil
		}
	}
}

func (w worktree) record() (record, error) {
	rec := record{worktree: w.name, path: FolderName}
	if w.name == "" {
		rec.main = w.root
	}
	if w.board == "" {
		return rec, nil
	}
	path, err := filepath.Rel(w.root, w.board)
	rec.path = path
	return rec, err
}
