package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// ErrNotDurable says that a change was made and is visible to every reader, but that the system did not confirm that it
// survives a power loss, or did not let go of a lock.
var ErrNotDurable = errors.New("written, but not confirmed durable")

// WithTicketLock runs fn on the current content of the ticket file at path, under that ticket's exclusive lock. Every write of
// a ticket, by any tool, goes through it.
//
//   - content is nil exactly when the file does not exist; an empty file is not nil. So create uses the same door.
//   - fn runs at most once. Its error comes back unchanged and nothing is written. A result that is nil or equal to content
//     writes nothing, and the file keeps its mtime.
//   - The new bytes must be a function of the bytes passed in. A closure that ignores them loses updates with the lock held.
//   - A nil return after a change means durable: the file was synced, renamed into place, and its folder synced. ErrNotDurable
//     means that the change is visible, but the last of these failed, or a lock could not be let go of; ErrNotJournaled, that
//     it left no row in the ticket's journal. After any other error the old content stands.
//   - The lock is held from before the read until after the write, and released on return, error, panic and cancelled ctx.
//     Cancelling ends the wait; once fn has returned new bytes, the write is finished.
//   - Waiting ends after LockTimeout, or at ctx's own deadline, with a Refusal (Busy) that names the lock and its holder. The
//     same code says that a program which takes no locks, an editor or git, wrote the ticket meanwhile.
//
// Not reentrant: fn must not call the Store.
func (s *Store) WithTicketLock(ctx context.Context, path string, fn func(content []byte) (newContent []byte, err error)) error {
	if _, err := durable.Lstat(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refused("", err)
	}
	return s.withTicketLock(ctx, path, ticketOnly, &record{}, func(content []byte, _ bool) ([]byte, error) { return fn(content) })
}

// scope says which locks a change needs.
type scope int

const (
	ticketOnly    scope = iota // the rule looks at the ticket's own bytes
	withRelations              // the rule reads another ticket, or the change can break another ticket's rule
)

// withTicketLock takes its locks in one order, ticket, tk's, relations, and never two tickets at once: there can be no
// deadlock, a crowd on one ticket does not stop the others, and each change writes one file, so that a crash leaves no half.
//
// With relations, fn runs twice on the same content: once to know the bytes, which are written and synced while the other
// tickets may still change, and once under the relations lock to be judged. So that lock is held for a look and a rename, and
// not for two syncs of the disk, for which all other sessions would have to wait. The second run decides alone: the first one
// is told that it is a forecast, and may take what was known before for the state of the others. Why nothing is lost by
// releasing the lock before the folder is synced: whoever then judges by our rename syncs the same folder before it answers,
// and a folder's renames reach the disk in their order.
//
// The row in the ticket's journal, which says who made the change and why, is appended once it is visible: under the ticket's
// lock, so that rows stand in the order of the changes, and beside the relations lock, for which others wait.
func (s *Store) withTicketLock(ctx context.Context, path string, scope scope, r *record,
	fn func(content []byte, forecast bool) ([]byte, error)) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.LockTimeout)
	defer cancel()
	dir := filepath.Dir(path)
	if err := s.prepare(dir); err != nil {
		return err
	}
	var held locks
	visible := false
	defer func() {
		unlockErr := held.release()
		if unlockErr == nil || err != nil && !visible {
			return
		}
		unlockErr = fmt.Errorf("release lock: %w", unlockErr)
		if visible {
			unlockErr = fmt.Errorf("%w: %w", ErrNotDurable, unlockErr)
		}
		err = errors.Join(err, unlockErr)
	}()
	if err := held.take(ctx, s, path+lockExt); err != nil {
		return err
	}
	if err := s.trust(dir, held[0].Lock); err != nil {
		return err
	}
	tk := tkLock(path)
	if tk != "" {
		if err := held.takeTk(ctx, s, tk); err != nil {
			return err
		}
	}
	// The ticket file itself is locked as well, for the case that somebody removes lock files while they are held: whoever then
	// holds a new one waits here. For want of a file there is nothing to lock; and it cannot replace the lock file, since after
	// a rename the ones who waited hold a file that is no longer there.
	own, err := s.locks.AcquireExisting(ctx, path)
	if err == nil {
		defer own.Unlock()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return refused("", err)
	}
	durable.Step("locked")
	old, err := readTicketFile(path)
	if err != nil {
		return refused("", err)
	}
	next := durable.Replacement{Path: path, Old: old}
	defer next.Discard()
	content, err := fn(bytes.Clone(old.Content), scope == withRelations)
	if err == nil {
		err = next.Write(content)
	}
	if scope == withRelations {
		if lockErr := held.take(ctx, s, filepath.Join(dir, relationsLock)); lockErr != nil {
			return lockErr
		}
		if content, err = fn(bytes.Clone(old.Content), false); err == nil {
			err = next.Write(content)
		}
	}
	if err != nil || !next.Ready {
		return err
	}
	durable.Step("judged")
	if err := held.check(); err != nil {
		return err
	}
	if tkLock(path) != tk {
		return Refuse(Busy, "retry", "the tk program began to lock %s meanwhile", filepath.Base(path))
	}
	if err := next.Rename(); err != nil {
		return refused("", err)
	}
	visible = true // whatever fails from here on must not look like a change that failed
	if scope == withRelations {
		if err = held.releaseLast(); err != nil {
			err = fmt.Errorf("release lock: %w", err)
		}
	}
	recordErr := s.append(path, r, old.Content, content)
	durable.Step("journaled")
	if err = errors.Join(err, next.Sync()); err != nil {
		err = fmt.Errorf("%w: %w", ErrNotDurable, err)
	}
	return errors.Join(err, recordErr)
}

const (
	lockExt       = ".lock"
	relationsLock = ".relations" + lockExt
)

// heldLock is a lock and, for tk's, the file to remove when it is released.
type heldLock struct {
	*flocker.Lock
	remove string
}

// locks are held locks, in the order they were taken.
type locks []heldLock

func (l *locks) take(ctx context.Context, s *Store, path string) error {
	lock, err := s.locks.Acquire(ctx, path)
	if err != nil {
		return refused("", err)
	}
	*l = append(*l, heldLock{Lock: lock})
	return nil
}

// check makes sure, right before the rename, that no lock was taken from under us by removing its file.
func (l locks) check() error {
	for _, lock := range l {
		err := lock.Check()
		if err != nil {
			return refused("", fmt.Errorf("look at the lock again: %w", err))
		}
	}
	return nil
}

func (l *locks) release() error {
	var errs []error
	for len(*l) > 0 {
		errs = append(errs, l.releaseLast())
	}
	return errors.Join(errs...)
}

func (l *locks) releaseLast() error {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	if last.remove != "" && last.Check() == nil {
		// One that stays is as good to tk as one that it has just made; the change is done either way.
		_ = os.Remove(last.remove)
	}
	return last.Unlock()
}

// tkLocks is where newer versions of the tk program keep their lock files.
const tkLocks = ".locks"

// tkLock is the path of the lock by which tk guards the ticket at path, "" when tk has not made its folder.
func tkLock(path string) string {
	dir := filepath.Join(filepath.Dir(path), tkLocks)
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return filepath.Join(dir, filepath.Base(path)+lockExt)
}

// takeTk takes tk's lock by tk's protocol: lock, compare inodes, and on release remove the file while holding it. Waiters then
// find another inode, or none, and start over.
func (l *locks) takeTk(ctx context.Context, s *Store, path string) error {
	err := l.take(ctx, s, path)
	if err == nil {
		(*l)[len(*l)-1].remove = path
	}
	return err
}
