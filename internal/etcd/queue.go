//go:build etcd

package etcd

import (
	"context"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

// Both queues are advisory: they make an order of those who want the same, so that fewer are judged
// twice. Nobody who waits in vain is kept from anything, and nobody who does not wait does harm.

const (
	hereTime  = time.Second     // for which the processes of one machine wait for each other
	queueTime = 3 * time.Second // and machines
)

// relationsQueue is the queue of those who change relations. No ticket has such a name.
const relationsQueue = ".relations"

// queueHere waits for the processes of this machine that change the same. waited says that there
// were some.
func (o *operation) queueHere(ctx context.Context) (leave func(), waited bool) {
	var held []*flocker.Lock
	leave = func() {
		for _, lock := range held {
			_ = lock.Unlock() // the next one waits a second, or goes on
		}
	}
	if o.board.QueueDir == "" {
		return leave, false
	}
	ctx, cancel := context.WithTimeout(ctx, hereTime)
	defer cancel()
	names := o.IDs
	if o.Relations {
		names = append(names[:len(names):len(names)], relationsQueue)
	}
	began := time.Now()
	for _, name := range names {
		lock, err := o.board.locks.Acquire(ctx, filepath.Join(o.board.QueueDir, name+".lock"))
		if err != nil {
			break
		}
		held = append(held, lock)
	}
	const atOnce = time.Millisecond
	return leave, time.Since(began) > atOnce
}

// queue waits for the operations of all machines that were overtaken before this one. What was in
// vain is not told: the operation goes on.
func (o *operation) queue(ctx context.Context, what string) {
	if o.place != "" {
		return
	}
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), queueTime)
	defer cancel()
	b := o.board
	l, err := b.lease(ctx)
	if err != nil {
		return
	}
	o.place = b.keys.queue(what) + l.name() + "-" + o.id
	resp, err := b.underMeta(ctx, nil, []clientv3.Op{
		clientv3.OpPut(o.place, "", clientv3.WithLease(l.id)),
		clientv3.OpGet(b.keys.queue(what), clientv3.WithPrefix(), clientv3.WithKeysOnly(),
			clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend)),
	}, nil)
	if err != nil || !resp.Succeeded {
		return
	}
	before := ""
	for _, kv := range resp.Responses[1].GetResponseRange().Kvs {
		if string(kv.Key) == o.place {
			break
		}
		before = string(kv.Key)
	}
	if before == "" {
		return
	}
	for w := range b.client.Watch(ctx, before, clientv3.WithRev(resp.Header.Revision+1),
		clientv3.WithFilterPut()) {
		if w.Err() != nil || len(w.Events) > 0 {
			return
		}
	}
}

// leave takes this operation's place away, where its transaction did not.
func (o *operation) leave(ctx context.Context) {
	if o.place == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = o.board.client.Delete(ctx, o.place) // else it goes with the lease
}

// queueOf names the queue of what was changed by another: of the relations rather than of a ticket,
// for which fewer wait.
func (o *operation) queueOf(before, after *found) string {
	if o.Relations && after.relations != before.relations {
		return relationsQueue
	}
	for i, id := range o.IDs {
		if before.mods[i] != after.mods[i] {
			return id
		}
	}
	return ""
}
