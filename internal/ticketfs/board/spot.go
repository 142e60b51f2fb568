package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// spot is where a board is, or shall be. What a tree brings along, links above all, must not lead
// out of it.
type spot struct {
	path string
	root string // of the worktree that must hold it; "" for anywhere
	link bool   // the folder itself may be a link that leads anywhere, since a person named it
}

// explicit is the spot that a person named by its whole path.
func (s search) explicit() spot {
	return spot{path: filepath.Join(s.at, FolderName), link: true}
}

// spot is a place in the worktree of a home.
func (s search) spot(h home, path string) spot {
	return spot{path: path, root: h.root, link: s.named}
}

// configured is the spot that ticket-mcp.board names. The configuration is a person's word, but
// what stands there is a tree's.
func (s search) configured(h home) (spot, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(h.board))
	if missing(err) {
		return spot{}, undecided("%s, which ticket-mcp.board names, does not exist", h.board)
	}
	if err != nil {
		return spot{}, unseen(h.board, err)
	}
	at := spot{path: filepath.Join(folder, FolderName)}
	r, err := repositoryOf(folder)
	if r != nil {
		at.root = r.root
	}
	return at, err
}

// open returns the board at the spot.
func (p spot) open() (Board, error) {
	there, err := IsDir(p.path)
	if err != nil {
		return Board{}, err
	}
	if !there {
		return Board{}, p.notThere()
	}
	if err := p.held(filepath.Dir(p.path)); err != nil {
		return Board{}, err
	}
	if !p.link {
		if err := p.held(p.path); err != nil {
			return Board{}, err
		}
	}
	real, err := filepath.EvalSymlinks(p.path)
	if err != nil {
		return Board{}, unseen(p.path, err)
	}
	return Board{Dir: real}, nil
}

// notThere says what is at the spot instead of a board.
func (p spot) notThere() *NotFound {
	info, err := os.Lstat(p.path)
	switch {
	case err != nil:
		return &NotFound{fmt.Sprintf("%s does not exist", p.path),
			"create a ticket to make it, or start ticket-mcp with --dir and another one"}
	case info.Mode()&fs.ModeSymlink != 0:
		return undecided("%s is a link that leads to no folder", p.path)
	}
	return undecided("%s is not a folder", p.path)
}

// held refuses a path that leads out of the worktree that must hold it.
func (p spot) held(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return unseen(path, err)
	}
	if _, below := cutFolder(real+string(filepath.Separator), p.root); p.root == "" || below {
		return nil
	}
	return &NotFound{
		fmt.Sprintf("%s is a link out of the repository, to %s", path, real),
		"if that is to be the board, start ticket-mcp with --dir " + quote(p.path),
	}
}

// make makes the board at the spot, if it is a local one in all of the clone.
func (p spot) make(h home) (Board, error) {
	if g := placeOf(p.path, h); g != nil {
		pinned, err := g.readPin()
		if err == nil && !isFolder(p.path) {
			err = g.stillLocal(p.path, pinned)
		}
		if err != nil {
			return Board{}, err
		}
	}
	b, err := p.create()
	if err != nil {
		return b, err
	}
	return b.withMode(h)
}

// create makes the folder at the spot, unless it is there.
func (p spot) create() (Board, error) {
	if _, err := os.Stat(filepath.Dir(p.path)); missing(err) {
		return Board{}, undecided("%s does not exist", filepath.Dir(p.path))
	}
	if err := p.held(filepath.Dir(p.path)); err != nil {
		return Board{}, err
	}
	if err := os.Mkdir(p.path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return Board{}, fmt.Errorf("make the ticket folder: %w", err)
	}
	b, err := p.open()
	if err != nil {
		return b, err
	}
	return b, b.Sync()
}

// cutFolder returns the rest of path below folder.
func cutFolder(path, folder string) (rest string, below bool) {
	if folder == filepath.Dir(folder) { // the root of the filesystem
		return strings.TrimPrefix(path, folder), true
	}
	return strings.CutPrefix(path, folder+string(filepath.Separator))
}
