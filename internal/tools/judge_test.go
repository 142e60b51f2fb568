package tools

import (
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// moving is a view that other calls of the process bring up to date meanwhile: of each ticket what
// it is when it is asked for first, second and so on. Behind the last it is what it was then; nil
// is gone.
type moving struct {
	ticketfs.View
	tickets map[string][]*document.Ticket
}

func (v moving) Get(id string) (document.Ticket, error) {
	moments := v.tickets[id]
	if len(moments) > 1 {
		v.tickets[id] = moments[1:]
	}
	if len(moments) == 0 || moments[0] == nil {
		return document.Ticket{}, ticketfs.Refuse(ticketfs.NotFound, "see list", "no ticket %s", id)
	}
	t := *moments[0]
	t.ID = id
	return t, nil
}

// TestJudgeOfMovingView: what changes while a ticket is judged is judged again, and what cannot be
// read any more is waited for.
func TestJudgeOfMovingView(t *testing.T) {
	open, closed := &document.Ticket{Status: document.StatusOpen}, &document.Ticket{
		Status: document.StatusClosed}
	started := &document.Ticket{Status: document.StatusInProgress}
	above := func(t *document.Ticket, hold string) *document.Ticket {
		return &document.Ticket{Status: t.Status, Parent: "root", Hold: hold}
	}
	held := &document.Ticket{Status: document.StatusInProgress, Hold: "who?"}
	blocked := &document.Ticket{Status: document.StatusInProgress,
		BlockedBy: []document.Blocker{{ID: "b"}}}
	type moments = map[string][]*document.Ticket
	for name, test := range map[string]struct {
		of      document.Ticket
		tickets moments
		want    string // of the refusal; "" for none
	}{
		"its blocker closes": {document.Ticket{BlockedBy: []document.Blocker{{ID: "b"}}},
			moments{"b": {open, closed}}, ""},
		"the hold above ends": {document.Ticket{Parent: "p"},
			moments{"p": {held, started}}, ""},
		"the hold above ends, and another is above that": {document.Ticket{Parent: "p"},
			moments{"p": {above(started, "who?"), above(started, "")}, "root": {held}},
			"on_hold: t waits with root above it, which is on hold: who?"},
		"what is on hold above is removed": {document.Ticket{Parent: "p"},
			moments{"p": {held, nil}},
			"parent_status: t waits for its parent p, which cannot be read: no ticket p"},
		"its parent is removed": {document.Ticket{Parent: "p"}, moments{"p": {started, nil}},
			"parent_status: t waits for its parent p, which cannot be read: no ticket p"},
		"what is blocked above is removed": {document.Ticket{Parent: "p"},
			moments{"p": {blocked, started, nil}, "b": {open}},
			"parent_status: t waits for its parent p, which cannot be read: no ticket p"},
	} {
		test.of.ID, test.of.Status = "t", document.StatusOpen
		w, err := waitsFor(moving{tickets: test.tickets}, test.of, time.Now())
		got := ""
		if w != nil {
			got = string(w.refusal().Code) + ": " + w.refusal().Why
		}
		if got != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
		if w != nil && w.hold == nil && w.reason() == "" {
			t.Errorf("%s: no reason to count", name)
		}
	}
}
