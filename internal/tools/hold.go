package tools

import (
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// A hold is a mark beside the status, for people: it keeps a ticket and all below it from being started, until somebody clears it
// or its date comes. What is in progress is not touched by it.

// onHold reports whether the mark is there and its end has not come. An end that cannot be read never comes.
func onHold(t document.Ticket, now time.Time) bool {
	return t.Hold != "" && (t.HoldUntil.IsZero() || now.Before(t.HoldUntil))
}

// heldBack is what is said of a hold: d5x: Grace decides which provider (until 2026-02-01T00:00:00Z)
func heldBack(t document.Ticket) string {
	text := t.ID + ": " + oneLine(t.Hold, maxTitle)
	if until := t.When("hold-until"); until != "" {
		text += " (until " + oneLine(until, 40) + ")"
	}
	return text
}

// holdEdits sets or clears the mark. A new reason is a new hold, which does not inherit the end of the old one.
func holdEdits(reason string) []document.Edit {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return []document.Edit{document.Remove("hold"), document.Remove("hold-until")}
	}
	return []document.Edit{document.Set("hold", reason), document.Remove("hold-until")}
}

// holdUntil reads the end of a hold: a time, or a date, which means its first moment in UTC; "" for no end.
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
	return time.Time{}, ticketfs.Refuse(ticketfs.Invalid, "write a date like 2026-02-01 or a time like 2026-02-01T09:00:00Z",
		"hold_until %.40q is no date and no time", text)
}
