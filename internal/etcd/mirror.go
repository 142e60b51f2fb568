//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Mirror is the copy of a board that all processes of a machine read: a file for each ticket in one
// folder. The process that holds the folder's lock, its writer, follows the board by one watch and
// writes the files; the others wait until what it has recorded is as late as their question.
type Mirror struct {
	board *Board
	dir   string
	alone bool // the folder is of this process alone, and goes with it
	// keepRows is how long the rows of a change stay in the cluster.
	keepRows time.Duration

	locks flocker.Locks
	stop  context.CancelFunc
	ended chan struct{} // closed when the keeper has ended
	again chan struct{} // tells the writer to begin another watch
	woken chan struct{} // tells a keeper that rests of a use
	// guarded is closed once somebody sees that the files stay as they were written: another
	// process, or this one, which has looked at all of them.
	guarded  chan struct{}
	guarding sync.Once

	mu       sync.Mutex
	asked    *question        // the barrier that is under way, and the one behind it
	next     *question        //   for those who came too late for it
	advanced chan struct{}    // closed when the record of this process advances
	writes   record           // what this process has recorded; zero unless it is the writer
	retry    func()           // lets the keeper try for the lock again
	used     time.Time        // when the mirror was last asked for anything
	current  time.Time        // when it was last known to be current
	lost     *ticketfs.CutOff // since a barrier failed; nil while the cluster answers
	probing  bool             // whether somebody tries whether it answers again
	fault    error            // why the keeper failed last
	told     []string         // the kept files that were named
}

const (
	// barrierLimit bounds how long a read waits for the cluster and the mirror. A change of leader
	// takes less.
	barrierLimit = 4 * time.Second
	// restAfterUse is how long a process whose mirror is its own goes on to watch, or to probe.
	restAfterUse = 60 * time.Second
	// slow is how long the writer may be behind before it begins another watch, and stalled before
	// another takes its place: it may have been stopped, while the cluster is well.
	slow    = time.Second
	stalled = 3 * time.Second
)

// OpenMirror lets a board show itself in a folder, which is made where it is missing. A process
// that may not write there gets a mirror of its own, which lasts as long as itself. keepRows is how
// long the rows of changes stay in the cluster for machines that are away: see KeepRows.
func OpenMirror(b *Board, dir string, keepRows time.Duration) (*Mirror, error) {
	m := &Mirror{board: b, dir: dir, keepRows: keepRows,
		locks: flocker.Locks{Make: durable.MakeFile}, ended: make(chan struct{}),
		again: make(chan struct{}, 1), woken: make(chan struct{}, 1),
		advanced: make(chan struct{}), guarded: make(chan struct{}), used: time.Now()}
	err := makeMirror(dir)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		m.alone = true
		m.dir, err = makeOwnMirror()
	}
	if err != nil {
		return nil, fmt.Errorf("open the mirror: %w", err)
	}
	b.Shown = Shown{Dir: m.dir, Revision: m.Revision, Fresh: m.Fresh, Reach: m.Reach,
		Reading: m.Reading, Kept: m.NewlyKept}
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.retry = stop, func() {}
	go m.keep(ctx)
	return m, nil
}

// Close ends the following. Where others wait for the mirror's lock, one of them goes on.
func (m *Mirror) Close() error {
	m.stop()
	<-m.ended
	if m.alone {
		return removeOwnMirror(m.dir)
	}
	return nil
}

// keep follows the board whenever this process can have the folder's lock. The kernel wakes one of
// those that wait for it.
func (m *Mirror) keep(ctx context.Context) {
	defer close(m.ended)
	for m.awaitUse(ctx) {
		attempt, retry := context.WithCancel(ctx)
		m.mu.Lock()
		m.retry = retry
		m.mu.Unlock()
		err := m.tryToWrite(ctx, attempt)
		replaced := attempt.Err() != nil
		retry()
		if err == nil || replaced && errors.Is(err, context.Canceled) {
			continue
		}
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
		rest(ctx, slow/10, slow)
	}
}

// tryToWrite waits for the folder's lock until attempt is over, and writes the mirror with it.
func (m *Mirror) tryToWrite(ctx, attempt context.Context) error {
	path := filepath.Join(m.dir, writerLock)
	err := durable.MakeFolder(m.dir) // somebody may have removed it
	if err == nil {
		err = durable.MakeFile(path)
	}
	if err != nil {
		return err
	}
	lock, err := flocker.Try(path)
	if lock == nil && err == nil {
		m.isGuarded()
		lock, err = m.locks.Acquire(attempt, path)
	}
	if err != nil {
		return err
	}
	return errors.Join(m.write(ctx, lock), lock.Unlock())
}

func (m *Mirror) isGuarded() { m.guarding.Do(func() { close(m.guarded) }) }

// awaitUse returns true when the board shall be followed: always, but by a process whose mirror is
// its own only while somebody asks for it.
func (m *Mirror) awaitUse(ctx context.Context) bool {
	for ctx.Err() == nil {
		if !m.rests() {
			return true
		}
		select {
		case <-ctx.Done():
		case <-m.woken:
		}
	}
	return false
}

// rests reports whether nobody has asked for anything of a mirror of this process alone.
func (m *Mirror) rests() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alone && time.Since(m.used) > restAfterUse
}

func (m *Mirror) use() {
	m.mu.Lock()
	m.used = time.Now()
	m.mu.Unlock()
	wake(m.woken)
}

// wake sends to a channel of size one, unless somebody has.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rest waits a random time between two limits, so that many do not come at once.
func rest(ctx context.Context, least, most time.Duration) {
	timer := time.NewTimer(least + rand.N(most-least))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// record is what the folder shows: from memory where this process writes it.
func (m *Mirror) record() (record, error) {
	m.mu.Lock()
	r := m.writes
	m.mu.Unlock()
	if r.Revision > 0 {
		return r, nil
	}
	r, err := readRecord(m.dir)
	if r.Board != m.board.ID {
		return record{}, err
	}
	return r, err
}

// recorded tells those who wait what this process has recorded; the zero record when it is the
// writer no more.
func (m *Mirror) recorded(r record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes = r
	close(m.advanced)
	m.advanced = make(chan struct{})
}

// touched is when the writer last showed that it is at work.
func (m *Mirror) touched() time.Time {
	info, err := os.Lstat(filepath.Join(m.dir, writerLock))
	if err != nil {
		return time.Time{} // then there is nobody whose place is taken
	}
	return info.ModTime()
}

// displace takes the lock's name from a writer that does not get on: it may have been stopped. The
// writer sees that at its next file, and stops. One that was stopped in front of a rename may leave
// one file that is too old: the next writer takes it for changed by somebody, and so does sumReader.
func (m *Mirror) displace() error {
	const guard = ".displace.lock" // so that of several one does it
	path := filepath.Join(m.dir, guard)
	if err := durable.MakeFile(path); err != nil {
		return err
	}
	lock, err := flocker.Try(path)
	if lock == nil || err != nil {
		return err
	}
	if time.Since(m.touched()) > stalled {
		err = replaceFile(filepath.Join(m.dir, writerLock), nil, 0o666)
	}
	return errors.Join(err, lock.Unlock())
}

// tryAgain lets the keeper try for the lock again: there may be another file at its name.
func (m *Mirror) tryAgain() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retry()
}
