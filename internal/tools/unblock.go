package tools

import (
	"context"
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// unblock removes a blocker, whose own file need not exist.
func (b *Board) unblock(ctx context.Context, in blockIn) (Answer, error) {
	if !document.ValidID(in.BlockedBy) {
		return nil, invalidID("blocked_by", in.BlockedBy)
	}
	var message string
	d, err := b.Store.Change(ctx, in.ID, b.cause(ctx, in.Agent, ""), func(d *document.Document, v *ticketfs.View) ([]document.Edit, error) {
		t := d.Ticket()
		if t.Status == document.StatusClosed {
			return nil, wrongStatus(t, "unblock", "open or in_progress", "nothing to do: a closed ticket waits for nothing")
		}
		if !t.BlockedByID(in.BlockedBy) {
			return nil, ticketfs.Refuse(ticketfs.NoChange, "nothing to do", "%s is not blocked by %s", t.ID, in.BlockedBy)
		}
		state, _, err := stateOf(v, in.BlockedBy)
		if err != nil {
			return nil, err
		}
		message = fmt.Sprintf("%s is no longer blocked by %s (%s)", t.ID, in.BlockedBy, state)
		return []document.Edit{document.RemoveItem("blocked-by", in.BlockedBy)}, nil
	})
	if !done(err) {
		return nil, err
	}
	return b.changed(d, err, message), nil
}
