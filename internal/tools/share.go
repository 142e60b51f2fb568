package tools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Cluster is an engine, as a board moves into it and out of it.
type Cluster struct {
	// Exists reports whether it has the board, also one that is closed.
	Exists func(context.Context, board.Shared) (bool, error)
	// Write brings the tickets in, and ends with making it a board. It may be done again until then.
	Write func(context.Context, board.Shared, []ticketfs.Kept) error
	// Close ends all changes, and Read visits all tickets as they are then.
	Close func(context.Context, board.Shared) error
	Read  func(context.Context, board.Shared, func(ticketfs.Kept) error) error
	// NewEpoch lets a board that was restored from a copy be changed again.
	NewEpoch func(context.Context, board.Shared) (epoch int, err error)
}

// Share moves a local board into an engine and says what was done. After a death, or an error of the
// engine, the same call goes on.
func (b *Board) Share(ctx context.Context, engine string, to Cluster) (said string, err error) {
	dir, shared, err := b.Store.Where.Folder()
	if err != nil {
		return "", ticketfs.Refused(err)
	}
	if shared != nil {
		exists, err := to.Exists(ctx, *shared)
		if err != nil {
			return "", err
		}
		if exists {
			return b.shareEnds(ctx, dir, *shared)
		}
	}
	c := b.newCall("share")
	var m *ticketfs.Moving
	if shared == nil {
		if m, err = c.freeze(ctx, dir, engine); err != nil {
			return "", err
		}
	} else if m, err = b.Store.Freeze(ctx, dir, *shared); err != nil {
		return "", err
	}
	tickets, err := m.TakeOut(ctx)
	if err != nil {
		return "", fmt.Errorf("%w; then share again, or go back by unshare", err)
	}
	if err := to.Write(ctx, m.Shared, tickets); err != nil {
		return "", fmt.Errorf("%w; then share again, or go back by unshare", err)
	}
	return b.shareEnds(ctx, dir, m.Shared)
}

// freeze ends a local board, unless sessions hold tickets of it or some cannot be read.
func (c *call) freeze(ctx context.Context, dir, engine string) (*ticketfs.Moving, error) {
	if _, err := c.open(); err != nil {
		return nil, err
	}
	if err := ticketfs.Settled(dir); err != nil {
		return nil, err
	}
	c.attend(ctx)
	if err := c.movable(); err != nil {
		return nil, err
	}
	m, err := c.Store.Freeze(ctx, dir, board.NewShared(engine))
	if err != nil {
		return nil, err
	}
	// Of what was started meanwhile no later moment would tell: nothing is started any more.
	if err := c.movable(); err != nil {
		return nil, errors.Join(err, m.Thaw(), c.Store.Where.Left(m.Shared.ID),
			ticketfs.Settled(dir))
	}
	return m, nil
}

// movable refuses to move a board whose tickets sessions hold, as far as can be told: the engine
// knows nothing of these sessions. Nor is one moved with tickets that cannot be read.
func (c *call) movable() error {
	v, err := c.snapshot()
	if err != nil {
		return err
	}
	var held, broken []string
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		switch {
		case ticketfs.CodeOf(err) == ticketfs.BadFile:
			broken = append(broken, id)
		case err != nil:
			return err
		case t.Status == document.StatusInProgress && t.ClaimedBy != "":
			if h := c.holder(t); !h.Person() && h.Life != session.Dead {
				held = append(held, id+" by "+oneLine(t.ClaimedBy, 100))
			}
		}
	}
	switch {
	case len(broken) > 0:
		return ticketfs.Refuse(ticketfs.BadFile, "see doctor; repair them, then share again",
			"%s cannot be read: %s", counted(len(broken), "ticket"), firstOf(broken))
	case len(held) > 0:
		return ticketfs.Refuse(ticketfs.Claimed,
			"let them close or release what they hold, end the servers, then share again",
			"sessions hold %s: %s", counted(len(held), "ticket"), firstOf(held))
	}
	return nil
}

// firstOf names the first of many.
func firstOf(names []string) string {
	const most = 5
	text := strings.Join(names[:min(most, len(names))], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(", +%d more", n)
	}
	return text
}

