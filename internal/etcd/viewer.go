//go:build etcd

package etcd

import (
	"context"
	"sync"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// onAsking is a view of the other tickets that is made ready at the first question: a rule that asks
// nothing need not wait for the mirror.
type onAsking struct {
	view  ticketfs.View
	ready func() error
}

// viewer shows a rule the other tickets as they are after what was found. The revision is noted
// ahead of the first look, and not again: what was seen is not older.
func (o *operation) viewer(ctx context.Context, f *found) ticketfs.Viewer {
	ready := sync.OnceValue(func() error {
		f.asked = true
		if f.shown >= f.relations {
			return nil
		}
		if o.unseen = o.board.Shown.Reach(ctx, f.relations); o.unseen == nil {
			f.shown, o.unseen = o.board.Shown.Revision()
		}
		return o.unseen
	})
	return func(assumed ...document.Ticket) (ticketfs.View, error) {
		view, err := o.View(assumed...)
		return onAsking{view, ready}, err
	}
}

func (v onAsking) Get(id string) (document.Ticket, error) {
	if err := v.ready(); err != nil {
		return document.Ticket{}, err
	}
	return v.view.Get(id)
}

func (v onAsking) Children(id string) ([]document.Ticket, []*ticketfs.Refusal, error) {
	if err := v.ready(); err != nil {
		return nil, nil, err
	}
	return v.view.Children(id)
}

func (v onAsking) Blocks(id string) ([]document.Ticket, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	return v.view.Blocks(id)
}

func (v onAsking) Planned(plan string) (map[string]string, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	return v.view.Planned(plan)
}
