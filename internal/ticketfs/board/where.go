package board

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// FolderName is the name of a ticket folder.
const FolderName = ".tickets"

// Where says where the board is looked for.
type Where struct {
	// Start is a folder named .tickets, which is the board then, or any other folder: the search
	// for the first .tickets begins there and goes upwards, to the root of the repository and of
	// those that it is a submodule of.
	Start string
	// From is what a relative Start is relative to. A process that lives on fills it in when it
	// begins, since its working directory may be removed; "" is the working directory of the
	// moment.
	From string
	// Local keeps a linked git worktree to its own board.
	Local bool
}

// Board is a ticket folder that was found.
type Board struct {
	Dir string // absolute, links resolved
	// Unused is a board that only the worktree has in which the search began, while the
	// repository's is another one; "" when there is none, or when the repository's own was there
	// before.
	Unused string
	Shared *Shared // nil for a local board

	place *gitPlace // nil outside of repositories
	stamp string    // of its SharedFile; "" for none
}

// Find returns the board, or *NotFound; *BrokenError or *Unreachable where it cannot be told
// whether it is a local one or a shared one.
func (w Where) Find() (Board, error) {
	b, h, err := w.find()
	if err != nil {
		return Board{}, err
	}
	return b.withMode(h)
}

// find returns the board's folder, and the home in which it was found if it was looked for.
func (w Where) find() (Board, home, error) {
	s, err := w.search()
	if err != nil {
		return Board{}, home{}, err
	}
	if s.named && (s.absolute || s.local) {
		b, err := s.explicit().open()
		return b, home{}, err
	}
	const most = 100 // repositories within each other; more are configurations that name each other
	for at, level := s.at, 0; level < most; level++ {
		h, err := s.home(at, false)
		if err != nil {
			return Board{}, h, err
		}
		dir, err := s.first(h)
		if dir != "" || err != nil {
			return Board{Dir: dir}, h, err
		}
		super, err := h.superproject()
		if err != nil {
			return Board{}, h, err
		}
		if super == "" || s.exact {
			return Board{}, h, s.none(h)
		}
		at = super
	}
	return Board{}, home{}, undecided("%s lies in repositories that are parts of each other", s.at)
}

// search is a Where as the filesystem shows it.
type search struct {
	at    string // the folder in which it begins, absolute, links resolved
	exact bool   // the .tickets in it is meant, and none above
	// it was a person who named the .tickets, so it may be a link that leads anywhere
	named    bool
	absolute bool // ... by its whole path, so that no worktree stands for another
	local    bool
}

func (w Where) search() (search, error) {
	start := w.Start
	if !filepath.IsAbs(start) {
		from := w.From
		if from == "" {
			var err error
			if from, err = os.Getwd(); err != nil {
				return search{}, undecided("cannot tell the working directory: %v", err)
			}
		}
		start = filepath.Join(from, start)
	}
	start = filepath.Clean(start)
	s := search{at: start, local: w.Local, exact: filepath.Base(start) == FolderName}
	s.named = s.exact && filepath.Base(w.Start) == FolderName
	s.absolute = filepath.IsAbs(w.Start)
	if s.exact {
		s.at = filepath.Dir(start)
	}
	real, err := filepath.EvalSymlinks(s.at)
	if missing(err) {
		return s, &NotFound{fmt.Sprintf("%s does not exist", start),
			"start ticket-mcp with --dir and a folder that is there"}
	}
	if err != nil {
		return s, unseen(s.at, err)
	}
	s.at = real
	if there, err := IsDir(real); err != nil {
		return s, err
	} else if !there {
		return s, &NotFound{fmt.Sprintf("%s is not a folder", start),
			"start ticket-mcp with --dir and a folder"}
	}
	return s, nil
}

// first returns the board of a home, "" when it has none.
func (s search) first(h home) (string, error) {
	if h.board != "" {
		at, err := s.configured(h)
		if err != nil {
			return "", err
		}
		b, err := at.open()
		return b.Dir, err
	}
	begin := filepath.Join(h.root, h.below)
	for dir := begin; ; dir = filepath.Dir(dir) {
		at := s.spot(h, filepath.Join(dir, FolderName))
		if there, err := IsDir(at.path); err != nil {
			return "", err
		} else if there {
			b, err := at.open()
			return b.Dir, err
		}
		if s.exact || dir == h.root || dir == filepath.Dir(dir) {
			break
		}
	}
	if h.recorded != "" && !s.exact {
		b, err := s.spot(h, h.recorded).open()
		return b.Dir, err
	}
	return "", nil
}

