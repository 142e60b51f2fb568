//go:build etcd

package etcd

import (
	"context"
	"path"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

// Both queues are advisory: they make an order of those who want the same, so that fewer are judged
// twice. Nobody who waits in vain is kept from anything, and nobody who does not wait does harm.

const (
	hereTime  = time.Second     // for which the processes of one machine wait for each other
	queueTime = 3 * time.Second // and machines, for one that does not get on
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
	for _, name := range names {
		lock, err := o.board.locks.Acquire(ctx, filepath.Join(o.board.QueueDir, name+".lock"))
		if err != nil {
			return leave, waited || ctx.Err() != nil
		}
		held = append(held, lock)
		waited = waited || lock.Waited()
	}
	return leave, waited
}

// queue waits for the operations of all machines that came to a queue before this one, and reads
// what to judge next. What is in its way is not told: the operation goes on.
func (o *operation) queue(ctx context.Context, what string) (*found, error) {
	b := o.board
	l, err := b.lease(ctx)
	if err != nil {
		return nil, err
	}
	o.place = b.keys.queue(what) + l.name() + "-" + o.id
	waiting := clientv3.OpGet(b.keys.queue(what), clientv3.WithPrefix(), clientv3.WithKeysOnly(),
		clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	resp, err := b.underMeta(ctx, nil, append([]clientv3.Op{
		clientv3.OpPut(o.place, "", clientv3.WithLease(l.id)), waiting}, o.reads(false)...), nil)
	if err != nil || !resp.Succeeded {
		return o.read(ctx, false)
	}
	var line []string // up to here
	for _, kv := range resp.Responses[1].GetResponseRange().Kvs {
		if string(kv.Key) == o.place {
			break
		}
		line = append(line, string(kv.Key))
	}
	f := o.foundIn(resp.Responses[2:])
	f.current = true
	if len(line) > 0 {
		went, ok := o.waitBehind(clientv3.WithRequireLeader(ctx), line, resp.Header.Revision+1)
		if !ok || !o.Relations {
			return o.read(ctx, ok)
		}
		f.relations = went // at which the one before put them; its own tickets are others, or compared
	}
	return f, nil
}

// waitBehind waits for the last one of a line to go, and returns at which revision it went. It
// waits as long as the line gets on: one that stands at its head for too long was stopped, and is
// taken out.
func (o *operation) waitBehind(ctx context.Context, line []string, from int64) (
	went int64, ok bool) {
	b := o.board
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	head, last := line[0], line[len(line)-1]
	gone := b.client.Watch(ctx, last, clientv3.WithRev(from), clientv3.WithFilterPut())
	for {
		timer := time.NewTimer(queueTime)
		select {
		case w := <-gone: // or the watch has ended
			timer.Stop()
			if len(w.Events) == 0 {
				return 0, false
			}
			went = w.Events[0].Kv.ModRevision
			b.epoch.reach(went)
			return went, true
		case <-timer.C:
		}
		resp, err := b.client.Get(ctx, path.Dir(head)+"/", clientv3.WithPrefix(),
			clientv3.WithKeysOnly(), clientv3.WithLimit(1),
			clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
		if err != nil || len(resp.Kvs) == 0 {
			return 0, false
		}
		now := string(resp.Kvs[0].Key)
		if now == head {
			_, err = b.client.Delete(ctx, head)
		}
		if err != nil || now == o.place || head == last && now == head {
			return 0, false
		}
		head = now
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

// queued is the queue in which others may stand ahead of this operation.
func (o *operation) queued() string {
	if o.Relations {
		return relationsQueue
	}
	return o.IDs[0]
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
