package tools

import (
	"context"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// A hold is a mark beside the status, for people: it keeps a ticket and all below it from being
// started, until somebody clears it or its date comes. What is in progress is not touched by it.

// onHold reports whether the mark is there and its end has not come. An end that cannot be read
// never comes.
func onHold(t document.Ticket, now time.Time) bool {
	return t.Hold != "" && (t.HoldUntil.IsZero() || now.Before(t.HoldUntil))
}

// heldBack is what is said of a ticket on hold: d5x: Grace decides which provider (until
// 2026-02-01T00:00:00Z)
func heldBack(t document.Ticket) string { return t.ID + ": " + holdText(t) }

func holdText(t document.Ticket) string {
	text := oneLine(t.Hold, maxTitle)
	if until := t.When("hold-until"); until != "" {
		text += " (until " + oneLine(until, 40) + ")"
	}
	return text
}

// holdEdits sets or clears the mark. A new reason is a new hold, which does not inherit the end of
// the old one.
func holdEdits(reason string) []document.Edit {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return []document.Edit{document.Remove("hold"), document.Remove("hold-until")}
	}
	return []document.Edit{document.Set("hold", reason), document.Remove("hold-until")}
}

// holdUntil reads the end of a hold: a time, or a date, which means its first moment in UTC; "" for
// no end.
func holdUntil(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, ticketfs.Refuse(ticketfs.Invalid,
		"write a date like 2026-02-01 or a time like 2026-02-01T09:00:00Z",
		"hold_until %.40q is no date and no time", text)
}

// AnswerHold clears a hold with the answer that was waited for, which becomes a note: one change,
// so that nobody starts the ticket without it.
func (b *Board) AnswerHold(ctx context.Context, id, text string) (Answer, error) {
	if strings.TrimSpace(text) == "" {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "say what was decided",
			"text must not be empty")
	}
	ctx, cancel := context.WithTimeout(ctx, b.Store.LockTimeout)
	defer cancel()
	c := b.newCall("answer")
	c.attend(ctx)
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	changed, err := folder.Edit(ctx, id, c.cause("", text),
		func(d *document.Document) (ticketfs.Decision, error) {
			hold := d.Ticket().Hold
			if hold == "" {
				return ticketfs.Decision{}, ticketfs.Refuse(ticketfs.NoChange, "add a note instead",
					"%s is not on hold", id)
			}
			message := id + " is no longer on hold: " + oneLine(hold, maxTitle)
			return ticketfs.Decision{Edits: append(holdEdits(""), c.noteEdit("", text)),
				Message: message}, nil
		})
	if err != nil {
		return nil, err
	}
	return c.changed(changed), nil
}
