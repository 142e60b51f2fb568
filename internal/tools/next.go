package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// startNext starts the first ready ticket that it gets. The queue is a look without locks; each candidate is judged again
// under its locks by start itself, and when others were faster on all of them, the queue is made anew.
func (b *Board) startNext(ctx context.Context, in startIn) (Answer, error) {
	for {
		v, err := b.Store.View()
		if err != nil {
			return nil, err
		}
		q, err := b.queue(v, in.Type, in.Parent)
		if err != nil {
			return nil, err
		}
		var last error
		for _, c := range b.offered(&q) {
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
			return nil, ticketfs.Refuse(ticketfs.NotFound, "wait for one of these, or create a ticket", "nothing is ready; %s", q.why())
		case ctx.Err() != nil:
			var refusal *ticketfs.Refusal
			if errors.As(last, &refusal) && refusal.Code == ticketfs.Busy {
				return nil, last
			}
			return nil, ticketfs.Refuse(ticketfs.Busy, "retry", "others took each ready ticket first for %s", b.Store.LockTimeout)
		}
	}
}

// offered are the candidates less those whose owner was seen dead only just now; the queue says so of these.
func (b *Board) offered(q *queue) []candidate {
	var offered []candidate
	for _, c := range q.candidates {
		if c.former != "" {
			if left := restartGrace - b.owners.deadFor(c.former, b.Now()); left > 0 {
				q.wait(fmt.Sprintf("of a session that just died: start %s with its id, or wait %s", c.ticket.ID, left.Round(time.Second)))
				continue
			}
		}
		offered = append(offered, c)
	}
	return offered
}
