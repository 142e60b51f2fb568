//go:build etcd

package etcd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// writer is a mirror whose lock this process holds. It is for one goroutine.
type writer struct {
	*Mirror
	lock    *flocker.Lock
	rec     record // as it stands in the folder, once that is set up
	sums    *sums
	gone    []string  // tickets whose files are not what was written
	replays int64     // rows of changes until then may be in the journal already
	beaten  time.Time // when the writer last showed that it is at work
	swept   time.Time // when old rows were last looked for
	ended   bool      // a session has, since whoever waits was last told
}

// checkEach is how often the writer asks where the board stands: a watch on a connection that was
// cut off is silent, and so is one that waits for revisions which a restore took back. scanEach
// bounds how often it looks at the stamps of all files, when one of them has changed.
const (
	checkEach = 5 * time.Second
	scanEach  = time.Second
)

// write keeps the mirror at what the cluster holds, until ctx ends, the lock is lost or the folder
// fails.
func (m *Mirror) write(ctx context.Context, lock *flocker.Lock) error {
	rec, err := readRecord(m.dir)
	if err != nil {
		return err
	}
	w := &writer{Mirror: m, lock: lock}
	if rec.Board == m.board.ID {
		w.rec = rec
	}
	if w.sums, err = readSums(m.dir); err != nil {
		return err
	}
	defer func() {
		m.recorded(record{})
		_ = w.sums.close() // each line was written by itself
	}()
	if err := w.beat(); err != nil {
		return err
	}
	if err := w.scan(); err != nil {
		return err
	}
	for {
		err := w.follow(ctx)
		if ctx.Err() != nil || errors.Is(err, errRests) {
			return nil
		}
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
		if ofFolder(err) {
			return err
		}
		rest(ctx, slow/10, slow)
	}
}

// ofFolder reports whether an error is about the mirror's folder, not about the cluster.
func ofFolder(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link) || errors.Is(err, flocker.ErrReplaced)
}

// beat shows that the writer is at work, and makes sure that it still is the writer.
func (w *writer) beat() error {
	if err := w.lock.Check(); err != nil {
		return err
	}
	const each = stalled / 6
	now := time.Now()
	if now.Sub(w.beaten) < each {
		return nil
	}
	w.beaten = now
	return touch(filepath.Join(w.dir, writerLock))
}

var (
	errRests  = errors.New("nobody has asked for the mirror for some time")
	errSilent = errors.New("the watch is behind")
)

// follow brings the mirror to what the cluster holds now and then follows one watch, until
// something fails.
func (w *writer) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx) // ends the watch
	defer cancel()
	w.ended = true // perhaps, while nobody followed: marks that went then are not told again
	at, err := w.look(ctx)
	if err != nil {
		return err
	}
	if err := w.settle(ctx, at); err != nil {
		return err
	}
	from := w.rec.Revision + 1
	if at.tip <= w.rec.Revision {
		from = at.revision + 1 // nothing happened between, which may be compacted by now
	}
	// A watcher of its own: another one would be put on the same stream, which may be the trouble.
	watcher := clientv3.NewWatcher(w.board.client)
	defer watcher.Close()
	events := watcher.Watch(clientv3.WithRequireLeader(ctx), w.board.keys.prefix, clientv3.WithPrefix(),
		clientv3.WithRev(from))
	check := time.NewTicker(checkEach)
	defer check.Stop()
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	changed := make(chan struct{}, 1)
	watching.Go(func() { w.watchFiles(ctx, changed) })
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case answer, open := <-events:
			if !open {
				return errSilent
			}
			if err := w.take(ctx, answer); err != nil {
				return err
			}
		case <-changed:
			if err := w.tidy(ctx); err != nil {
				return err
			}
		case <-check.C:
			if err := w.check(ctx, events); err != nil {
				return err
			}
		case <-w.again:
			return errSilent
		}
	}
}

// watchFiles tells when a file of the folder may have changed, until ctx ends.
func (w *writer) watchFiles(ctx context.Context, changed chan struct{}) {
	watch := ticketfs.WatchFolder(w.dir)
	defer watch.Close()
	for ctx.Err() == nil {
		// An error is met again by whoever looks at the files.
		_ = watch.Arm()
		wake(changed)
		_ = watch.Wait(ctx, time.Time{})
		rest(ctx, scanEach, scanEach+scanEach/10)
	}
}

// look asks where the board stands, for the writer.
func (w *writer) look(ctx context.Context) (position, error) {
	ctx, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	return w.position(ctx)
}

// settle makes the folder one whose record and files can be followed on: loads the board where they
// cannot, and writes again what somebody changed.
func (w *writer) settle(ctx context.Context, at position) error {
	switch {
	case w.rec.goneBack(at):
		if at.meta.Epoch <= w.rec.Epoch {
			w.rec.Restored = true
		}
		return w.load(ctx, at)
	case w.rec.Revision == 0, w.rec.Boot != boot(), len(w.gone) > page:
		return w.load(ctx, at)
	case at.meta.Epoch > w.rec.Epoch:
		w.rec.Epoch, w.rec.Restored = at.meta.Epoch, false
	}
	w.replays = max(w.replays, at.revision)
	if err := w.finishRows(ctx); err != nil {
		return err
	}
	if err := w.restore(ctx); err != nil {
		return err
	}
	return w.commit()
}

