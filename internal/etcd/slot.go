//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// slot is a key by which the outcome of an operation is told when no answer came. Each transaction
// compares that it is as it was, and puts the operation's name there. So it was made if the name is
// there; and it never can be made any more once something else is.
type slot struct {
	key string
	mod int64 // its revision, 0 before it was used
}

// slot is one that no other operation of this life uses. done gives it back; one whose state is not
// known is not given back.
func (b *Board) takeSlot(l *lease) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.idle); n > 0 {
		s := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return s
	}
	l.made++
	return &slot{key: b.keys.slot(l.name(), l.made)}
}

func (l *lease) giveBack(s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, s)
}

// definite are the errors after which a transaction has not happened and never will. Every other
// one tells nothing: time-outs, a changed leader, a lost connection.
var definite = []error{rpctypes.ErrEmptyKey, rpctypes.ErrDuplicateKey, rpctypes.ErrTooManyOps,
	rpctypes.ErrRequestTooLarge, rpctypes.ErrPermissionDenied, rpctypes.ErrLeaseNotFound}

func isDefinite(err error) bool {
	for _, d := range definite {
		if errors.Is(err, d) {
			return true
		}
	}
	return false
}

// settleTime is for how long the outcome of an operation is asked for, beyond the deadline of the
// call.
const settleTime = 2 * time.Second

// settle finds out whether an operation happened to which no answer came, and makes sure that it
// does not happen later. known is false where the cluster does not answer that either.
func (b *Board) settle(ctx context.Context, l *lease, s *slot, operation string) (
	happened, known bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		happened, err := b.fence(ctx, l, s, operation)
		if err == nil {
			return happened, true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false, false
		}
	}
}

// fence puts a value into the slot which stops the operation, unless it happened. Without its lease
// an operation cannot happen any more, and the slot is gone: then its row tells. So it does where
// the cluster takes no more puts: after that answer the operation is over.
func (b *Board) fence(ctx context.Context, l *lease, s *slot, operation string) (
	happened bool, err error) {
	stop := "not " + operation
	resp, err := b.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(s.key), "=", s.mod)).
		Then(clientv3.OpPut(s.key, stop, clientv3.WithLease(l.id))).
		Else(clientv3.OpGet(s.key)).Commit()
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		b.lost(l)
		return b.rowThere(ctx, operation)
	}
	if err != nil {
		return false, err
	}
	if resp.Succeeded {
		s.mod = resp.Header.Revision
		return false, nil
	}
	kvs := resp.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 { // its lease is over
		b.lost(l)
		return b.rowThere(ctx, operation)
	}
	s.mod = kvs[0].ModRevision
	switch string(kvs[0].Value) {
	case operation:
		return true, nil
	case stop:
		return false, nil
	}
	return false, fmt.Errorf("operation slot %s holds %q", s.key, kvs[0].Value)
}

// rowThere reports whether an operation left its row, as every one does.
func (b *Board) rowThere(ctx context.Context, operation string) (bool, error) {
	resp, err := b.get(ctx, b.row(operation), clientv3.WithCountOnly())
	if err != nil {
		return false, err
	}
	return resp.Count > 0, nil
}
