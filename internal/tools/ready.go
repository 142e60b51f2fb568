package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

type readyIn struct {
	Limit  int    `json:"limit"`
	Type   string `json:"type"`
	Parent string `json:"parent"`
}

// readyAnswer lists what start would accept from this session.
type readyAnswer struct {
	Tickets  []row  `json:"tickets"`
	More     int    `json:"more,omitempty"`
	Problems []row  `json:"problems,omitempty"`
	Message  string `json:"message"`
	place
}

func (a readyAnswer) Text() string {
	lines := []string{a.Message}
	for _, r := range a.Tickets {
		lines = append(lines, r.line())
	}
	for _, r := range a.Problems {
		lines = append(lines, "malformed: "+r.line())
	}
	return joinLines(append(lines, a.place.Text())...)
}

// defaultLimit is how many tickets list and ready name when no limit is given.
const defaultLimit = 20

// ready lists the tickets that can be started now, the next one first; if there is none, why.
func (b *Board) ready(_ context.Context, in readyIn) (Answer, error) {
	v, err := b.Store.View()
	if err != nil {
		return nil, err
	}
	q, err := b.queue(v, in.Type, in.Parent)
	if err != nil {
		return nil, err
	}
	limit := cmp.Or(in.Limit, defaultLimit)
	a := readyAnswer{Tickets: []row{}, Problems: q.problems, place: b.place(nil)}
	for _, c := range q.candidates[:min(limit, len(q.candidates))] {
		a.Tickets = append(a.Tickets, c.row())
	}
	a.More = len(q.candidates) - len(a.Tickets)
	switch {
	case len(a.Tickets) == 0:
		a.Message = "nothing is ready: " + q.why()
	case a.More > 0:
		a.Message = fmt.Sprintf("%s ready, +%d more", counted(len(a.Tickets), "ticket"), a.More)
	default:
		a.Message = counted(len(a.Tickets), "ticket") + " ready"
	}
	return a, nil
}

// queue is what can be started, and why the rest cannot.
type queue struct {
	candidates []candidate
	held       int            // in_progress, not to be taken over
	waiting    map[string]int // on a blocker or parent -> how many tickets
	problems   []row          // malformed files
}

// candidate is a ticket that start accepts; former is the dead holder whom it would be taken over from.
type candidate struct {
	ticket ticketfs.Ticket
	former string
}

func (c candidate) row() row {
	r := ticketRow(c.ticket)
	if c.former != "" {
		r.Holder = oneLine(c.former, maxTitle) + ", which is dead"
	}
	return r
}

// queue looks at all tickets, of a type and parent if given, with the rule of start: priority first, then age.
func (b *Board) queue(v *ticketfs.View, typ, parent string) (queue, error) {
	var q queue
	ids, err := v.IDs()
	if err != nil {
		return q, err
	}
	for _, id := range ids {
		t, err := v.Get(id)
		var refusal *ticketfs.Refusal
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound: // removed since it was listed
			continue
		case errors.As(err, &refusal):
			q.problems = append(q.problems, row{ID: id, Reason: oneLine(refusal.Why, 200)})
			continue
		case err != nil:
			return q, err
		}
		if t.Status == ticketfs.StatusClosed || typ != "" && t.Type != typ || parent != "" && t.Parent != parent {
			continue
		}
		if err := b.enqueue(&q, v, t); err != nil {
			return q, err
		}
	}
	slices.SortStableFunc(q.candidates, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(x.ticket.Priority, y.ticket.Priority), x.ticket.Created.Compare(y.ticket.Created), cmp.Compare(x.ticket.ID, y.ticket.ID))
	})
	return q, nil
}

func (b *Board) enqueue(q *queue, v *ticketfs.View, t ticketfs.Ticket) error {
	c := candidate{ticket: t}
	if t.Status == ticketfs.StatusInProgress {
		life, err := b.life(t)
		if err != nil {
			return err
		}
		if life != ticketfs.Dead {
			q.held++
			return nil
		}
		c.former = t.ClaimedBy
	}
	w, err := waitsFor(v, t)
	if err != nil {
		return err
	}
	switch {
	case w == nil:
		q.candidates = append(q.candidates, c)
	case w.parent != "":
		q.wait("wait for their parent " + w.parent)
	default:
		q.wait("blocked by " + w.blockers[0])
	}
	return nil
}

func (q *queue) wait(reason string) {
	if q.waiting == nil {
		q.waiting = make(map[string]int)
	}
	q.waiting[reason]++
}

// why says, for an empty queue, what the tickets wait for, the most frequent first.
func (q queue) why() string {
	const most = 5
	var reasons []string
	for reason := range q.waiting {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(x, y string) int { return cmp.Or(q.waiting[y]-q.waiting[x], cmp.Compare(x, y)) })
	var parts []string
	for i, reason := range reasons {
		if i == most {
			parts = append(parts, fmt.Sprintf("+%d more reasons", len(reasons)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s", q.waiting[reason], reason))
	}
	if q.held > 0 {
		parts = append(parts, fmt.Sprintf("%d in progress", q.held))
	}
	if n := len(q.problems); n > 0 {
		parts = append(parts, fmt.Sprintf("%d malformed", n))
	}
	if len(parts) == 0 {
		return "no open ticket here"
	}
	return strings.Join(parts, ", ")
}

// instead names ready tickets for a caller who was refused one.
func (b *Board) instead() string {
	const most = 3
	v, err := b.Store.View()
	if err != nil {
		return "see ready for others"
	}
	q, err := b.queue(v, "", "")
	if err != nil || len(q.candidates) == 0 {
		return "see ready for others"
	}
	var ids []string
	for _, c := range q.candidates[:min(most, len(q.candidates))] {
		ids = append(ids, c.ticket.ID)
	}
	return "ready instead: " + strings.Join(ids, ", ")
}
