// Package flocker hands out exclusive locks between processes, and says who holds one that cannot
// be had.
//
// A lock is an flock(2), taken through gofrs/flock, on a file that is made when it is first needed
// and kept forever: unlinking lock files lets two processes lock two different files of one name.
// The kernel frees a lock when its holder dies, however it dies, so there is nothing to expire, to
// break or to clean up.
//
// Promised: at most one holder per lock file among all processes that go through flock(2); within a
// process first come, first served; a wait ends when its context does; nothing ever polls. After
// acquiring, a lock file that was removed or replaced meanwhile is noticed; Check compares the
// locked file with the one at the path.
//
// Not promised: order between processes (a process may pass a waiter that the kernel has just
// woken), and anything on a filesystem whose flock is a fiction; see Enforced.
package flocker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// ErrReplaced says that the lock file at the path is no longer the one that was locked: somebody
// removed or replaced it, and another process may hold the new one.
var ErrReplaced = errors.New("lock file was replaced while it was held")

// BusyError says that a lock was not obtained before the context's deadline, though it was tried.
// Nothing is held.
type BusyError struct {
	Path   string        // the lock file
	Waited time.Duration // how long
	Holder Holder        // who holds it, as far as the system tells
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s is held by %s; waited %s", filepath.Base(e.Path), e.Holder,
		e.Waited.Round(time.Millisecond))
}

// LateError says that the deadline passed while other callers of this process were ahead, so that
// the lock was not asked for, and that nobody holds it now.
type LateError struct{ Path string }

func (e *LateError) Error() string {
	return "the time was used up before " + filepath.Base(e.Path) + " was asked for"
}

// NotFileError says that something else than a plain file stands where a lock file should. It is
// neither followed nor locked.
type NotFileError struct {
	Path string
	Kind fs.FileMode
}

func (e *NotFileError) Error() string {
	return fmt.Sprintf("%s is not a regular file (%s)", filepath.Base(e.Path), e.Kind)
}

// Holder is a process that holds a lock; PID 0 when the system does not tell.
type Holder struct {
	PID     int
	Program string
}

func (h Holder) String() string {
	switch {
	case h.PID == 0:
		return "another process"
	case h.Program == "":
		return fmt.Sprintf("pid %d", h.PID)
	}
	return fmt.Sprintf("pid %d (%s)", h.PID, h.Program)
}

// Locks are the locks of this process. The zero value is ready for use.
type Locks struct {
	// Make makes a lock file that is not there, or finds that another process has. nil: with mode
	// 0666 less umask.
	Make func(path string) error

	mu    sync.Mutex
	gates map[string]*gate
}

// Lock is a lock that is held. It is released by Unlock or by the end of the process.
type Lock struct {
	file    handle
	seen    Seen
	waited  bool
	release func() error
	once    sync.Once
	err     error
}

// Seen is what the system said of a file when it had just been locked, and when that was.
type Seen struct {
	Info fs.FileInfo
	At   time.Time // not after it
}

// Acquire waits for the exclusive lock on the file at path, which is made when absent; its folder
// must exist. A deadline that passes gives *BusyError or *LateError, a cancelled context its own
// error; what is no plain file *NotFileError; all else is the system's error. A lock that is free
// is had even when the deadline has passed.
func (l *Locks) Acquire(ctx context.Context, path string) (*Lock, error) {
	if l.Make == nil {
		return l.acquire(ctx, path, way{lockFile, os.O_RDWR | os.O_CREATE, nil})
	}
	return l.acquire(ctx, path, way{lockFile, os.O_RDWR, l.Make})
}

// AcquireExisting is Acquire for a file that is no lock file, and must be there already: a missing
// one is fs.ErrNotExist. It can be read by its lock. A path is for one of the two.
func (l *Locks) AcquireExisting(ctx context.Context, path string) (*Lock, error) {
	return l.acquire(ctx, path, way{readable, os.O_RDONLY, nil})
}

