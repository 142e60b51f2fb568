package tools

import (
	"context"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type reopenIn struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	Agent  string `json:"agent"`
}

// reopen makes a closed ticket open again, unless its parent is closed or it would create a
// dependency cycle.
func (c *call) reopen(ctx context.Context, in reopenIn) (Answer, error) {
	var why []document.Edit
	if reason := strings.TrimSpace(in.Reason); reason != "" {
		why = append(why, c.noteEdit(in.Agent, "reopened: "+reason))
	}
	changed, err := c.change(ctx, in.ID, c.cause(in.Agent, in.Reason),
		func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
			t := d.Ticket()
			if t.Status != document.StatusClosed {
				return ticketfs.Decision{}, wrongStatus(t, "reopen", "closed", "nothing to do")
			}
			if err := parentNotClosed(v, t.ID, t.Parent); err != nil {
				return ticketfs.Decision{}, err
			}
			if err := reopensNoCycle(v, t); err != nil {
				return ticketfs.Decision{}, err
			}
			edits := append(turn(document.StatusOpen), c.closingNote(in.Agent, t)...)
			return ticketfs.Decision{Edits: append(edits, why...),
				Message: in.ID + " is open again"}, nil
		})
	if err != nil {
		return nil, err
	}
	return c.changed(changed), nil
}

// closingNote keeps how a ticket had ended, which the next close would overwrite.
func (c *call) closingNote(agent string, t document.Ticket) []document.Edit {
	var words []string
	for _, fact := range []struct{ before, value string }{
		{"on ", t.When("closed")}, {"by ", t.ClosedBy}, {"as ", t.Resolution},
		{"because ", t.CloseReason}, {"shown by ", strings.Join(t.Evidence, "; ")},
	} {
		if fact.value != "" {
			words = append(words, fact.before+oneLine(fact.value, 1000))
		}
	}
	if len(words) == 0 || len(words) == 1 && t.When("closed") != "" { // when alone says nothing that the journal does not
		return nil
	}
	return []document.Edit{c.noteEdit(agent, "it had been closed "+strings.Join(words, " "))}
}

// reopensNoCycle: a closed ticket waits for nothing, so others may have come to wait for it while
// it itself lists one of them as a blocker. Files that cannot be read do not count against it, as
// its own parent does not.
func reopensNoCycle(v ticketfs.View, t document.Ticket) error {
	t.Status = document.StatusOpen
	return inNoCycle(v, t, "reopening "+t.ID)
}

// inNoCycle judges a ticket that becomes as t is: nothing for which it then waits may wait for it.
func inNoCycle(v ticketfs.View, t document.Ticket, change string) error {
	v = ticketfs.Assuming(v, t)
	var alive []edge
	for _, e := range []event{{id: t.ID}, {t.ID, true}} {
		next, _, err := waits(v, e)
		if err != nil {
			return err
		}
		for _, to := range next {
			alive = append(alive, edge{e, to})
		}
	}
	err := checkCycle(v, change, alive...)
	if ticketfs.CodeOf(err) == ticketfs.BadFile {
		return nil
	}
	return err
}

// parentNotClosed refuses an open ticket below a closed one. A parent that cannot be read is not
// taken as closed.
func parentNotClosed(v ticketfs.View, id, parent string) error {
	if parent == "" {
		return nil
	}
	p, err := v.Get(parent)
	if ticketfs.CodeOf(err) != "" {
		return nil
	}
	if err != nil {
		return err
	}
	if p.Status == document.StatusClosed {
		return ticketfs.Refuse(ticketfs.ParentStatus, "reopen "+parent+" first",
			"the parent %s of %s is closed", parent, id)
	}
	return nil
}