// shareEnds does what is left once the engine has the board.
func (b *Board) shareEnds(ctx context.Context, dir string, shared board.Shared) (string, error) {
	m, err := b.Store.Freeze(ctx, dir, shared)
	if err != nil {
		return "", err
	}
	n, err := m.HandedOver()
	if err != nil {
		return "", err
	}
	if err := b.Store.Where.Entered(shared.ID); err != nil {
		return "", err
	}
	said := fmt.Sprintf("the board is shared, as %s", shared.ID)
	if n > 0 {
		said += fmt.Sprintf(", with %s", counted(n, "ticket"))
	}
	tracked, err := board.Tracked(ctx, dir)
	if err != nil {
		return said, err
	}
	drop := slices.DeleteFunc(tracked, func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return document.IDOf(name) == "" || err == nil
	})
	err = board.CommitMode(ctx, dir, "tickets: the board is shared between machines",
		[]string{board.SharedFile, board.GuardFile}, drop)
	return committed(said, "push the commit: every clone must merge it", err)
}

// committed adds to what was done what git made of it.
func committed(said, next string, err error) (string, error) {
	var not *board.CommitError
	switch {
	case errors.As(err, &not):
		return said + "\n" + not.Error(), nil
	case err != nil:
		return said, err
	}
	return said + "\n" + next, nil
}

// Unshare brings the tickets of a shared board back as files, and says what was done. After a death
// the same call goes on; where the board never came into the engine, it is as it was before share.
func (b *Board) Unshare(ctx context.Context, from Cluster) (said string, err error) {
	where := b.Store.Where
	dir, shared, err := where.Folder()
	if err != nil {
		return "", ticketfs.Refused(err)
	}
	if shared == nil {
		id, err := ticketfs.Returning(dir)
		if err != nil {
			return "", err
		}
		if id == "" {
			return "", ticketfs.Refuse(ticketfs.NoChange, "nothing to do", "%s is a local board", dir)
		}
		if err := board.RemoveGuard(dir); err != nil {
			return "", err
		}
		return b.unshareEnds(ctx, dir, id, 0)
	}
	if _, err := where.Find(); err != nil { // another board than the clone's
		return "", ticketfs.Refused(err)
	}
	exists, err := from.Exists(ctx, *shared)
	if err != nil {
		return "", err
	}
	m, err := b.Store.Freeze(ctx, dir, *shared)
	if err != nil {
		return "", err
	}
	n, beside := 0, []string(nil)
	if exists {
		if n, beside, err = bringBack(ctx, m, from); err != nil {
			return "", err
		}
	} else if err := m.Thaw(); err != nil {
		return "", err
	}
	said, err = b.unshareEnds(ctx, dir, shared.ID, n)
	if len(beside) > 0 {
		said += fmt.Sprintf("\nin the place of tickets lay files with another text, kept as %s",
			firstOf(beside))
	}
	return said, err
}

// unshareEnds does what is left once the board has its tickets again.
func (b *Board) unshareEnds(ctx context.Context, dir, id string, n int) (said string, err error) {
	if err := b.Store.Where.Left(id); err != nil {
		return "", err
	}
	said = "the board is a local one again"
	if n > 0 {
		said += fmt.Sprintf(", with %s", counted(n, "ticket"))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return said, err
	}
	var add []string
	for _, e := range entries {
		if document.IDOf(e.Name()) != "" {
			add = append(add, e.Name())
		}
	}
	err = board.CommitMode(ctx, dir, "tickets: the board is a local one again", add,
		[]string{board.SharedFile, board.GuardFile})
	if not := new(board.CommitError); err == nil || errors.As(err, &not) {
		err = errors.Join(err, ticketfs.Settled(dir))
	}
	return committed(said, "push the commit; in every other clone, behind the merge: ticket-mcp unshare --accept", err)
}

// bringBack ends the board in the engine and makes files of its tickets.
func bringBack(ctx context.Context, m *ticketfs.Moving, from Cluster) (n int, beside []string,
	err error) {
	if err := from.Close(ctx, m.Shared); err != nil {
		return 0, nil, err
	}
	err = from.Read(ctx, m.Shared, func(t ticketfs.Kept) error {
		n++
		name, err := m.PutBack(t)
		if name != "" {
			beside = append(beside, name)
		}
		return err
	})
	if err != nil {
		return n, beside, err
	}
	return n, beside, m.Returned()
}
