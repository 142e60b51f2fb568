package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type releaseIn struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	Agent  string `json:"agent"`

	force bool // whoever holds it; a person's decision alone
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
	d, err := b.Store.Change(ctx, in.ID, b.cause(ctx, in.Agent, in.Reason), func(d *document.Document, _ *ticketfs.View) ([]document.Edit, error) {
		t := d.Ticket()
		err := b.mayFinish(ctx, who, t, "release")
		if err != nil && (!in.force || ticketfs.CodeOf(err) != ticketfs.Claimed) {
			return nil, err
		}
		note := strings.TrimSpace(in.Reason)
		if err != nil {
			note = strings.TrimSuffix("by force from "+oneLine(t.ClaimedBy, maxTitle)+": "+note, ": ")
		}
		if note == "" {
			return edits, nil
		}
		return append(slices.Clip(edits), b.noteEdit(ctx, in.Agent, "released: "+note)), nil
	})
	if !done(err) {
		return nil, err
	}
	b.started.mark(who, in.ID, false)
	return b.changed(d, err, in.ID+" is open again, held by nobody"), nil
}

// ReleaseByForce gives back a started ticket whoever holds it: one that lives and has forgotten it, or of whom nobody can tell.
// Only a person can judge that, so it is no tool: agents have none that does it. It is recorded in a note.
func (b *Board) ReleaseByForce(ctx context.Context, id, reason string) (Answer, error) {
	if b.Person == "" {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "ask a person; until then add a note, or take another ticket", "only a person can release %s by force", id)
	}
	ctx, cancel := context.WithTimeout(withCall(ctx, "release"), b.Store.LockTimeout)
	defer cancel()
	return b.release(b.attend(ctx), releaseIn{ID: id, Reason: reason, force: true})
}
