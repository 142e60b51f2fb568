package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

type startIn struct {
	ID       *string `json:"id"`
	Agent    string  `json:"agent"`
	Takeover bool    `json:"takeover"`
	Type     string  `json:"type"`
	Parent   *string `json:"parent"`
}

// start makes an open ticket in_progress and this session's, or takes it over from a dead one. Without an id it takes the next
// ready one. An id that is empty is a wrong id, not "the next one".
func (b *Board) start(ctx context.Context, in startIn) (Answer, error) {
	if in.ID == nil {
		return b.startNext(ctx, in)
	}
	answer, err := b.startTicket(ctx, *in.ID, in, false)
	var refusal *ticketfs.Refusal
	if errors.As(err, &refusal) && refusal.Code == ticketfs.Claimed && refusal.Next == "" {
		refusal.Next = b.instead()
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// startTicket starts one ticket. With fresh, one that this session holds already is refused like any other that is held.
func (b *Board) startTicket(ctx context.Context, id string, in startIn, fresh bool) (ticketAnswer, error) {
	if err := b.settle(ctx, id); err != nil {
		return ticketAnswer{}, err
	}
	claim := b.who(ctx, in.Agent)
	edits := []document.Edit{
		document.Set("status", string(document.StatusInProgress)),
		document.Set("claimed-by", claim),
		document.Set("claimed-at", stamp(b.Now())),
		document.Remove("closed"), // left over by another program
		document.Remove("close-reason"),
	}
	var message string
	var already bool
	d, err := b.Store.Change(ctx, id, b.cause(ctx, in.Agent, ""), func(d *document.Document, v *ticketfs.View) ([]document.Edit, error) {
		t := d.Ticket()
		message, already = fmt.Sprintf("%s is now in_progress, held by %s (this session)", t.ID, claim), false
		switch t.Status {
		case document.StatusClosed:
			return nil, wrongStatus(t, "start", "open", "reopen it first, if there is more to do")
		case document.StatusInProgress:
			life, err := b.life(t)
			if err != nil {
				return nil, err
			}
			switch {
			case life == session.Mine && !fresh:
				message, already = fmt.Sprintf("%s is already yours: held by %s", t.ID, held(t, life)), true
				return nil, nil
			case fresh && life == session.Dead && b.owners.deadFor(v.LifeOf(t.ClaimedBy), b.Now()) < restartGrace:
				return nil, ticketfs.Refuse(ticketfs.Claimed, "", "%s is held by %s", t.ID, held(t, life)) // it died just now
			case life == session.Dead, life == session.Unknown && in.Takeover:
				message += ", taken over from " + held(t, life)
				if notes := lastNotes(d); notes != "" {
					message += "\nits last notes:\n" + notes
				}
			case life == session.Unknown:
				return nil, ticketfs.Refuse(ticketfs.Claimed, "if nobody works on it any more, start it with takeover: true", "%s is held by %s", t.ID, held(t, life))
			default:
				return nil, ticketfs.Refuse(ticketfs.Claimed, "", "%s is held by %s", t.ID, held(t, life))
			}
		}
		w, err := waitsFor(v, t)
		if err != nil {
			return nil, err
		}
		if w != nil {
			return nil, w.refusal
		}
		return edits, nil
	})
	if !done(err) {
		return ticketAnswer{}, err
	}
	b.owners.markStarted(id, true)
	answer, err := b.ticketAnswer(d, 0, message, err)
	answer.AlreadyYours = already
	return answer, err
}

// lastNotes are the newest notes of a ticket, for whoever takes it over.
func lastNotes(d *document.Document) string {
	const most = 3
	notes := d.Notes()
	if len(notes) > most {
		notes = notes[len(notes)-most:]
	}
	for i := range notes {
		notes[i] = "- " + oneLine(notes[i], 300)
	}
	return strings.Join(notes, "\n")
}
