//go:build etcd

package etcd

import (
	"context"
	"errors"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// found is what a run of a rule is judged on.
type found struct {
	contents  [][]byte
	mods      []int64 // the revisions of the tickets, 0 where there is none
	relations int64   // the revision of the relations
	queued    bool    // others wait to change them
	// shown is a revision up to which the other tickets were seen.
	shown int64
	// asked says that the rule has asked for other tickets.
	asked bool
	// current says that nothing is missing which was answered before the call.
	current bool
}

// seen is the revision of the relations that a rule was judged on. One that asked for no other
// ticket was judged on what was found alone.
func (f *found) seen() int64 {
	if f.asked {
		return f.shown
	}
	return max(f.shown, f.relations)
}

// read reads the tickets and the revision of the relations. In haste it asks the nearest member,
// which may be behind: then the transaction fails, or what is no transaction is confirmed.
func (o *operation) read(ctx context.Context, haste bool) (*found, error) {
	since := o.board.epoch.since()
	for {
		ops := o.reads(haste)
		resp, err := o.board.client.Txn(ctx).Then(ops...).Commit()
		switch {
		case err != nil && isTransient(err) && mayRetry(ctx):
			continue
		case err != nil:
			return nil, err
		case haste && resp.Header.Revision < since: // this process itself has seen more
			haste = false
			continue
		}
		if err := o.board.epoch.see(since, resp.Header); err != nil {
			return nil, err
		}
		f := o.foundIn(resp.Responses)
		f.current = !haste
		return f, nil
	}
}

// isTransient says that a question may be asked again.
func isTransient(err error) bool {
	return !isDefinite(err) && !errors.Is(err, context.DeadlineExceeded) &&
		!errors.Is(err, context.Canceled)
}

// mayRetry waits before a question is asked again, unless the call is over.
func mayRetry(ctx context.Context) bool { return after(ctx, 50*time.Millisecond) }

// mayLookAgain is mayRetry for a file of the mirror: most often its writer is between a line of the
// sums and the rename.
func mayLookAgain(ctx context.Context) bool { return after(ctx, 2*time.Millisecond) }

// after waits, and returns false if the call is over.
func after(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// reads are the operations that foundIn takes the results of.
func (o *operation) reads(haste bool) []clientv3.Op {
	var opts []clientv3.OpOption
	if haste {
		opts = append(opts, clientv3.WithSerializable())
	}
	keyOnly := append(opts, clientv3.WithKeysOnly())
	ops := []clientv3.Op{clientv3.OpGet(o.board.keys.relations(), keyOnly...),
		clientv3.OpGet(o.board.keys.queue(o.queued()), append(keyOnly, clientv3.WithPrefix(),
			clientv3.WithLimit(1))...)}
	for _, id := range o.IDs {
		ops = append(ops, clientv3.OpGet(o.board.ticket(id), opts...))
	}
	return ops
}

func (o *operation) foundIn(responses []*pb.ResponseOp) *found {
	f := &found{relations: modOf(responses[0].GetResponseRange()),
		queued: len(responses[1].GetResponseRange().Kvs) > 0}
	for i := range o.IDs {
		r := responses[i+2].GetResponseRange()
		var bytes []byte
		if len(r.Kvs) > 0 {
			bytes = content(r.Kvs[0].Value)
		}
		f.contents, f.mods = append(f.contents, bytes), append(f.mods, modOf(r))
	}
	return f
}
