package tools

import (
	"context"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type releaseIn struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	Agent  string `json:"agent"`
}

// release gives a started ticket back: it becomes open.
func (b *Board) release(ctx context.Context, in releaseIn) (Answer, error) {
	who := b.caller(ctx, in.Agent)
	edits := []document.Edit{
		document.Set("status", string(document.StatusOpen)),
		document.Remove("claimed-by"),
		document.Remove("claimed-at"),
		document.Remove("closed"), // left over by another program
		document.Remove("close-reason"),
	}
	if reason := strings.TrimSpace(in.Reason); reason != "" {
		edits = append(edits, b.noteEdit(ctx, in.Agent, "released: "+reason))
	}
	d, err := b.Store.Change(ctx, in.ID, b.cause(ctx, in.Agent, in.Reason), func(d *document.Document, _ *ticketfs.View) ([]document.Edit, error) {
		if err := b.mayFinish(ctx, who, d.Ticket(), "release"); err != nil {
			return nil, err
		}
		return edits, nil
	})
	if !done(err) {
		return nil, err
	}
	b.started.mark(who, in.ID, false)
	return b.changed(d, err, in.ID+" is open again, held by nobody"), nil
}
