package flocker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// gate is the queue of this process in front of one lock file. It exists as long as somebody uses
// it.
//
// Only the caller that has the turn talks to the kernel, and at most one goroutine blocks in
// flock(2) for the gate: a caller that gives up cannot take its blocked goroutine along (the system
// call is not interruptible from Go), so the next caller inherits it, and when nobody is left it
// frees the lock the moment it gets it. A goroutine per call instead would leak a thread and a
// descriptor for every request that times out behind a stopped holder.
type gate struct {
	locks *Locks
	path  string
	by    way
	users int           // callers and the blocked goroutine; guarded by Locks.mu
	turn  chan struct{} // of size 1; Go wakes blocked senders first come, first served

	mu      sync.Mutex
	pending *pending // the goroutine that is blocked in the kernel, nil if none
}

// pending is one blocking acquisition under way.
type pending struct {
	file   fs.FileInfo // the lock file when the wait began; nil if it could not be seen
	wanted bool        // somebody waits for it; guarded by gate.mu
	done   chan outcome
}

type outcome struct {
	file handle
	err  error
}

func (l *Locks) enter(path string, by way) *gate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gates == nil {
		l.gates = make(map[string]*gate)
	}
	g := l.gates[path]
	if g == nil {
		g = &gate{locks: l, path: path, by: by, turn: make(chan struct{}, 1)}
		l.gates[path] = g
	}
	g.users++
	return g
}

// leave forgets a gate that nobody uses.
func (l *Locks) leave(g *gate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.users--
	if g.users == 0 {
		delete(l.gates, g.path)
	}
}

// errLate says that the deadline passed before the caller's turn came.
var errLate = errors.New("the deadline passed before the lock was tried")

// acquire returns with the turn and the lock, or with neither. A deadline that has passed ends a
// wait, not the first try. waited says that the lock was not free at once.
func (g *gate) acquire(ctx context.Context) (f handle, seen Seen, waited bool, err error) {
	select {
	case g.turn <- struct{}{}:
	default:
		waited = true
		select {
		case g.turn <- struct{}{}:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, Seen{}, waited, errLate
			}
			return nil, Seen{}, waited, ctx.Err()
		}
	}
	f, seen, blocked, err := g.lock(ctx)
	if err != nil {
		<-g.turn
	}
	return f, seen, waited || blocked, err
}

// lock gets the kernel's lock on the file that is at the path now. A file that was replaced while
// we waited is no lock: the others lock the new one.
func (g *gate) lock(ctx context.Context) (f handle, seen Seen, blocked bool, err error) {
	for {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, Seen{}, blocked, ctx.Err()
		}
		f, free, err := g.lockOnce(ctx)
		blocked = blocked || !free
		if err == nil {
			if seen, err = look(f); err == nil {
				return f, seen, blocked, nil
			}
			unlockErr := f.Unlock()
			if errors.Is(err, ErrReplaced) && ctx.Err() == nil { // else again and again
				err = unlockErr
			}
		}
		if errors.Is(err, fs.ErrNotExist) && g.by.make != nil {
			err = g.by.make(g.path)
		}
		if err != nil {
			return nil, Seen{}, blocked, err
		}
	}
}

// lockOnce says with free that nobody held the lock.
func (g *gate) lockOnce(ctx context.Context) (f handle, free bool, err error) {
	p := g.inherit()
	if p == nil {
		f, got, err := tryLock(g.path, g.by)
		if got || err != nil {
			return f, true, err
		}
		if err = ctx.Err(); err != nil {
			return nil, false, err
		}
		p = g.block(f)
	}
	select {
	case o := <-p.done:
		return o.file, false, o.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	p.wanted = false
	g.mu.Unlock()
	// It may have come in the same instant; nobody else looks at this channel now.
	select {
	case o := <-p.done:
		if o.err == nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, false, errors.Join(ctx.Err(), o.file.Unlock())
		}
		return o.file, false, o.err
	default:
	}
	return nil, false, ctx.Err()
}

// inherit returns the acquisition that an earlier caller left behind, unless the lock file is
// another one by now: then the old wait goes on alone, to free what it gets, and a new one is
// needed.
func (g *gate) inherit() *pending {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.pending
	if p == nil {
		return nil
	}
	now, err := os.Lstat(g.path)
	if err != nil || p.file == nil || !rawfile.SameFile(p.file, now) {
		g.pending = nil
		return nil
	}
	p.wanted = true
	return p
}

// block waits for the lock in a goroutine of its own.
func (g *gate) block(f handle) *pending {
	p := &pending{wanted: true, done: make(chan outcome, 1)}
	// The file is opened by the blocking call itself. If the path changes in between, the
	// comparison after acquiring finds out.
	if info, err := os.Lstat(g.path); err == nil {
		p.file = info
	}
	g.mu.Lock()
	g.pending = p
	g.mu.Unlock()
	g.locks.enter(g.path, g.by)
	go func() {
		defer g.locks.leave(g)
		err := f.Lock()
		for errors.Is(err, syscall.EINTR) {
			err = f.Lock()
		}
		g.finish(p, outcome{f, err})
	}()
	return p
}

// finish hands the outcome to whoever waits for it, or frees the lock.
func (g *gate) finish(p *pending, o outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pending == p {
		g.pending = nil
	}
	if p.wanted {
		p.done <- o
	} else if o.err == nil {
		// There is nobody to tell of an error, which flock(2) gives here only for a bad descriptor.
		_ = o.file.Unlock()
	}
}
