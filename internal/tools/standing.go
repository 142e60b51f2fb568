package tools

import (
	"context"
	"errors"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Standing is where a ticket stands: what start would say of it to a newcomer now.
type Standing struct {
	Ticket document.Ticket
	Holder session.Holder // of a started ticket
	Grace  time.Duration  // for which a dead holder's ticket is kept for it
	Waits  []Waiting      // what keeps it from being started, in the order in which start names it
	// the file is no readable ticket, and why; nothing but the ticket's id is known then
	Fault string
}

// Waiting is one thing that a ticket waits for.
type Waiting struct {
	ID      string
	State   string // its status, missing or malformed
	Start   bool   // it is the parent or another ancestor, which is to be started first
	Through string // the ancestor whose blocker it is; "" for one of the ticket's own
}

// Standings tells where all tickets stand, by id. It takes no locks: start decides.
func (b *Board) Standings(ctx context.Context) ([]Standing, error) {
	c := b.newCall("")
	c.attend(ctx)
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	ids := v.IDs()
	list := make([]Standing, 0, len(ids))
	j := newJudge(v, c.Now())
	for _, id := range ids {
		t, err := v.Get(id)
		var refusal *ticketfs.Refusal
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound: // removed since it was listed
			continue
		case errors.As(err, &refusal):
			list = append(list, Standing{Ticket: document.Ticket{ID: id}, Fault: refusal.Why})
			continue
		case err != nil: // one file that cannot be read must not hide the others
			list = append(list, Standing{Ticket: document.Ticket{ID: id}, Fault: err.Error()})
			continue
		}
		s, err := c.standing(j, t)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, v.InTime()
}

func (c *call) standing(j *judge, t document.Ticket) (Standing, error) {
	s := Standing{Ticket: t}
	if t.Status == document.StatusClosed {
		return s, nil
	}
	if t.Status == document.StatusInProgress {
		s.Holder = c.holder(t)
		s.Grace = c.Session.Grace(s.Holder)
	}
	w, err := j.waitsFor(t)
	if w == nil || err != nil {
		return s, err
	}
	if w.hold != nil {
		if w.hold.ID != t.ID {
			s.Waits = append(s.Waits, Waiting{ID: w.hold.ID, State: "on hold"})
		}
		return s, nil
	}
	if w.parent != "" {
		state, _, err := stateOf(j.v, w.parent)
		s.Waits = append(s.Waits, Waiting{ID: w.parent, State: state, Start: true})
		return s, err
	}
	for _, b := range w.blockers {
		s.Waits = append(s.Waits, Waiting{ID: b.id, State: b.state, Through: b.through})
	}
	return s, nil
}

// Changed reports whether a ticket changed since it was last asked, or a holder is not what was
// told of it. It takes the changes that the index has found, so it is for a board that serves
// nothing else.
func (b *Board) Changed(ctx context.Context, told []Standing) (bool, error) {
	c := b.newCall("")
	c.attend(ctx)
	v, err := c.snapshot()
	if err != nil {
		return false, err
	}
	if len(v.Changes()) > 0 {
		return true, nil
	}
	for _, s := range told {
		if s.Ticket.Status != document.StatusInProgress {
			continue
		}
		h := c.holder(s.Ticket)
		if h.Life != s.Holder.Life || (c.Session.Grace(h) > 0) != (s.Grace > 0) {
			return true, nil
		}
	}
	return false, nil
}
