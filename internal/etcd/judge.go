//go:build etcd

package etcd

import (
	"context"
	"errors"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// Judge runs fn, which only reads, until its refusal was one of relations that were current at a
// moment of this call.
func (b *Board) Judge(ctx context.Context, fn func() error) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	for {
		shown, err := b.Shown.Revision()
		if err != nil {
			return b.refused(err)
		}
		fault := fn()
		var altered *ticketfs.AlteredError
		if errors.As(fault, &altered) { // nothing was said of the board
			if mayLookAgain(ctx) {
				continue
			}
			return b.refused(fault)
		}
		if fault == nil || ctx.Err() != nil {
			return fault
		}
		resp, err := b.get(ctx, b.keys.relations(), clientv3.WithKeysOnly())
		if err != nil {
			return b.refused(err)
		}
		moved := modOf((*pb.RangeResponse)(resp))
		if moved <= shown {
			return fault
		}
		if err := b.Shown.Reach(ctx, moved); err != nil {
			return b.refused(err)
		}
	}
}
