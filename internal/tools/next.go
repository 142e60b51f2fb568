package tools

import (
	"cmp"
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// startNext starts the first ready ticket that it gets. The queue is a look without locks; each
// candidate is judged again under its locks by start itself, and when others were faster on all of
// them, the queue is made again.
//
// Work goes before containers: a ticket with open children is given only when nothing without them
// is ready.
func (c *call) startNext(ctx context.Context, in startIn) (ticketAnswer, error) {
	const atOnce = 50
	parent, err := parentFilter(in.Parent)
	if err != nil {
		return ticketAnswer{}, err
	}
	wanted := readyQuery{typ: in.Type, parent: parent, tags: c.lane(in.Tag), limit: atOnce, next: true,
		without: map[string]bool{}}
	var fault error // of the first ticket that cannot be started here, whatever others do
	for {
		l, err := c.readyList(wanted)
		if err == nil {
			err = c.folder.Current() // work is given out by what is so now
		}
		if err != nil {
			return ticketAnswer{}, err
		}
		if len(l.candidates) == 0 {
			if fault != nil {
				return ticketAnswer{}, fault
			}
			next := "wait for one of these, or create a ticket"
			if l.why() == noOpenTicket {
				next = "create a ticket"
			}
			return ticketAnswer{}, ticketfs.Refuse(ticketfs.NotFound, next,
				"nothing is ready; %s%s", l.why(), c.outsideLane(wanted))
		}
		var last error
		for _, next := range l.candidates {
			answer, err := c.startTicket(ctx, next.ticket.ID, in, true)
			if err == nil {
				if next.container {
					answer.Message += "\n" + c.startableBelow(answer.ID)
				}
				return answer, nil
			}
			if !raced(err) {
				wanted.without[next.ticket.ID] = true
				fault = cmp.Or(fault, err)
				continue
			}
			last = err
		}
		if ctx.Err() != nil {
			if last == nil || ticketfs.CodeOf(last) == ticketfs.Busy {
				return ticketAnswer{}, cmp.Or(last, fault)
			}
			return ticketAnswer{}, ticketfs.Refuse(ticketfs.Busy, "retry",
				"others took each ready ticket first for %s", c.Store.LockTimeout)
		}
	}
}

// raced reports whether a ticket that was ready a moment ago may have been refused because others
// changed it. A file that may not be written, or whose place for a lock is taken, will not be
// started at the next attempt either; it hides no other ticket.
func raced(err error) bool {
	switch ticketfs.CodeOf(err) {
	case ticketfs.NotFound, ticketfs.WrongStatus, ticketfs.Claimed, ticketfs.Blocked,
		ticketfs.ParentStatus, ticketfs.OnHold, ticketfs.Busy:
		return true
	}
	return false
}

// startableBelow says which children of a container can be started now that it is.
func (c *call) startableBelow(id string) string {
	l, err := c.readyList(readyQuery{parent: id, limit: maxRelated})
	if err != nil {
		return "what can be started below it could not be seen: " + oneLine(err.Error(), 200)
	}
	var rows []row
	for _, next := range l.candidates {
		rows = append(rows, row{ID: next.ticket.ID})
	}
	if len(rows) == 0 {
		return "it has open children, of which none can be started now: " + l.why()
	}
	return "it has open children; start one of these next, there is no need to release it: " +
		listed(rows)
}