// take applies what a watch brings.
func (w *writer) take(ctx context.Context, answer clientv3.WatchResponse) error {
	if answer.CompactRevision != 0 {
		return w.afterCompaction(ctx)
	}
	if err := answer.Err(); err != nil {
		return fmt.Errorf("watch the board: %w", err)
	}
	// A progress notice says nothing here: it may come ahead of the events that it tells of.
	if len(answer.Events) == 0 {
		return nil
	}
	for events := answer.Events; len(events) > 0; {
		n := 1
		for n < len(events) && events[n].Kv.ModRevision == events[0].Kv.ModRevision {
			n++
		}
		if err := w.apply(ctx, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return w.commit()
}

// afterCompaction loads the board again, as all the others do who were away as long: not at once.
func (w *writer) afterCompaction(ctx context.Context) error {
	at, err := w.look(ctx)
	if err != nil || at.tip <= w.rec.Revision && !w.rec.goneBack(at) {
		return err // nothing of this board was missed
	}
	const spread = 5 * time.Second
	for until := time.Now().Add(randomUpTo(spread)); time.Now().Before(until) && ctx.Err() == nil; {
		if err := w.beat(); err != nil {
			return err
		}
		rest(ctx, slow/10, slow/5)
	}
	if at, err = w.look(ctx); err != nil {
		return err
	}
	return w.load(ctx, at)
}

// apply shows one transaction.
func (w *writer) apply(ctx context.Context, events []*clientv3.Event) error {
	var tickets []*mvccpb.KeyValue
	var rows []journal.Row
	for _, e := range events {
		key := string(e.Kv.Key)
		switch {
		case strings.HasPrefix(key, w.board.keys.tickets()):
			tickets = append(tickets, e.Kv)
			if e.Type == clientv3.EventTypeDelete {
				if err := w.remove(strings.TrimPrefix(key, w.board.keys.tickets())); err != nil {
					return err
				}
				tickets = tickets[:len(tickets)-1]
			}
		case e.Type == clientv3.EventTypeDelete:
			w.ended = w.ended || strings.HasPrefix(key, w.board.keys.sessions())
		case strings.HasPrefix(key, w.board.keys.rows()):
			rows = append(rows, decodeRows(e.Kv.Value)...)
		case key == w.board.keys.tip():
			w.rec.Tip = max(w.rec.Tip, e.Kv.ModRevision)
		case key == w.board.keys.meta():
			if m, err := decodeMeta(e.Kv.Value); err == nil && m.Epoch > w.rec.Epoch {
				w.rec.Epoch, w.rec.Restored = m.Epoch, false
			}
		}
	}
	for _, kv := range tickets {
		id := strings.TrimPrefix(string(kv.Key), w.board.keys.tickets())
		if err := w.show(ctx, id, content(kv.Value), kv.ModRevision, rowsOf(rows, id)); err != nil {
			return err
		}
	}
	w.rec.Revision = max(w.rec.Revision, events[0].Kv.ModRevision)
	w.rec.Rows = w.rec.Revision
	return nil
}

// commit records what the files show.
func (w *writer) commit() error {
	if err := w.beat(); err != nil {
		return err
	}
	if err := w.rec.write(w.dir); err != nil {
		return err
	}
	w.recorded(w.rec)
	w.isGuarded()
	if !w.ended {
		return nil
	}
	w.ended = false
	return tellOfEnd(w.dir)
}

// show makes content the file of a ticket, and appends the rows of the change that made it. What
// comes from the cluster is like a file from a stranger: only its name must be one.
func (w *writer) show(ctx context.Context, id string, content []byte, revision int64,
	rows []journal.Row) error {
	if !document.ValidID(id) {
		return nil // doctor names it
	}
	if err := w.beat(); err != nil {
		return err
	}
	known := w.sums.files[id]
	before, err := w.read(id)
	if err != nil {
		return err
	}
	if before != nil && !known.is(before) && sha256.Sum256(before) != sha256.Sum256(content) {
		if err := w.keepMine(id); err != nil {
			return err
		}
		before = nil
	}
	free, err := w.changing(id, len(rows) > 0)
	if err != nil {
		return err
	}
	err = w.replace(id, before, content, revision)
	if err == nil {
		err = w.appendRows(ctx, rows, before, content, revision)
	}
	return errors.Join(err, free())
}

// replace writes the file of a ticket, its sum first, unless that is what it holds.
func (w *writer) replace(id string, before, content []byte, revision int64) error {
	if before != nil && bytes.Equal(before, content) &&
		w.sums.files[id].sum == sha256.Sum256(content) {
		return w.stamp(id)
	}
	if err := w.sums.add(id, content, revision); err != nil {
		return err
	}
	if err := w.lock.Check(); err != nil {
		return err
	}
	const readOnly = 0o444
	if err := replaceFile(w.path(id), content, readOnly); err != nil {
		return fmt.Errorf("write the mirror: %w", err)
	}
	return w.stamp(id)
}

func (w *writer) path(id string) string { return filepath.Join(w.dir, id+document.Ext) }

// check asks where the board stands, and whether the watch keeps up with it.
func (w *writer) check(ctx context.Context, events clientv3.WatchChan) error {
	at, err := w.look(ctx)
	if err != nil {
		return err
	}
	if w.rec.goneBack(at) {
		return errSilent
	}
	if err := w.sums.keep(); err != nil {
		return err
	}
	late := time.NewTimer(slow)
	defer late.Stop()
	for w.rec.Revision < at.tip {
		select {
		case answer, open := <-events:
			if !open {
				return errSilent
			}
			if err := w.take(ctx, answer); err != nil {
				return err
			}
		case <-late.C:
			return errSilent
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.isCurrent()
	if w.rests() {
		return errRests
	}
	return w.sweepRows(ctx, at)
}

// compacted reports whether a revision is not to be had any more.
func compacted(err error) bool { return errors.Is(err, rpctypes.ErrCompacted) }
