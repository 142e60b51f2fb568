package tools

import (
	"errors"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// event is the start or the close of a ticket. Waiting is between events, not tickets: start(x)
// waits for the start of its parent and the close of each of its blockers (those of its ancestors
// follow through the parent); close(x) waits for start(x) and for the close of its children. A
// search over blocked-by alone would let an epic and its own child wait for each other.
type event struct {
	id    string
	close bool
}

// edge says that from waits for to.
type edge struct{ from, to event }

// checkCycle judges edges that a change would add: each is refused if what it points to waits, over
// any number of steps, for where it comes from. A cycle elsewhere, made by hand, is none of the
// change's business. Closed tickets wait for nothing. If no cycle is seen, but a file that the
// search came by cannot be read and could hide one, its Refusal is the answer.
func checkCycle(v ticketfs.View, change string, added ...edge) error {
	var doubt error
	for _, e := range added {
		ids, unread, err := search(v, e.to, e.from)
		if err != nil {
			return err
		}
		if ids != nil {
			return ticketfs.Refuse(ticketfs.Cycle,
				"choose another edge, or unblock one of these first",
				"%s would make tickets wait for each other: %s", change, pathText(append([]string{e.from.id}, ids...)))
		}
		if doubt == nil && unread != nil {
			doubt = unread
		}
	}
	return doubt
}

// search looks for a path of waiting and returns the tickets along it, nil if there is none; unread
// is a file that it could not look into.
func search(v ticketfs.View, from, to event) (ids []string, unread *ticketfs.Refusal, err error) {
	before := map[event]event{from: from}
	for queue := []event{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == to {
			return path(before, from, to), nil, nil
		}
		next, fault, err := waits(v, at)
		if err != nil {
			return nil, nil, err
		}
		if unread == nil {
			unread = fault
		}
		for _, e := range next {
			if _, seen := before[e]; !seen {
				before[e] = at
				queue = append(queue, e)
			}
		}
	}
	return nil, unread, nil
}

// waits are the events that an event waits for directly, as far as the files can be read. A missing
// ticket waits for nothing.
func waits(v ticketfs.View, e event) (next []event, unread *ticketfs.Refusal, err error) {
	t, err := v.Get(e.id)
	switch {
	case ticketfs.CodeOf(err) == ticketfs.NotFound:
		return nil, nil, nil
	case errors.As(err, &unread):
		return nil, unread, nil
	case err != nil || t.Status == document.StatusClosed:
		return nil, nil, err
	}
	if e.close {
		children, unreadable, err := v.Children(e.id)
		if len(unreadable) > 0 {
			unread = unreadable[0]
		}
		next = append(next, event{id: e.id})
		for _, c := range children {
			next = append(next, event{c.ID, true})
		}
		return next, unread, err
	}
	if t.Parent != "" {
		next = append(next, event{id: t.Parent})
	}
	for _, b := range t.BlockedBy {
		next = append(next, event{b.ID, true})
	}
	return next, nil, nil
}

// path walks back from to and names each ticket once.
func path(before map[event]event, from, to event) []string {
	ids := []string{to.id}
	for at := to; at != from; {
		at = before[at]
		if at.id != ids[len(ids)-1] {
			ids = append(ids, at.id)
		}
	}
	slices.Reverse(ids)
	return ids
}
