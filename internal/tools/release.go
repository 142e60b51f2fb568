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
	Hold   string `json:"hold"`
	Agent  string `json:"agent"`

	force bool // whoever holds it; a person's decision alone
}

// release gives a started ticket back: it becomes open.
func (c *call) release(ctx context.Context, in releaseIn) (Answer, error) {
	who := c.caller(in.Agent)
	edits := turn(document.StatusOpen)
	message := in.ID + " is open again, held by nobody"
	if strings.TrimSpace(in.Hold) != "" {
		edits = append(edits, holdEdits(in.Hold)...)
		message += ", and on hold: nobody is given it until a person answers, or update with an empty hold ends that"
	}
	changed, err := c.change(ctx, in.ID, c.cause(in.Agent, in.Reason),
		func(d *document.Document, _ ticketfs.View) (ticketfs.Decision, error) {
			t := d.Ticket()
			err := c.mayFinish(who, t, "release")
			if err != nil && (!in.force || ticketfs.CodeOf(err) != ticketfs.Claimed) {
				return ticketfs.Decision{}, err
			}
			note := strings.TrimSpace(in.Reason)
			if err != nil {
				note = strings.TrimSuffix("by force from "+oneLine(t.ClaimedBy, maxTitle)+": "+note,
					": ")
			}
			if note == "" {
				return ticketfs.Decision{Edits: edits, Message: message}, nil
			}
			return ticketfs.Decision{Edits: append(slices.Clip(edits),
				c.noteEdit(in.Agent, "released: "+note)), Message: message}, nil
		})
	if err != nil {
		return nil, err
	}
	c.started.mark(who, in.ID, false)
	return c.changed(changed), nil
}

// ReleaseByForce gives back a started ticket whoever holds it: one that lives and has forgotten it,
// or of whom nobody can tell. Only a person can judge that, so it is no tool: agents have none that
// does it. It is recorded in a note.
func (b *Board) ReleaseByForce(ctx context.Context, id, reason string) (Answer, error) {
	if b.Person == "" {
		return nil, ticketfs.Refuse(ticketfs.Invalid,
			"ask a person; until then add a note, or take another ticket", "only a person can release %s by force", id)
	}
	ctx, cancel := context.WithTimeout(ctx, b.Store.LockTimeout)
	defer cancel()
	c := b.newCall("release")
	c.attend(ctx)
	return c.release(ctx, releaseIn{ID: id, Reason: reason, force: true})
}
