package tools

import (
	"context"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type closeIn struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	Agent  string `json:"agent"`
}

// closeAnswer says also what can be started now that this ticket is closed.
type closeAnswer struct {
	changeAnswer
	Unblocked []row `json:"unblocked"`
	More      int   `json:"more,omitempty"`
}

func (a closeAnswer) Text() string {
	text := a.changeAnswer.Text()
	for _, r := range a.Unblocked {
		text += "\nnow ready: " + r.line()
	}
	if a.More > 0 {
		text += fmt.Sprintf("\n+%d more: see ready", a.More)
	}
	return text
}

// close finishes a started ticket whose children are all closed.
func (c *call) close(ctx context.Context, in closeIn) (Answer, error) {
	who := c.caller(in.Agent)
	now := stamp(c.Now())
	reason := document.Remove("close-reason") // one left over from an earlier close
	if text := strings.TrimSpace(in.Reason); text != "" {
		reason = document.Set("close-reason", text)
	}
	edits := []document.Edit{
		document.Set("status", string(document.StatusClosed)),
		document.Remove("claimed-by"),
		document.Remove("claimed-at"),
		document.Set("closed", now),
		reason,
	}
	changed, err := c.change(ctx, in.ID, c.cause(in.Agent, in.Reason), func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
		t := d.Ticket()
		if err := c.mayFinish(who, t, "close"); err != nil {
			return ticketfs.Decision{}, err
		}
		if err := childrenClosed(v, t.ID); err != nil {
			return ticketfs.Decision{}, err
		}
		return ticketfs.Decision{Edits: edits}, nil
	})
	if err != nil {
		return nil, err
	}
	c.started.mark(who, in.ID, false)
	// The ticket is closed; what it made ready is advice, and its failure must not look like a failed close.
	unblocked, adviceErr := c.unblockedBy(changed.Document.Ticket())
	message := in.ID + " is closed"
	if in.Agent != "" {
		message += " by " + who.claim()
	}
	switch {
	case adviceErr != nil:
		message += "; what it made ready could not be seen: " + oneLine(adviceErr.Error(), 200)
	case len(unblocked) > 0:
		message += "; now ready: " + listed(unblocked)
	}
	first := unblocked[:min(maxRelated, len(unblocked))]
	changed.Decision.Message = message
	return closeAnswer{c.changed(changed), first, len(unblocked) - len(first)}, nil
}

// childrenClosed refuses while a child is not closed, or a file that may be a child cannot be read.
func childrenClosed(v ticketfs.View, id string) error {
	children, unreadable, err := v.Children(id)
	if err != nil {
		return err
	}
	var open []row
	for _, c := range children {
		if c.Status != document.StatusClosed {
			open = append(open, shortRow(c))
		}
	}
	if len(open) > 0 {
		return ticketfs.Refuse(ticketfs.OpenChildren, "close these first, or update their parent", "%s has children that are not closed: %s", id, listed(open))
	}
	if len(unreadable) > 0 {
		return ticketfs.Refuse(ticketfs.BadFile, "mend that file by hand, then retry", "cannot tell whether it is a child of %s: %s", id, unreadable[0].Why)
	}
	return nil
}

// unblockedBy lists the tickets that can be started now that this one is closed, of those that waited for it: themselves or
// through an ancestor.
func (c *call) unblockedBy(closed document.Ticket) ([]row, error) {
	rows := []row{}
	folder, err := c.open()
	if err != nil {
		return rows, err
	}
	v, err := folder.After(closed)
	if err != nil {
		return rows, err
	}
	waited, err := v.Blocks(closed.ID)
	if err != nil {
		return rows, err
	}
	seen := map[string]bool{}
	for ; len(waited) > 0; waited = waited[1:] {
		t := waited[0]
		if seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		next, err := c.startable(v, t, c.liveness)
		if err != nil {
			return rows, err
		}
		if next != nil && next.grace == 0 {
			rows = append(rows, next.row())
		}
		children, _, err := v.Children(t.ID)
		if err != nil {
			return rows, err
		}
		waited = append(waited, children...)
	}
	return rows, nil
}
