package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// modeOf tells whether the board in the ticket folder dir is shared, and by which engine; nil for a
// local one. Where the folder, the clone and its branches do not say the same, it is Unreachable:
// of two modes on one board, one loses changes.
func modeOf(dir string, g *gitPlace) (*Shared, error) {
	shared, err := ReadShared(dir)
	if err != nil || g == nil {
		return shared, err
	}
	p, err := g.readPin()
	if err != nil {
		return nil, err
	}
	if shared == nil {
		return nil, g.stillLocal(dir, p)
	}
	if p == nil {
		if p, err = g.firstPin(shared.ID); err != nil {
			return nil, err
		}
	}
	accept := "ticket-mcp share --accept " + shared.ID
	switch {
	case p.id != shared.ID:
		return nil, &Unreachable{
			fmt.Sprintf("%s names the shared board %s, but this clone works on %s",
				filepath.Join(dir, SharedFile), shared.ID, p.id),
			"check out a branch with the right one, or let a person decide for this one: " + accept}
	case p.left:
		return nil, &Unreachable{
			fmt.Sprintf("the board %s was unshared in this clone, but the branch that is checked out still has %s",
				p.id, filepath.Join(dir, SharedFile)),
			"merge the branch in which it was unshared, or let a person decide to take part again: " + accept}
	}
	return shared, nil
}

// stillLocal makes sure that a board without a SharedFile is a local one for all of the clone.
func (g *gitPlace) stillLocal(dir string, p *pin) error {
	path := filepath.Join(dir, SharedFile)
	if p != nil && !p.left {
		return &Unreachable{
			fmt.Sprintf("this clone works on the shared board %s, and %s is missing", p.id, path),
			"check out or merge a branch that has it; if the board was unshared, let a person say so: ticket-mcp unshare --accept"}
	}
	s, err := g.inBranches(p)
	if err != nil || s == nil {
		return err
	}
	short := strings.TrimPrefix(strings.TrimPrefix(s.branch, "refs/heads/"), "refs/remotes/")
	next := "merge it, so that this worktree has the file too: git merge " + quote(short)
	if head := headTarget(g.gitDir); s.branch == head || s.branch == "HEAD" {
		next = "bring it back: git checkout HEAD -- " + quote(path)
	}
	return &Unreachable{
		fmt.Sprintf("the board is shared: %s has %s, which this worktree lacks", s.branch,
			filepath.ToSlash(filepath.Join(g.path, SharedFile))),
		next}
}

// placeOf is where in a repository the ticket folder dir lies, nil when it lies in none that can be
// told. h is the home by which it was found.
func placeOf(dir string, h home) *gitPlace {
	around := filepath.Dir(dir)
	if h.repo != nil && h.repo.common != "" && h.root != "" {
		if _, below := cutFolder(dir, h.root); below {
			path, err := filepath.Rel(h.root, dir)
			if err != nil {
				return nil
			}
			g := &gitPlace{common: h.repo.common, gitDir: h.repo.gitDir, asking: h.repo.gitDir,
				path: path}
			if h.repo.root != h.root {
				g.gitDir = h.repo.common
				if r, err := repositoryAt(h.root); err == nil {
					g.gitDir = r.gitDir
				}
			}
			return g
		}
	}
	r, err := repositoryOf(around)
	if err != nil || r == nil || r.root == "" {
		return nil
	}
	path, err := filepath.Rel(r.root, dir)
	if err != nil {
		return nil
	}
	return &gitPlace{common: r.common, gitDir: r.gitDir, asking: r.gitDir, path: path}
}

// withMode adds to a board that was found whether it is shared.
func (b Board) withMode(h home) (Board, error) {
	var err error
	b.place = placeOf(b.Dir, h)
	if b.stamp, err = sharedStamp(b.Dir); err != nil {
		return Board{}, err
	}
	b.Shared, err = modeOf(b.Dir, b.place)
	if err != nil {
		return Board{}, err
	}
	return b, nil
}

// Recheck looks again at a board that this process found, as every call does: at its SharedFile,
// and with branches at what was fetched or checked out since.
func (b *Board) Recheck(branches bool) error {
	stamp, err := sharedStamp(b.Dir)
	if err != nil {
		return err
	}
	if stamp == b.stamp && !branches {
		return nil
	}
	shared, err := modeOf(b.Dir, b.place)
	if err != nil {
		return err
	}
	if (shared == nil) != (b.Shared == nil) || shared != nil && *shared != *b.Shared {
		why := "was unshared"
		if shared != nil {
			why = "is the shared board " + shared.ID + " now"
		}
		return &Unreachable{fmt.Sprintf("%s, with which this server began, %s", b.Dir, why),
			"restart the server"}
	}
	b.stamp = stamp
	return nil
}

// sharedStamp tells whether the SharedFile is another one than before; "" when there is none.
func sharedStamp(dir string) (string, error) {
	stamp, err := durable.PathStamp(filepath.Join(dir, SharedFile))
	if missing(err) {
		return "", nil
	}
	if err != nil {
		return "", unseen(filepath.Join(dir, SharedFile), err)
	}
	return stamp.String(), nil
}

// Accept makes the shared board that the SharedFile names the one of this clone, and Leave makes
// the clone's board a local one: a person's decisions, which Find asks for. Both say what changed.
func (w Where) Accept(id string) (string, error) { return w.decide(id) }

// Leave is Accept for a board that was unshared.
func (w Where) Leave() (string, error) { return w.decide("") }

func (w Where) decide(id string) (string, error) {
	dir, g, err := w.folderOf()
	if err != nil {
		return "", err
	}
	if g == nil {
		return "", &Unreachable{dir + " is in no git repository, so no board is pinned",
			"its " + SharedFile + " alone says which board it is"}
	}
	shared, err := ReadShared(dir)
	if err != nil && id != "" {
		return "", err
	}
	before, err := g.readPin()
	var broken *Unreachable
	if err != nil && !errors.As(err, &broken) {
		return "", err
	}
	switch {
	case id == "" && shared != nil:
		return "", &Unreachable{filepath.Join(dir, SharedFile) + " is still there",
			"merge the branch in which the board was unshared, or unshare it: ticket-mcp unshare"}
	case id == "" && before == nil && broken == nil:
		return "no shared board was pinned; nothing was changed", nil
	case id == "" && before == nil:
		return "this clone's board is a local one", os.Remove(g.pinPath())
	case id == "":
		before.left = true
		return "this clone's board is a local one; it was " + before.id, g.replacePin(*before)
	case shared == nil || shared.ID != id:
		return "", &Unreachable{fmt.Sprintf("%s does not name %s",
			filepath.Join(dir, SharedFile), id), "give the id that stands in the file that you want to use"}
	}
	message := "this clone works on the shared board " + id
	if before != nil && before.id != id {
		message += "; it was " + before.id
	}
	return message, g.replacePin(pin{path: g.path, id: id})
}
