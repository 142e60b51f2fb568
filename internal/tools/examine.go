package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Finding is something that is wrong with a board.
type Finding struct {
	ID       string `json:"id"` // the ticket, or the file that is not one
	Kind     string `json:"kind"`
	What     string `json:"what"`
	Repair   string `json:"repair,omitempty"` // what repair does about it; "" when somebody has to decide
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
	tracked        = "tracked"
	visible        = "visible"
)

// resolve is how a merge conflict in a ticket is settled, as the one that two clones make who note the same ticket.
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
			found = append(found, Finding{ID: id, Kind: conflictMarker, What: fmt.Sprintf("line %d is a merge conflict's; %s", line, resolve)})
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
	temps, err := c.folder.Leftovers(c.Now())
	if err != nil {
		return nil, err
	}
	for _, name := range temps {
		found = append(found, Finding{ID: name, Kind: oldTemp, What: "an unfinished write, more than an hour old", Repair: "remove the file"})
	}
	return append(found, examineGit(ctx, c.folder.Dir())...), nil
}

// examineTicket looks at one ticket and those it names.
func (c *call) examineTicket(v *ticketfs.Snapshot, t document.Ticket) ([]Finding, error) {
	var found []Finding
	missing, err := missingBlockers(v, t)
	if err != nil {
		return nil, err
	}
	for _, id := range missing {
		found = append(found, Finding{ID: t.ID, Kind: missingBlocker, What: "is blocked by " + id + ", which does not exist", Repair: "unblock it"})
	}
	if t.Parent != "" {
		p, err := v.Get(t.Parent)
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound:
			found = append(found, Finding{ID: t.ID, Kind: missingParent, What: "its parent " + t.Parent + " does not exist; update its parent"})
		case ticketfs.CodeOf(err) == "" && err != nil:
			return nil, err
		case err == nil && p.Status == document.StatusClosed && t.Status != document.StatusClosed:
			found = append(found, Finding{ID: t.ID, Kind: closedParent, What: fmt.Sprintf("is %s, but its parent %s is closed; reopen the parent, or close this one", t.Status, t.Parent)})
		}
	}
	if keys := leftoverKeys(t); len(keys) > 0 {
		found = append(found, Finding{ID: t.ID, Kind: leftover, What: fmt.Sprintf("is %s, but has %s", t.Status, strings.Join(keys, ", ")), Repair: "remove these lines"})
	}
	if ignored := ignoredKeys(t); ignored != "" && t.Status != document.StatusClosed {
		found = append(found, Finding{ID: t.ID, Kind: ignoredKey, What: "has " + ignored + "; rename or remove them"})
	}
	if t.Status == document.StatusInProgress {
		if h := c.holder(t); h.Life == session.Dead {
			found = append(found, Finding{ID: t.ID, Kind: deadClaim, What: "is held by " + c.held(t, h) + "; start takes it over"})
		}
	}
	return found, nil
}

// cycles finds tickets that wait for each other, one path for each cycle. Events that wait for nothing are taken away until
// none is left or only cycles, and what waits for them, remain.
func cycles(tickets []document.Ticket) []Finding {
	waiting := graph(tickets)
	var found []Finding
	for {
		for removed := true; removed; {
			removed = false
			for e, next := range waiting {
				if !slices.ContainsFunc(next, func(n event) bool { _, waits := waiting[n]; return waits }) {
					delete(waiting, e)
					removed = true
				}
			}
		}
		if len(waiting) == 0 {
			return found
		}
		path := walk(waiting)
		for _, e := range path {
			delete(waiting, e)
		}
		var ids []string
		for _, e := range path {
			if len(ids) == 0 || ids[len(ids)-1] != e.id {
				ids = append(ids, e.id)
			}
		}
		if last := len(ids) - 1; last > 0 && ids[last] == ids[0] {
			ids = ids[:last]
		}
		found = append(found, Finding{ID: ids[0], Kind: waitCycle, What: "these wait for each other: " + strings.Join(append(ids, ids[0]), " -> ") + "; unblock one of them"})
	}
}

// graph is what waits gives, for all tickets at once.
func graph(tickets []document.Ticket) map[event][]event {
	waiting := make(map[event][]event)
	alive := make(map[string]bool) // what is missing or closed waits for nothing
	for _, t := range tickets {
		alive[t.ID] = t.Status != document.StatusClosed
	}
	for _, t := range tickets {
		if !alive[t.ID] {
			continue
		}
		start, close := event{id: t.ID}, event{t.ID, true}
		waiting[close] = append(waiting[close], start)
		waiting[start] = []event{}
		if t.Parent != "" {
			waiting[start] = append(waiting[start], event{id: t.Parent})
			if parent := (event{t.Parent, true}); alive[t.Parent] {
				waiting[parent] = append(waiting[parent], close)
			}
		}
		for _, blocker := range t.BlockedBy {
			waiting[start] = append(waiting[start], event{blocker.ID, true})
		}
	}
	return waiting
}

// walk follows a cycle, from its least ticket on so that the answer does not change from call to call.
func walk(waiting map[event][]event) []event {
	var at event
	for e := range waiting {
		if at.id == "" || e.id < at.id || e.id == at.id && !e.close {
			at = e
		}
	}
	var path []event
	for !slices.Contains(path, at) {
		path = append(path, at)
		for _, n := range waiting[at] {
			if _, waits := waiting[n]; waits {
				at = n
				break
			}
		}
	}
	return path[slices.Index(path, at):]
}
