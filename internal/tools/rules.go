package tools

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// wait is what a ticket has to wait for before it can be started.
type wait struct {
	hold     *document.Ticket // itself or the ancestor that is on hold, nil if none
	parent   string           // the ancestor that is not started or cannot be read, "" if none
	blockers []string         // ids of blockers that are not closed, own ones first
	refusal  *ticketfs.Refusal
}

// waitsFor judges the rule that start enforces and ready predicts: neither the ticket nor an ancestor is on hold, the parent is
// started, and each blocker of the ticket and of all its ancestors is closed. What is missing or malformed is never taken as
// started or closed. nil: nothing.
func waitsFor(v ticketfs.View, t document.Ticket, now time.Time) (*wait, error) {
	above, unmet, err := ancestors(v, t)
	if err != nil {
		return nil, err
	}
	lineage := append([]document.Ticket{t}, above...)
	if i := slices.IndexFunc(lineage, func(t document.Ticket) bool { return onHold(t, now) }); i >= 0 {
		why := t.ID + " is on hold"
		if i > 0 {
			why = t.ID + " waits with one above it that is on hold"
		}
		return &wait{hold: &lineage[i], refusal: ticketfs.Refuse(ticketfs.OnHold, "see ready for others; update with an empty hold, or ticket-mcp answer, ends it",
			"%s; %s", why, heldBack(lineage[i]))}, nil
	}
	if unmet != nil {
		return unmet, nil
	}
	return waitsForBlockers(v, lineage)
}

// waitsForBlockers judges the blockers of a ticket, which is the first, and of its ancestors.
func waitsForBlockers(v ticketfs.View, lineage []document.Ticket) (*wait, error) {
	id := lineage[0].ID
	var blockers, whys []string
	seen := map[string]bool{}
	for _, waiting := range lineage {
		for _, blocker := range waiting.BlockedBy {
			if seen[blocker.ID] {
				continue
			}
			seen[blocker.ID] = true
			state, closed, err := stateOf(v, blocker.ID)
			if err != nil {
				return nil, err
			}
			if closed {
				continue
			}
			if waiting.ID != id {
				state += ", a blocker of " + waiting.ID
			}
			blockers = append(blockers, blocker.ID)
			whys = append(whys, fmt.Sprintf("%s (%s)", blocker.ID, state))
		}
	}
	if len(blockers) == 0 {
		return nil, nil
	}
	return &wait{blockers: blockers, refusal: ticketfs.Refuse(ticketfs.Blocked, "work on one of these, or see ready for others",
		"%s waits for %s", id, strings.Join(whys, ", "))}, nil
}

// ancestors returns the parent, its parent and so on, as far as they can be read; unmet is what is wrong with the parent, or with
// one above that cannot be read. A loop, which only a hand can make, ends where it closes.
func ancestors(v ticketfs.View, t document.Ticket) (lineage []document.Ticket, unmet *wait, err error) {
	seen := map[string]bool{}
	for child := t; child.Parent != "" && !seen[child.Parent]; child = lineage[len(lineage)-1] {
		seen[child.Parent] = true
		parent, err := v.Get(child.Parent)
		var fault *ticketfs.Refusal
		switch {
		case errors.As(err, &fault):
			if unmet == nil {
				unmet = &wait{parent: child.Parent, refusal: ticketfs.Refuse(ticketfs.ParentStatus, "repair that file, or update the parent",
					"%s waits for its parent %s, which cannot be read: %s", child.ID, child.Parent, fault.Why)}
			}
			return lineage, unmet, nil
		case err != nil:
			return nil, nil, err
		case child.ID == t.ID && parent.Status == document.StatusOpen:
			unmet = &wait{parent: parent.ID, refusal: ticketfs.Refuse(ticketfs.ParentStatus, "start "+parent.ID+" first, or see ready for others",
				"%s waits for its parent %s (open) to be started", t.ID, parent.ID)}
		}
		lineage = append(lineage, parent)
	}
	return lineage, unmet, nil
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

// The keys that belong to a status. Of other statuses they are left over by another program, and go with the next change.
var (
	claimKeys = []string{"claimed-by", "claimed-at"}
	closeKeys = []string{"closed", "closed-by", "resolution", "close-reason", "evidence"}
)

// turn changes the status. The claim belongs to started tickets, how it ended to closed ones: every turn clears both.
func turn(to document.Status) []document.Edit {
	edits := []document.Edit{document.Set("status", string(to))}
	for _, key := range slices.Concat(claimKeys, closeKeys) {
		edits = append(edits, document.Remove(key))
	}
	return edits
}

// wrongStatus is the refusal for a ticket in a status that the tool does not take.
func wrongStatus(t document.Ticket, tool, needs, next string) error {
	return ticketfs.Refuse(ticketfs.WrongStatus, next, "%s is %s; %s needs %s", t.ID, t.Status, tool, needs)
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
