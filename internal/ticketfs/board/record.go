package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// recordName is the file in a common git folder that says which worktree has the board, where no rule of git's says which
// worktree is the main one: in bare repositories and where the git folder is apart from its worktree. It is made once, by the
// first process that asks, and stands for good: what it was chosen by, the branches, changes under running servers.
const recordName = "ticket-mcp-board"

// record is what the file says.
type record struct {
	worktree string // git's name for a linked worktree, the one of its folder in worktrees/; "" for the main one
	main     string // the root of the main worktree, which git does not know here; "" for a linked one
	path     string // of the board in the worktree
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
	named := rec.worktree != "" && filepath.IsLocal(rec.worktree) && filepath.Base(rec.worktree) == rec.worktree
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

// root returns where the worktree of the record is now, if it is still a worktree of the repository.
func (rec record) root(common string) (string, error) {
	gone := func(why string) *NotFound {
		return &NotFound{
			fmt.Sprintf("the worktree that has the board of all worktrees by %s, %s", filepath.Join(common, recordName), why),
			"bring it back, or choose another board: " + configCommand(common, filepath.Join(filepath.Dir(common), "PATH", FolderName)),
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

// worktrees lists the worktrees of a repository without a main one that git could tell. The main one is among them where
// we come from it, and cannot be seen otherwise.
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

// mainNearby looks for the main worktree where it is likely to lie: around the git folder, beside it and beside the linked
// worktrees. What it finds is one, by its .git.
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
		names, _ := folder.Readdirnames(most) // as many as can be read; the main worktree is not promised to be found
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
		if back, err := repositoryAt(dir); err == nil && back.gitDir == r.common && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	return found
}

// mainUnseen says that there is a main worktree of which a linked one does not know where it is.
func (r *repository) mainUnseen(near []string) *NotFound {
	board := filepath.Join(string(filepath.Separator), "path", "to", FolderName)
	why := fmt.Sprintf("the main worktree of %s cannot be seen from here: git does not say where it is", r.common)
	if len(near) > 1 {
		board = filepath.Join(near[0], FolderName)
		why = fmt.Sprintf("%s has more than one main worktree: %s", r.common, strings.Join(near, ", "))
	}
	return &NotFound{why, "start a server in the main worktree once, or say which board is for all: " + configCommand(r.common, board)}
}

// choose returns the worktree that shall have the board: the only one that has one, or among several the one in which the
// branch of the repository's HEAD is checked out. When none has one, it is NotFound unless one is to be made.
func (r *repository) choose(set settings, below string, making bool) (record, error) {
	all, err := r.worktrees(set)
	if err != nil {
		return record{}, err
	}
	head, err := readHead(r.common)
	if err != nil {
		return record{}, unseen(filepath.Join(r.common, "HEAD"), err)
	}
	var having, seen, hidden []worktree
	for _, w := range all {
		if !w.visible {
			hidden = append(hidden, w)
			continue
		}
		if w.board, err = w.first(below); err != nil {
			return record{}, err
		}
		seen = append(seen, w)
		if w.board != "" {
			having = append(having, w)
		}
	}
	if len(having) == 0 && !making {
		return record{}, r.noneHas(seen)
	}
	from := having
	if len(from) == 0 {
		from = seen
	}
	if len(from) == 1 && len(hidden) == 0 {
		return from[0].record()
	}
	// In a reftable repository HEAD names .invalid, so that old programs fail.
	if strings.HasPrefix(head, "refs/heads/") && head != "refs/heads/.invalid" {
		if i := slices.IndexFunc(from, func(w worktree) bool { return w.branch == head }); i >= 0 {
			return from[i].record()
		}
	}
	return record{}, r.cannotChoose(having, from, hidden, head)
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

// noneHas says that no worktree has a board, and names one that lies beside them.
func (r *repository) noneHas(seen []worktree) *NotFound {
	why := fmt.Sprintf("no worktree of %s has a %s", r.common, FolderName)
	next := "create a ticket to begin one, or start the server with --dir"
	if len(seen) == 0 {
		next = "make a worktree and create a ticket in it, or start the server with --dir"
	}
	other := above(filepath.Dir(r.common))
	if other == "" && r.root != "" {
		other = above(filepath.Dir(r.root))
	}
	if other != "" {
		why += fmt.Sprintf("; %s is in none of them", other)
		next += ", or choose that one: " + configCommand(r.common, other)
	}
	return &NotFound{why, next}
}

// cannotChoose says why none of several worktrees is the right one of itself.
func (r *repository) cannotChoose(having, from, hidden []worktree, head string) *NotFound {
	var why strings.Builder
	fmt.Fprintf(&why, "%s has no main worktree", r.common)
	if len(having) > 0 {
		fmt.Fprintf(&why, ", and there is a %s in %s", FolderName, roots(having))
	}
	if len(hidden) > 0 {
		fmt.Fprintf(&why, ", and worktrees are gone or cannot be seen from here: %s", roots(hidden))
	}
	fmt.Fprintf(&why, "; none that can be seen has the branch of HEAD (%s) checked out", strings.TrimPrefix(head, "refs/heads/"))
	example := filepath.Join(filepath.Dir(r.common), "PATH", FolderName)
	if len(from) > 0 {
		example = filepath.Join(from[0].root, FolderName)
		if from[0].board != "" {
			example = from[0].board
		}
	}
	next := "say which board is for all, for example: " + configCommand(r.common, example)
	if len(hidden) > 0 {
		next += "; or, if worktrees are gone: git -C " + quote(r.common) + " worktree prune"
	}
	return &NotFound{why.String(), next}
}

func roots(of []worktree) string {
	const most = 5
	var names []string
	for _, w := range of[:min(most, len(of))] {
		names = append(names, w.root)
	}
	if len(of) > most {
		names = append(names, fmt.Sprintf("%d more", len(of)-most))
	}
	return strings.Join(names, ", ")
}

// makeRecord writes the record, unless another process was first, and returns the one that stands. It appears whole, or not
// at all: it is written and synced under another name, and linking fails where there is one.
func makeRecord(common string, rec record) (*record, error) {
	path := filepath.Join(common, recordName)
	err := writeNew(path, rec.String())
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, &NotFound{
			fmt.Sprintf("which worktree has the board of all cannot be written to %s: %v", path, cause(err)),
			"say which board is for all: " + configCommand(common, filepath.Join(filepath.Dir(common), "PATH", FolderName)),
		}
	}
	made, err := readRecord(common)
	if err == nil && made == nil {
		err = undecided("%s was removed meanwhile", path)
	}
	return made, err
}