// none says where was looked in vain, and names the boards that are near but not this place's.
func (s search) none(h home) *NotFound {
	begin := filepath.Join(h.root, h.below)
	why := fmt.Sprintf("no %s in %s or any folder above it", FolderName, begin)
	switch {
	case s.exact:
		return &NotFound{fmt.Sprintf("%s does not exist", filepath.Join(begin, FolderName)),
			h.next(s, "")}
	case h.repo == nil:
		return &NotFound{why, "make a folder " + FolderName +
			" where the tickets shall be, or start ticket-mcp with --dir"}
	case begin == h.root:
		why = fmt.Sprintf("no %s in %s, the root of the repository", FolderName, begin)
	default:
		why += " up to " + h.root + ", the root of the repository"
	}
	other := s.own(h)
	if other != "" {
		why += fmt.Sprintf("; %s is on this worktree's branch only, where the other worktrees do not see it", other)
	} else if other = above(filepath.Dir(h.root)); other != "" {
		why += fmt.Sprintf("; %s is further up, outside this repository", other)
	}
	return &NotFound{why, h.next(s, other)}
}

// own is the board that the worktree has in which the search begins, when the repository's home is
// another worktree.
func (s search) own(h home) string {
	if h.repo == nil || h.repo.root == "" || h.repo.root == h.root {
		return ""
	}
	for dir := s.at; ; dir = filepath.Dir(dir) {
		if there, err := IsDir(filepath.Join(dir, FolderName)); there && err == nil {
			return filepath.Join(dir, FolderName)
		}
		if dir == h.repo.root || dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// above is the first board in dir or above it, "" when there is none that can be seen.
func above(dir string) string {
	for {
		if there, err := IsDir(filepath.Join(dir, FolderName)); there && err == nil {
			return filepath.Join(dir, FolderName)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// next is what can be done when a home has no board; other is one that might be meant.
func (h home) next(s search, other string) string {
	steps := []string{"create a ticket to begin one in " + h.root}
	if isHome(h.root) || h.root == filepath.Dir(h.root) {
		steps = nil
	}
	if other != "" && h.repo != nil {
		steps = append(steps, "choose that one: "+configCommand(h.repo.common, other))
		if h.repo.linked() && !s.local {
			steps = append(steps, "keep this worktree to its own: --worktree-local")
		}
	}
	return strings.Join(append(steps, "start ticket-mcp with --dir"), ", or ")
}

// configCommand is the command that makes dir the board of all worktrees.
func configCommand(common, dir string) string {
	if rest, below := cutFolder(dir, filepath.Dir(common)); below {
		dir = rest
	}
	return fmt.Sprintf("git -C %s config ticket-mcp.board %s", quote(common), quote(dir))
}

// Make creates the board for a first ticket, where Find would look for it, and makes its name
// durable: the one that was named, else at the root of the repository. It never makes one in / or
// the home folder, unless that is named, since servers are started anywhere.
func (w Where) Make() (Board, error) {
	s, err := w.search()
	if err != nil {
		return Board{}, err
	}
	if s.named && (s.absolute || s.local) {
		return s.explicit().make(home{})
	}
	h, err := s.home(s.at, true)
	if err != nil {
		return Board{}, err
	}
	switch {
	case h.board != "":
		at, err := s.configured(h)
		if err != nil {
			return Board{}, err
		}
		return at.make(h)
	case s.exact:
		return s.spot(h, filepath.Join(h.root, h.below, FolderName)).make(h)
	case h.repo == nil:
		return Board{}, s.none(h)
	case h.root == filepath.Dir(h.root) || isHome(h.root):
		return Board{}, &NotFound{
			fmt.Sprintf("no %s in %s, and none is made there of itself", FolderName, h.root),
			"start the server in a repository, or with --dir",
		}
	}
	path := h.recorded
	if path == "" {
		path = filepath.Join(h.root, FolderName)
	}
	b, err := s.spot(h, path).make(h)
	b.Unused = s.own(h)
	return b, err
}

// Sync makes the board's name durable. Whoever makes a ticket does so once, since the process that
// made the folder may have died before it could.
func (b Board) Sync() error {
	if err := durable.SyncPath(filepath.Dir(b.Dir)); err != nil {
		return fmt.Errorf("sync the folder of the ticket folder: %w", err)
	}
	return nil
}

// isHome reports whether dir is the user's home folder, by whichever path.
func isHome(dir string) bool {
	home, err := os.UserHomeDir()
	if err != nil {
		return false // without a home there is none to protect
	}
	a, err := os.Stat(home)
	if err != nil {
		return false
	}
	b, err := os.Stat(dir)
	return err == nil && os.SameFile(a, b)
}
