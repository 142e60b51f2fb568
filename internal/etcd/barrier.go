//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// position is what a linearizable answer says of where a board stands.
type position struct {
	cluster  uint64
	revision int64 // of the whole cluster, with what other boards write
	tip      int64 // of the board's last transaction
	meta     meta
}

// question is one look at where the board stands, for all who asked before it began.
type question struct {
	done   chan struct{}
	before record // what the mirror showed ahead of it
	at     position
	err    error
}

// Fresh returns once the mirror shows every change that was answered before the call: the barrier.
// It returns a *ticketfs.CutOff where that cannot be had, and at once where it could not be had before.
func (m *Mirror) Fresh(ctx context.Context) error {
	m.use()
	if lost := m.cutOff(); lost != nil {
		return lost
	}
	q := m.ask()
	select {
	case <-q.done:
	case <-ctx.Done():
		return fmt.Errorf("ask where the board stands: %w", ctx.Err())
	}
	var none *noBoardError
	var format *formatError
	switch {
	case errors.As(q.err, &none), errors.As(q.err, &format):
		return q.err // the cluster has answered
	case q.err != nil:
		return m.cut(q.err)
	}
	waiting, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	err := m.await(waiting, q.before, q.at)
	if err == nil {
		select {
		case <-m.guarded:
		case <-waiting.Done():
			err = m.behind(waiting)
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("wait for the mirror: %w", ctx.Err())
	case err != nil:
		return m.cut(err)
	}
	m.isCurrent()
	return nil
}

// Reading runs a read of the cluster, unless the last barrier or read has failed: then the mirror
// has to do.
func (m *Mirror) Reading(ctx context.Context, read func(context.Context) error) error {
	m.use()
	if lost := m.cutOff(); lost != nil {
		return lost
	}
	limited, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	err := read(limited)
	switch {
	case err == nil || isDefinite(err):
		return err
	case ctx.Err() != nil: // nobody waits for it
		return fmt.Errorf("read from the cluster: %w", ctx.Err())
	}
	return m.cut(err)
}

// Revision is one up to which the mirror shows every change.
func (m *Mirror) Revision() (int64, error) {
	shown, err := m.record()
	return shown.Revision, err
}

// Reach returns once the mirror shows every change up to a revision of the board.
func (m *Mirror) Reach(ctx context.Context, revision int64) error {
	m.use()
	shown, err := m.record()
	if err != nil || shown.Revision >= revision {
		return err
	}
	return m.await(ctx, shown, position{cluster: m.board.epoch.clusterID(), revision: revision,
		tip: revision})
}

// ask returns a question that begins after the call: the one that is under way may be too early.
func (m *Mirror) ask() *question {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked == nil {
		m.asked = &question{done: make(chan struct{})}
		go m.answer(m.asked)
		return m.asked
	}
	if m.next == nil {
		m.next = &question{done: make(chan struct{})}
	}
	return m.next
}

func (m *Mirror) answer(q *question) {
	for q != nil {
		ctx, cancel := context.WithTimeout(context.Background(), barrierLimit)
		if q.before, q.err = m.record(); q.err == nil {
			q.at, q.err = m.position(ctx)
		}
		cancel()
		close(q.done)
		m.mu.Lock()
		m.asked, m.next = m.next, nil
		q = m.asked
		m.mu.Unlock()
	}
}

// position asks, linearizably, where the board stands.
func (m *Mirror) position(ctx context.Context) (position, error) {
	b := m.board
	since := b.epoch.since()
	ask := b.client.Txn(ctx).Then(clientv3.OpGet(b.keys.tip()), clientv3.OpGet(b.keys.meta()))
	answer, err := ask.Commit()
	for err != nil && isTransient(err) && mayRetry(ctx) { // as while the leader changes
		answer, err = ask.Commit()
	}
	if err != nil {
		return position{}, fmt.Errorf("ask where the board stands: %w", err)
	}
	_ = b.epoch.see(since, answer.Header) // a restored board may be read
	at := position{cluster: answer.Header.ClusterId, revision: answer.Header.Revision}
	if tip := answer.Responses[0].GetResponseRange().Kvs; len(tip) == 1 {
		at.tip = tip[0].ModRevision
	}
	kept := answer.Responses[1].GetResponseRange().Kvs
	if len(kept) == 0 {
		return at, &noBoardError{b.ID}
	}
	at.meta, err = decodeMeta(kept[0].Value)
	return at, err
}

// goneBack reports whether an answer shows another cluster, or an older state of the board, than a
// record that was there before the question: it was restored.
func (r record) goneBack(at position) bool {
	return r.Cluster != 0 &&
		(r.Cluster != at.cluster || at.revision < r.Revision || at.tip < r.Tip)
}

// suspect stops changes by this process where the board, in the epoch of a record, went back to an
// older state: until somebody has begun another epoch.
func (g *guard) suspect(epoch int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.meta.Epoch <= epoch {
		g.restored = true
	}
}

// clusterID names the cluster of this process's board.
func (g *guard) clusterID() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cluster
}

