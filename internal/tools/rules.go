package tools

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// wait is what a ticket has to wait for before it can be started: the first of these that is not
// empty.
type wait struct {
	id       string           // the ticket
	hold     *document.Ticket // itself or the ancestor that is on hold
	parent   string           // the ancestor that is not started or cannot be read
	fault    *unread          // what is wrong with that one, nil if it is only open
	blockers []openBlocker    // own ones first, at most maxWaits
	more     bool             // there are more of these
}

// openBlocker is a blocker that is not closed.
type openBlocker struct {
	id, state string
	through   string // the ancestor whose blocker it is; "" for an own one
}

// refusal is how start says it.
func (w *wait) refusal() *ticketfs.Refusal {
	switch {
	case w.hold != nil:
		why := w.id + " is on hold"
		if w.hold.ID != w.id {
			why = w.id + " waits with " + w.hold.ID + " above it, which is on hold"
		}
		return ticketfs.Refuse(ticketfs.OnHold,
			"see ready for others; once a person has answered, update with an empty hold, or ticket-mcp answer, ends it",
			"%s: %s", why, holdText(*w.hold))
	case w.fault != nil:
		return ticketfs.Refuse(ticketfs.ParentStatus, "repair that file, or update the parent",
			"%s waits for its parent %s, which cannot be read: %s", w.fault.child, w.fault.parent, w.fault.why)
	case w.parent != "":
		return ticketfs.Refuse(ticketfs.ParentStatus,
			"start "+w.parent+" first, or see ready for others",
			"%s waits for its parent %s (open) to be started", w.id, w.parent)
	}
	var whys []string
	for _, b := range w.blockers {
		if b.through != "" {
			b.state += ", a blocker of " + b.through
		}
		whys = append(whys, fmt.Sprintf("%s (%s)", b.id, b.state))
	}
	if w.more {
		whys = append(whys, "and others")
	}
	return ticketfs.Refuse(ticketfs.Blocked, "work on one of these, or see ready for others",
		"%s waits for %s", w.id, strings.Join(whys, ", "))
}

// stateOf is the status of another ticket in words, and whether it is closed.
func stateOf(v ticketfs.View, id string) (state string, closed bool, err error) {
	t, err := v.Get(id)
	switch ticketfs.CodeOf(err) {
	case ticketfs.NotFound:
		return "missing", false, nil
	case ticketfs.BadFile:
		return "malformed: " + oneLine(err.(*ticketfs.Refusal).Why, 200), false, nil
	}
	return string(t.Status), t.Status == document.StatusClosed, err
}

// The keys that belong to a status. Of other statuses they are left over by another program, and go
// with the next change.
var (
	claimKeys = []string{"claimed-by", "claimed-at"}
	closeKeys = []string{"closed", "closed-by", "resolution", "close-reason", "evidence"}
)

// turn changes the status. The claim belongs to started tickets, how it ended to closed ones: every
// turn clears both.
func turn(to document.Status) []document.Edit {
	edits := []document.Edit{document.Set("status", string(to))}
	for _, key := range slices.Concat(claimKeys, closeKeys) {
		edits = append(edits, document.Remove(key))
	}
	return edits
}

// wrongStatus is the refusal for a ticket in a status that the tool does not take.
func wrongStatus(t document.Ticket, tool, needs, next string) error {
	return ticketfs.Refuse(ticketfs.WrongStatus, next, "%s is %s; %s needs %s", t.ID, t.Status,
		tool, needs)
}

// listed joins ids for a message, at most ten.
func listed(rows []row) string {
	const most = 10
	var parts []string
	for i, r := range rows {
		if i == most {
			parts = append(parts, fmt.Sprintf("+%d more", len(rows)-most))
			break
		}
		part := r.ID
		if r.Status != "" {
			part += " (" + r.Status + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