func (l *Locks) acquire(ctx context.Context, path string, by way) (*Lock, error) {
	began := time.Now()
	path = filepath.Clean(path)
	g := l.enter(path, by)
	f, seen, waited, err := g.acquire(ctx)
	if err != nil {
		l.leave(g)
		switch {
		case errors.Is(err, errLate):
			if held, err := Held(path); err != nil || !held {
				return nil, &LateError{path}
			}
			return nil, &BusyError{Path: path, Waited: time.Since(began), Holder: holder(path)}
		case errors.Is(err, context.DeadlineExceeded):
			return nil, &BusyError{Path: path, Waited: time.Since(began), Holder: holder(path)}
		}
		return nil, fmt.Errorf("acquire lock %s: %w", filepath.Base(path), err)
	}
	return &Lock{file: f, seen: seen, waited: waited, release: func() error {
		err := f.Unlock()
		<-g.turn
		l.leave(g)
		return err
	}}, nil
}

// Unlock releases the lock; calls after the first only repeat its result.
func (l *Lock) Unlock() error {
	l.once.Do(func() { l.err = l.release() })
	return l.err
}

// Check returns ErrReplaced unless the file at the path is still the one that is locked.
func (l *Lock) Check() error {
	same, err := atPath(l.seen.Info, l.file.Path())
	if err == nil && !same {
		err = ErrReplaced
	}
	return err
}

// Seen is what the system said of the file when it had just been locked.
func (l *Lock) Seen() Seen { return l.seen }

// Waited reports whether somebody else had the lock when it was asked for.
func (l *Lock) Waited() bool { return l.waited }

// File is the file that AcquireExisting locked, open to be read.
func (l *Lock) File() *rawfile.File { return l.file.(*file).open }

// Enforced reports whether this filesystem's locks are real: while l is held, a second open of its
// file must be refused.
func (l *Lock) Enforced() (bool, error) {
	second, got, err := tryLock(l.file.Path(), way{lockFile, os.O_RDWR, nil})
	if errors.Is(err, fs.ErrNotExist) {
		// removed meanwhile: nothing shows the contrary, and the last check before a rename sees it
		return true, nil
	}
	if got {
		err = second.Unlock()
	}
	if got && err == nil && errors.Is(l.Check(), ErrReplaced) {
		return true, nil // it was another file that could be locked
	}
	return !got, err
}

// Held reports whether some open file holds the exclusive lock at path. It takes a shared lock for
// an instant, so that probes do not disturb each other, and creates nothing: a missing file is
// fs.ErrNotExist.
func Held(path string) (bool, error) {
	f := lockFile(path, os.O_RDONLY)
	got, err := f.TryRLock()
	if got {
		err = f.Unlock()
	} else if fault := notFile(path); fault != nil {
		err = fault
	}
	return !got && err == nil, err
}

// tryLock tries once, without waiting. A lock file that may be read but not written can still be
// locked: flock(2) on a local filesystem needs no more than an open file.
func tryLock(path string, by way) (handle, bool, error) {
	f := by.open(path, by.flags)
	got, err := f.TryLock()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		f = by.open(path, os.O_RDONLY)
		got, err = f.TryLock()
	}
	if !got {
		if fault := notFile(path); fault != nil {
			err = fault
		}
	}
	return f, got, err
}

// notFile returns a NotFileError if something else than a plain file is at path.
func notFile(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().IsRegular() {
		return nil
	}
	return &NotFileError{path, info.Mode().Type()}
}

// look tells of a file that was just locked. One that has no name left, since it was removed or
// replaced meanwhile, is ErrReplaced: the others lock another one.
func look(f handle) (Seen, error) {
	at := time.Now()
	info, err := f.Stat()
	switch {
	case err != nil:
		return Seen{}, err
	case !info.Mode().IsRegular():
		return Seen{}, &NotFileError{f.Path(), info.Mode().Type()}
	case rawfile.Removed(info):
		return Seen{}, ErrReplaced
	}
	return Seen{info, at}, nil
}

// atPath reports whether a locked file is the one at its path. Lstat, because a link there is not
// our file.
func atPath(locked fs.FileInfo, path string) (bool, error) {
	named, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return rawfile.SameFile(locked, named), nil
}