// await returns once the mirror shows a position of the board; before is what it showed ahead of
// the question for that.
func (m *Mirror) await(ctx context.Context, before record, at position) error {
	const first, last = time.Millisecond, 20 * time.Millisecond
	back := before.goneBack(at)
	if back {
		m.board.epoch.suspect(before.Epoch)
	}
	began := time.Now()
	nudged := began
	for look := first; ; look = min(2*look, last) {
		m.mu.Lock()
		advanced, writer := m.advanced, m.writes.Revision > 0
		m.mu.Unlock()
		shown, err := m.record()
		if err != nil {
			return err
		}
		if shown.Restored {
			m.board.epoch.suspect(shown.Epoch)
		}
		if shown.Cluster == at.cluster && shown.Revision >= at.tip && shown.Revision > 0 &&
			!(back && shown.Loads == before.Loads) {
			return nil
		}
		if time.Since(nudged) > slow {
			nudged = time.Now()
			if err := m.nudge(writer, time.Since(began)); err != nil {
				return err
			}
		}
		timer := time.NewTimer(look)
		select {
		case <-advanced:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return m.behind(ctx)
		}
		timer.Stop()
	}
}

// nudge helps a mirror on that has been behind for some time.
func (m *Mirror) nudge(writer bool, behind time.Duration) error {
	if writer {
		wake(m.again)
		return nil
	}
	if behind > stalled && time.Since(m.touched()) > stalled {
		if err := m.displace(); err != nil {
			return err
		}
	}
	m.tryAgain()
	return nil
}

// behind says why a mirror did not follow.
func (m *Mirror) behind(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return fmt.Errorf("the mirror is behind: %w", m.fault)
	}
	return fmt.Errorf("the mirror is behind: %w", ctx.Err())
}

// isCurrent takes note that the mirror is as late as the cluster, for this process and, now and
// then, for the others of the machine: the record's time says so.
func (m *Mirror) isCurrent() {
	now := time.Now()
	m.mu.Lock()
	m.current, m.lost = now, nil
	m.mu.Unlock()
	const each = 5 * time.Second
	path := filepath.Join(m.dir, recordName)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() &&
		now.Sub(info.ModTime()) > each {
		_ = touch(path) // another user's: then its processes do so
	}
}

// cut notes that a barrier failed, so that the next reads need not wait for another.
func (m *Mirror) cut(why error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	as := m.current
	if info, err := os.Lstat(filepath.Join(m.dir, recordName)); err == nil &&
		info.ModTime().After(as) {
		as = info.ModTime()
	}
	m.lost = &ticketfs.CutOff{AsOf: as, Why: why}
	m.probe()
	return m.lost
}

// cutOff returns what the last barrier failed with, nil where it did not, and sees that somebody
// tries again.
func (m *Mirror) cutOff() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost == nil {
		return nil
	}
	m.probe()
	return m.lost
}

// probe tries, while somebody asks for the board, whether it can be reached again. m.mu is held.
func (m *Mirror) probe() {
	if m.probing {
		return
	}
	m.probing = true
	go func() {
		for m.probeOnce() {
			rest(context.Background(), slow/4, slow/2)
		}
	}()
}

// probeOnce reports whether another probe is needed.
func (m *Mirror) probeOnce() bool {
	ctx, cancel := context.WithTimeout(context.Background(), barrierLimit)
	defer cancel()
	before, err := m.record()
	var at position
	if err == nil {
		at, err = m.position(ctx)
	}
	if err == nil {
		err = m.await(ctx, before, at)
	}
	if err == nil {
		m.isCurrent()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
		m.probing = false
	default:
		m.probing = m.lost != nil && time.Since(m.used) < restAfterUse
	}
	return m.probing
}
