package tools

import (
	"context"
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// unblock removes a blocker, whose own file need not exist.
func (c *call) unblock(ctx context.Context, in blockIn) (Answer, error) {
	if !document.ValidID(in.BlockedBy) {
		return nil, invalidID("blocked_by", in.BlockedBy)
	}
	changed, err := c.change(ctx, in.ID, c.cause(in.Agent, ""),
		func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
			t := d.Ticket()
			if t.Status == document.StatusClosed {
				return ticketfs.Decision{}, wrongStatus(t, "unblock", "open or in_progress",
					"nothing to do: a closed ticket waits for nothing")
			}
			if !t.BlockedByID(in.BlockedBy) {
				return ticketfs.Decision{}, ticketfs.Refuse(ticketfs.NoChange, "nothing to do",
					"%s is not blocked by %s", t.ID, in.BlockedBy)
			}
			state, _, err := stateOf(v, in.BlockedBy)
			if err != nil {
				return ticketfs.Decision{}, err
			}
			return ticketfs.Decision{
				Edits: d.RemoveBlocker(in.BlockedBy),
				Message: fmt.Sprintf("%s is no longer blocked by %s (%s)", t.ID, in.BlockedBy,
					state),
			}, nil
		})
	if err != nil {
		return nil, err
	}
	return c.changed(changed), nil
}
