package tools

import (
	"errors"
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// A judge judges what tickets wait for in one view. What comes from above a ticket it works out
// once for all below, so that judging every ticket of a board is linear in the board, however deep
// the tickets lie below each other.
type judge struct {
	v     ticketfs.View
	now   time.Time
	known map[string]burden
}

// burden is what keeps back whatever lies below a ticket: by the ticket itself or by what is above
// it. Of each kind only the nearest is named; the next one is found by going on from there.
type burden struct {
	hold  string  // the ticket that is on hold, "" for none
	waits string  // the ticket that has a blocker which is not closed, "" for none
	fault *unread // where the way up ends in a file that cannot be read, nil if it does not
}

// unread is a parent that cannot be read.
type unread struct{ child, parent, why string }

func newJudge(v ticketfs.View, now time.Time) *judge {
	return &judge{v: v, now: now, known: make(map[string]burden)}
}

// waitsFor judges one ticket; see judge.waitsFor.
func waitsFor(v ticketfs.View, t document.Ticket, now time.Time) (*wait, error) {
	return newJudge(v, now).waitsFor(t)
}

// waitsFor judges the rule that start enforces and ready predicts: neither the ticket nor an
// ancestor is on hold, the parent is started, and each blocker of the ticket and of all its
// ancestors is closed. What is missing or malformed is never taken as started or closed. nil:
// nothing.
func (j *judge) waitsFor(t document.Ticket) (*wait, error) {
	for {
		w, moved, err := j.judge(t)
		if !moved || err != nil {
			return w, err
		}
		clear(j.known)
	}
}

// judge judges a ticket by what was worked out before. moved: the view has moved on since, and says
// something else now.
func (j *judge) judge(t document.Ticket) (w *wait, moved bool, err error) {
	b, err := j.burdenOf(t)
	if err != nil {
		return nil, false, err
	}
	if b.hold != "" {
		w, err := j.waitsForHold(t, b.hold)
		return w, w == nil, err
	}
	if w, err := j.waitsForParent(t, b.fault); w != nil || err != nil {
		return w, false, err
	}
	if b.waits == "" {
		return nil, false, nil
	}
	w, err = j.waitsForBlockers(t, b)
	return w, w == nil, err
}

func (j *judge) waitsForHold(t document.Ticket, hold string) (*wait, error) {
	if hold == t.ID {
		return &wait{id: t.ID, hold: &t}, nil
	}
	above, w, err := j.again(t, hold)
	if w != nil || err != nil || !onHold(above, j.now) {
		return w, err
	}
	return &wait{id: t.ID, hold: &above}, nil
}

// again asks for a ticket above t that was read before. When it cannot be read any more, t waits
// for that.
func (j *judge) again(t document.Ticket, id string) (document.Ticket, *wait, error) {
	above, err := j.v.Get(id)
	var refusal *ticketfs.Refusal
	if errors.As(err, &refusal) {
		return above, &wait{id: t.ID, parent: id, fault: &unread{t.ID, id, refusal.Why}}, nil
	}
	return above, nil, err
}

func (j *judge) waitsForParent(t document.Ticket, f *unread) (*wait, error) {
	if t.Parent != "" && (f == nil || f.child != t.ID) {
		parent, w, err := j.again(t, t.Parent)
		if w != nil || err != nil {
			return w, err
		}
		if parent.Status == document.StatusOpen {
			return &wait{id: t.ID, parent: parent.ID}, nil
		}
	}
	if f == nil {
		return nil, nil
	}
	return &wait{id: t.ID, parent: f.parent, fault: f}, nil
}

// maxWaits is how many blockers of a ticket are named.
const maxWaits = 100

// waitsForBlockers names the blockers of a ticket and of its ancestors that are not closed, the
// nearest first.
func (j *judge) waitsForBlockers(t document.Ticket, b burden) (*wait, error) {
	w := &wait{id: t.ID}
	seen := map[string]bool{}
	for visited := map[string]bool{}; b.waits != "" && !visited[b.waits]; {
		visited[b.waits] = true
		waiting, through := t, ""
		if b.waits != t.ID {
			above, unreadable, err := j.again(t, b.waits)
			if unreadable != nil || err != nil {
				return unreadable, err
			}
			waiting, through = above, above.ID
		}
		for _, blocker := range waiting.BlockedBy {
			if seen[blocker.ID] {
				continue
			}
			seen[blocker.ID] = true
			state, closed, err := stateOf(j.v, blocker.ID)
			switch {
			case err != nil:
				return nil, err
			case closed:
			case len(w.blockers) == maxWaits:
				w.more = true
				return w, nil
			default:
				w.blockers = append(w.blockers, openBlocker{blocker.ID, state, through})
			}
		}
		b = j.known[waiting.Parent]
	}
	if len(w.blockers) == 0 { // they were closed since the burden was worked out
		return nil, nil
	}
	return w, nil
}

// burdenOf works out the burden of a ticket, and of all above it of which it is not known yet.
func (j *judge) burdenOf(t document.Ticket) (burden, error) {
	var way []document.Ticket // from t upwards
	at := map[string]int{}
	b, known := j.known[t.ID]
	for !known {
		if i, loop := at[t.ID]; loop { // which only a hand can make
			var err error
			if b, err = j.loop(way[i:]); err != nil {
				return burden{}, err
			}
			way = way[:i]
			break
		}
		at[t.ID] = len(way)
		way = append(way, t)
		if t.Parent == "" {
			break
		}
		parent, err := j.v.Get(t.Parent)
		var refusal *ticketfs.Refusal
		if errors.As(err, &refusal) {
			b.fault = &unread{t.ID, t.Parent, refusal.Why}
			break
		}
		if err != nil {
			return burden{}, err
		}
		t = parent
		b, known = j.known[t.ID]
	}
	for _, t := range slices.Backward(way) {
		var err error
		if b, err = j.add(t, b); err != nil {
			return burden{}, err
		}
		j.known[t.ID] = b
	}
	return b, nil
}

// add is the burden of a ticket below one with a burden.
func (j *judge) add(t document.Ticket, b burden) (burden, error) {
	if onHold(t, j.now) {
		b.hold = t.ID
	}
	for _, blocker := range t.BlockedBy {
		_, closed, err := stateOf(j.v, blocker.ID)
		if err != nil {
			return burden{}, err
		}
		if !closed {
			b.waits = t.ID
			break
		}
	}
	return b, nil
}

// loop works out the burdens of tickets each of which lies below the next one, and the last below
// the first, and returns that of the first. Going round twice, each one learns of all the others.
func (j *judge) loop(ring []document.Ticket) (b burden, err error) {
	for range 2 {
		for _, t := range slices.Backward(ring) {
			if b, err = j.add(t, b); err != nil {
				return burden{}, err
			}
			j.known[t.ID] = b
		}
	}
	return b, nil
}
