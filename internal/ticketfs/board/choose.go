package board

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// choose returns the worktree that shall have the board: the only one that has one, or among
// several the one in which the branch of the repository's HEAD is checked out. When none has one,
// it is NotFound unless one is to be made.
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

// noneHas says that no worktree has a board, and names one that lies beside them.
func (r *repository) noneHas(seen []worktree) *NotFound {
	why := fmt.Sprintf("no worktree of %s has a %s", r.common, FolderName)
	next := "create a ticket to begin one, or start ticket-mcp with --dir"
	if len(seen) == 0 {
		next = "make a worktree and create a ticket in it, or start ticket-mcp with --dir"
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
	fmt.Fprintf(&why, "; none that can be seen has the branch of HEAD (%s) checked out",
		strings.TrimPrefix(head, "refs/heads/"))
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

// mainUnseen says that there is a main worktree of which a linked one does not know where it is.
func (r *repository) mainUnseen(near []string) *NotFound {
	board := filepath.Join(string(filepath.Separator), "path", "to", FolderName)
	why := fmt.Sprintf("the main worktree of %s cannot be seen from here: git does not say where it is", r.common)
	if len(near) > 1 {
		board = filepath.Join(near[0], FolderName)
		why = fmt.Sprintf("%s has more than one main worktree: %s", r.common,
			strings.Join(near, ", "))
	}
	return &NotFound{why,
		"start a server in the main worktree once, or say which board is for all: " +
			configCommand(r.common, board)}
}
