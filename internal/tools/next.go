package tools

import (
	"context"
	"errors"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// startNext starts the first ready ticket that it gets. The queue is a look without locks; each candidate is judged again
// under its locks by start itself, and when others were faster on all of them, the queue is made anew.
func (b *Board) startNext(ctx context.Context, in startIn) (Answer, error) {
	const atOnce = 50
	parent, err := parentFilter(in.Parent)
	if err != nil {
		return nil, err
	}
	for {
		o, err := b.outlook(ask{typ: in.Type, parent: parent, limit: atOnce, grace: true})
		if err != nil {
			return nil, err
		}
		var last error
		for _, c := range o.candidates {
			answer, err := b.startTicket(ctx, c.ticket.ID, in, true)
			if err == nil {
				return answer, nil
			}
			if ticketfs.CodeOf(err) == "" {
				return nil, err
			}
			last = err
		}
		switch {
		case last == nil:
			return nil, ticketfs.Refuse(ticketfs.NotFound, "wait for one of these, or create a ticket", "nothing is ready; %s", o.why())
		case ctx.Err() != nil:
			var refusal *ticketfs.Refusal
			if errors.As(last, &refusal) && refusal.Code == ticketfs.Busy {
				return nil, last
			}
			return nil, ticketfs.Refuse(ticketfs.Busy, "retry", "others took each ready ticket first for %s", b.Store.LockTimeout)
		}
	}
}
