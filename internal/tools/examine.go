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

// Finding is something that is wrong with a board.
type Finding struct {
	ID   string `json:"id"` // the ticket, or the file that is not one
	Kind string `json:"kind"`
	What string `json:"what"`
	// what repair does about it; "" when somebody has to decide
	Repair   string `json:"repair,omitempty"`
	Repaired bool   `json:"repaired,omitempty"`
}

// The kinds of findings.
const (
	malformed      = "malformed"
	missingBlocker = "missing_blocker"
	missingParent  = "missing_parent"
	closedParent   = "closed_parent"
	waitCycle      = "cycle"
	leftover       = "leftover"
	deadClaim      = "dead_claim"
	conflictMarker = "conflict_marker"
	ignoredKey     = "ignored_key"
	oldTemp        = "old_temp"
	obstacle       = "obstacle"
	tracked        = "tracked"
	visible        = "visible"
	strayFile      = "stray"
	unguarded      = "unguarded"
)

// resolve is how a merge conflict in a ticket is settled, as the one that two clones make who note
// the same ticket.
const resolve = "keep the notes of both sides and one version of every other line, remove the lines that begin with <<<<<<<, ======= and >>>>>>>, then git add the file"

// examine looks at the whole board, without locks.
func (c *call) examine(ctx context.Context) ([]Finding, error) {
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	found := []Finding{}
	var tickets []document.Ticket
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		var refusal *ticketfs.Refusal
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound: // removed since it was listed
			continue
		case errors.As(err, &refusal):
			found = append(found, Finding{ID: id, Kind: malformed, What: oneLine(refusal.Why, 500)})
		case err != nil:
			found = append(found, Finding{ID: id, Kind: malformed, What: oneLine(err.Error(), 500)})
		default:
			tickets = append(tickets, t)
		}
		if line := v.ConflictMarker(id); line > 0 {
			found = append(found, Finding{ID: id, Kind: conflictMarker,
				What: fmt.Sprintf("line %d is a merge conflict's; %s", line, resolve)})
		}
	}
	for _, t := range tickets {
		of, err := c.examineTicket(v, t)
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	found = append(found, cycles(tickets)...)
	if err := v.InTime(); err != nil {
		return nil, err
	}
	temps, err := c.folder.Leftovers(c.Now())
	if err != nil {
		return nil, err
	}
	for _, name := range temps {
		found = append(found, Finding{ID: name, Kind: oldTemp,
			What: "an unfinished write, more than an hour old", Repair: "remove the file"})
	}
	obstacles, err := c.folder.Obstacles()
	if err != nil {
		return nil, err
	}
	for _, o := range obstacles {
		found = append(found, Finding{ID: oneLine(o.Name, 200), Kind: obstacle,
			What: "stands where " + o.What +
				" should; what needs the place is refused until it is moved away"})
	}
	beside, err := c.examineShared(ctx)
	if err != nil {
		return nil, err
	}
	return append(append(found, beside...), examineGit(ctx, c.folder.Dir())...), nil
}

// examineTicket looks at one ticket and those it names.
func (c *call) examineTicket(v *ticketfs.Snapshot, t document.Ticket) ([]Finding, error) {
	var found []Finding
	missing, err := missingBlockers(v, t)
	if err != nil {
		return nil, err
	}
	for _, id := range missing {
		found = append(found, Finding{ID: t.ID, Kind: missingBlocker,
			What: "is blocked by " + id + ", which does not exist", Repair: "unblock it"})
	}
	if t.Parent != "" {
		p, err := v.Get(t.Parent)
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound:
			found = append(found, Finding{ID: t.ID, Kind: missingParent,
				What: "its parent " + t.Parent + " does not exist; update its parent"})
		case ticketfs.CodeOf(err) == "" && err != nil:
			return nil, err
		case err == nil && p.Status == document.StatusClosed && t.Status != document.StatusClosed:
			found = append(found, Finding{ID: t.ID, Kind: closedParent,
				What: fmt.Sprintf("is %s, but its parent %s is closed; reopen the parent, or close this one", t.Status, t.Parent)})
		}
	}
	if keys := leftoverKeys(t); len(keys) > 0 {
		found = append(found, Finding{ID: t.ID, Kind: leftover,
			What: fmt.Sprintf("is %s, but has %s", t.Status,
				strings.Join(keys, ", ")), Repair: "remove these lines"})
	}
	if ignored := ignoredKeys(t); ignored != "" && t.Status != document.StatusClosed {
		found = append(found, Finding{ID: t.ID, Kind: ignoredKey,
			What: "has " + ignored + "; rename or remove them"})
	}
	if t.Status == document.StatusInProgress {
		if h := c.holder(t); h.Life == session.Dead {
			found = append(found, Finding{ID: t.ID, Kind: deadClaim,
				What: "is held by " + c.held(t, h) + "; start takes it over"})
		}
	}
	return found, nil
}
