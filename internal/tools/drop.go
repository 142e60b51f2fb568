package tools

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// maxDropped is how many tickets below one go with it in one call: each is locked, by two
// descriptors, and written to the disk before the first is renamed, within the call's time.
const maxDropped = 400

// errMoved says that tickets came below one that is dropped, or left it, between the look and the
// locks.
var errMoved = errors.New("the tickets below changed meanwhile")

// closeAll drops a ticket and all below it that are open, in one change. Which these are is looked
// up without locks and judged under them; when it was not right, it is looked up again, until the
// call's time is used up.
func (c *call) closeAll(ctx context.Context, who caller,
	in closeIn) (changed ticketfs.Changed, below []document.Ticket, err error) {
	folder, err := c.open()
	if err != nil {
		return changed, nil, err
	}
	if err := folder.Exists(in.ID); err != nil {
		return changed, nil, err
	}
	for {
		v, err := folder.Snapshot()
		if err != nil {
			return changed, nil, err
		}
		ids := []string{in.ID}
		open, err := openBelow(v, in.ID)
		for _, t := range open {
			ids = append(ids, t.ID)
		}
		if err != nil && ticketfs.CodeOf(err) == "" {
			return changed, nil, err
		}
		if err == nil && len(open) > maxDropped {
			return changed, nil, ticketfs.Refuse(ticketfs.OpenChildren,
				"drop parts of it first, each by a close of its own",
				"below %s are %d open tickets, more than the %d that go with it in one call", in.ID, len(open), maxDropped)
		}
		// A refusal may be stale: then it is decided on the ticket alone, under the locks.
		if err != nil {
			ids = ids[:1]
		}
		changed, below, err = c.closeThese(ctx, who, in, ids)
		if !errors.Is(err, errMoved) {
			return changed, below, err
		}
		if ctx.Err() != nil {
			return changed, nil, ticketfs.Refuse(ticketfs.Busy, "retry",
				"the tickets below %s go on changing", in.ID)
		}
	}
}

// closeThese drops the tickets of these ids, the first of which is the one that was asked for, if
// the others are those below it.
func (c *call) closeThese(ctx context.Context, who caller, in closeIn,
	ids []string) (changed ticketfs.Changed, below []document.Ticket, err error) {
	var closed []*document.Document
	changed.Short, err = c.folder.ChangeAll(ctx, ids, c.cause(in.Agent, in.Reason),
		func(tickets map[string]*document.Document, v ticketfs.View) ([]*document.Document, error) {
			closed = nil
			root := tickets[in.ID]
			if root == nil {
				if _, err := v.Get(in.ID); err != nil {
					return nil, err
				}
				return nil, errMoved // it came back since
			}
			if err := c.mayClose(who, in, root.Ticket(), v); err != nil {
				return nil, err
			}
			open, err := openBelow(v, in.ID)
			if err != nil {
				return nil, err
			}
			if len(open) != len(ids)-1 {
				return nil, errMoved
			}
			for _, t := range append(open, root.Ticket()) {
				d := tickets[t.ID]
				if d == nil {
					return nil, errMoved
				}
				args := in
				if t.ID != in.ID {
					args = closeIn{Resolution: dropped, Reason: in.Reason, Agent: in.Agent}
				}
				next, err := d.Apply(c.closeEdits(who, args, d)...)
				if err != nil {
					return nil, err
				}
				closed = append(closed, next)
			}
			return closed, nil
		})
	if err != nil {
		return changed, nil, err
	}
	last := len(closed) - 1
	for _, d := range closed[:last] {
		below = append(below, d.Ticket())
	}
	changed.Document = closed[last]
	return changed, below, nil
}

// openBelow are the tickets below one that are not closed, of all levels, each before its parent:
// closed in this order, any part of them leaves a legal board. It is refused when somebody works on
// one of them or, if not, when a file that may be one of them cannot be read.
func openBelow(v ticketfs.View, id string) ([]document.Ticket, error) {
	seen := map[string]bool{id: true}
	var before []document.Ticket // parents before children
	var unread error
	for at := []string{id}; len(at) > 0; at = at[1:] {
		children, unreadable, err := v.Children(at[0])
		if err != nil {
			return nil, err
		}
		if len(unreadable) > 0 && unread == nil {
			unread = ticketfs.Refuse(ticketfs.BadFile, "repair that file by hand, then retry",
				"cannot tell whether it is a child of %s: %s", at[0], unreadable[0].Why)
		}
		for _, t := range children {
			if t.Status == document.StatusClosed || seen[t.ID] {
				continue
			}
			seen[t.ID] = true
			before = append(before, t)
			at = append(at, t.ID)
		}
	}
	list := make([]document.Ticket, 0, len(before)+1)
	for i := len(before) - 1; i >= 0; i-- {
		list = append(list, before[i])
	}
	return list, cmp.Or(startedBelow(id, before), unread)
}

// startedBelow refuses to drop tickets on which somebody works, or worked until they died.
func startedBelow(id string, below []document.Ticket) error {
	var started []string
	for _, t := range below {
		if t.Status == document.StatusInProgress {
			started = append(started, t.ID+" (held by "+oneLine(t.ClaimedBy, maxTitle)+")")
		}
	}
	if len(started) == 0 {
		return nil
	}
	return ticketfs.Refuse(ticketfs.OpenChildren, "let these be closed or released first",
		"below %s tickets are in progress: %s", id, strings.Join(started, ", "))
}
