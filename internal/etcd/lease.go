//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// lifetime is how long a process that says nothing counts as alive, in seconds. The cluster may
	// add as much for each change of its leader.
	lifetime = 60
	// restartTime is how long the marks of a process that ended in order are kept, in seconds: its
	// client may just be restarting it.
	restartTime = 15
)

// lease is one life of a process in the cluster. Everything that shall end with the process hangs
// on it: marks, operation slots, places in a queue.
type lease struct {
	id     clientv3.LeaseID
	keeper clientv3.Lease // keeps it alive
	over   chan struct{}  // closed once it is known to be gone

	mu   sync.Mutex
	idle []*slot // operation slots that no operation uses
	made int     // slots
}

// name is the lease in keys: the process, for as long as this life of it lasts.
func (l *lease) name() string { return strconv.FormatInt(int64(l.id), 16) }

func (l *lease) alive() bool {
	select {
	case <-l.over:
		return false
	default:
		return true
	}
}

// life is the lease of a process and the marks that hang on it. The lease may be lost while the
// process was stopped or cut off; then it takes another and signs again.
type life struct {
	turn chan struct{} // held by whoever takes a lease or signs

	mu     sync.Mutex
	lease  *lease          // nil before the first
	marks  map[string]mark // that this process signs, by conversation
	absent map[string]bool // conversations that were seen to have no mark
	ended  bool
}

func (l *life) init() {
	l.turn = make(chan struct{}, 1)
	l.marks, l.absent = make(map[string]mark), make(map[string]bool)
}

// lock waits for the turn.
func (l *life) lock(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *life) unlock() { <-l.turn }

// current is the lease of this process, nil when it has none or knows that it is gone.
func (l *life) current() *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease != nil && l.lease.alive() {
		return l.lease
	}
	return nil
}

// last is the lease that this process took last, which may be gone; nil before the first.
func (l *life) last() *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease
}

// signed reports whether this process has a mark of a conversation.
func (l *life) signed(conversation string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, signs := l.marks[conversation]
	return signs
}

// lease is the one of this process, which it takes when it has none.
func (b *Board) lease(ctx context.Context) (*lease, error) {
	if l := b.life.current(); l != nil {
		return l, nil
	}
	if err := b.life.lock(ctx); err != nil {
		return nil, err
	}
	defer b.life.unlock()
	return b.leaseInTurn(ctx)
}

// leaseInTurn is lease for whoever has the turn. Marks of a former lease are signed again before
// the new one is used.
func (b *Board) leaseInTurn(ctx context.Context) (*lease, error) {
	if l := b.life.current(); l != nil {
		return l, nil
	}
	keeper := clientv3.NewLease(b.client)
	l, err := b.take(ctx, keeper)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take a lease: %w", err), keeper.Close())
	}
	b.life.mu.Lock()
	defer b.life.mu.Unlock()
	b.life.lease, b.life.ended = l, false
	return l, nil
}

// take takes a lease, keeps it and signs with it what this process signs.
func (b *Board) take(ctx context.Context, keeper clientv3.Lease) (*lease, error) {
	granted, err := keeper.Grant(ctx, lifetime)
	if err != nil {
		return nil, err
	}
	l := &lease{id: granted.ID, keeper: keeper, over: make(chan struct{})}
	answers, err := keeper.KeepAlive(context.Background(), l.id)
	if err != nil {
		return nil, err
	}
	b.life.mu.Lock()
	var again []clientv3.Op
	for conversation, m := range b.life.marks {
		again = append(again, b.putMark(l, conversation, m))
	}
	b.life.mu.Unlock()
	if err := b.putAll(ctx, again); err != nil {
		return nil, fmt.Errorf("sign again: %w", err)
	}
	go b.watchLease(l, answers)
	return l, nil
}

// watchLease waits for the end of a lease, by which nothing is lost that others do not take: the
// process signs again at once.
func (b *Board) watchLease(l *lease, answers <-chan *clientv3.LeaseKeepAliveResponse) {
	for range answers {
		// Each says that the lease goes on.
	}
	close(l.over)
	_ = l.keeper.Close() // it keeps nothing any more
	for pause := time.Second; ; pause = min(2*pause, 8*time.Second) {
		b.life.mu.Lock()
		needless := b.life.ended || len(b.life.marks) == 0
		b.life.mu.Unlock()
		if needless {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), leaseTimeout)
		_, err := b.lease(ctx)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(pause)
	}
}

// lost is called by whoever is told that a lease is gone. The end of its keeper ends it here.
func (b *Board) lost(l *lease) {
	if l.alive() {
		_ = l.keeper.Close() // which closes the channel of its answers
		<-l.over
	}
}

// forget drops a lease of a cluster that was replaced.
func (l *life) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease != nil {
		_ = l.lease.keeper.Close() // see lost
		l.lease = nil
	}
}

// putAll makes puts, in transactions of a size that the cluster takes.
func (b *Board) putAll(ctx context.Context, puts []clientv3.Op) error {
	const most = 100
	for len(puts) > 0 {
		n := min(most, len(puts))
		done, err := b.underMeta(ctx, nil, puts[:n], nil)
		if err != nil {
			return err
		}
		if !done.Succeeded {
			continue // meta changed, and was read again
		}
		puts = puts[n:]
	}
	return nil
}

// underMeta is a transaction that compares meta too. Where meta changed it is read again, and the
// transaction has failed.
func (b *Board) underMeta(ctx context.Context, ifs []clientv3.Cmp, then, other []clientv3.Op) (
	*clientv3.TxnResponse, error) {
	ifs = append([]clientv3.Cmp{b.sameMeta()}, ifs...)
	other = append([]clientv3.Op{clientv3.OpGet(b.keys.meta(), clientv3.WithKeysOnly())}, other...)
	since := b.epoch.since()
	resp, err := b.client.Txn(ctx).If(ifs...).Then(then...).Else(other...).Commit()
	if err != nil {
		return nil, err
	}
	if err := b.epoch.see(since, resp.Header); err != nil {
		return nil, err
	}
	if !resp.Succeeded && modOf(resp.Responses[0].GetResponseRange()) != b.epoch.metaMod() {
		if err := b.readMeta(ctx); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// sameMeta compares that meta is as this process read it.
func (b *Board) sameMeta() clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(b.keys.meta()), "=", b.epoch.metaMod())
}
