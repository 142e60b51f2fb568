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
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// ErrNotDurable says that a change was made and is visible to every reader, but that the system did
// not confirm that it survives a power loss, or did not release a lock.
var ErrNotDurable = errors.New("written, but not confirmed durable")

// WithTicketLock runs fn on the current content of the ticket file at path, under that ticket's
// exclusive lock. Every write of a ticket, by any tool, goes through it.
//
//   - content is nil exactly when the file does not exist; an empty file is not nil. So create uses
//     the same door.
//   - fn runs once on a board of this machine, and again on a shared one whenever another machine
//     was faster, so it has no effect but its result. Its error comes back unchanged and nothing is
//     written. A result that is nil or equal to content writes nothing, and the file keeps its
//     mtime.
//   - The new bytes must be a function of the bytes passed in. A closure that ignores them loses
//     updates with the lock held.
//   - A nil return after a change means durable: the file was synced, renamed into place, and its
//     folder synced. ErrNotDurable means that the change is visible, but the last of these failed,
//     or a lock could not be released; ErrNotJournaled, that it left no row in the ticket's
//     journal. After any other error the old content stands.
//   - The lock is held from before the read until after the write, and released on return, error,
//     panic and cancelled ctx. Cancelling ends the wait; once fn has returned new bytes, the write
//     is finished.
//   - Waiting ends after LockTimeout, or at ctx's own deadline, with a Refusal (Busy) that names
//     the lock and its holder. The same code says that a program which takes no locks, an editor or
//     git, wrote the ticket meanwhile.
//
// Not reentrant: fn must not call the Store.
func (s *Store) WithTicketLock(ctx context.Context, path string,
	fn func(content []byte) (newContent []byte, err error)) error {
	if _, err := durable.Lstat(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refused("", err)
	}
	c := Change{Decide: func(contents [][]byte, _ Viewer) ([]Write, error) {
		content, err := fn(contents[0])
		return []Write{{Content: content}}, err
	}}
	s.mu.Lock()
	engine := s.engine
	s.mu.Unlock()
	dir, name := filepath.Split(path)
	if id := document.IDOf(name); id != "" && engine != nil && engine.Dir() == filepath.Clean(dir) {
		c.IDs = []string{id}
		return engine.Change(ctx, c)
	}
	return s.change(ctx, []string{path}, c)
}

// change makes one change of the tickets at paths, which must be in ascending order: the only way
// to any ticket file of this machine.
//
// Locks are taken in one order: each ticket's (and tk's) by path, relations last. So there can be
// no deadlock, and contention on one ticket does not stop the others.
//
// Without relations only the ticket locks are taken: the rule reads nothing but its ticket. With
// them, the tickets are decided on twice. The speculative run, on a possibly stale
// snapshot, tells the bytes, which are written and synced while other sessions go on; the
// authoritative run under the relations lock decides alone. So that lock is held for a look and a
// rename, not for two syncs of the disk. Why nothing is lost by releasing it before the folder is
// synced: whoever then decides by our rename syncs the same folder before it answers, and a
// folder's renames reach the disk in their order.
//
// The row in each ticket's journal, which says who made the change and why, is appended once it is
// visible: under the ticket's lock, so that rows stand in the order of the changes, and beside the
// relations lock, for which others wait.
//
// Of several tickets every prefix of the writes must be a legal board: a death between two renames
// leaves such a prefix.
func (s *Store) change(ctx context.Context, paths []string, c Change) (err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	dir := filepath.Dir(paths[0])
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
	p := passage{parts: make([]part, len(paths))}
	defer p.discard()
	for i, path := range paths {
		if err := held.takeTicket(ctx, s, path, &p.parts[i]); err != nil {
			return err
		}
		if i == 0 {
			if err := s.trust(dir, held[0].Lock); err != nil {
				return err
			}
		}
	}
	durable.Step("locked")
	if err := p.read(); err != nil {
		return err
	}
	if c.Relations {
		// Its refusal does not count: the tickets may have changed since the snapshot.
		if p.decide(c.Decide, c.Speculate) == nil {
			if err := p.prepare(); err != nil {
				return err
			}
		}
		if err := held.take(ctx, s, filepath.Join(dir, relationsLock)); err != nil {
			return err
		}
	}
	if err := p.decide(c.Decide, c.View); err != nil {
		return err
	}
	if err := p.prepare(); err != nil || len(p.writes) == 0 {
		return err
	}
	durable.Step("judged")
	if err := held.check(); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	if visible, err = p.rename(); err != nil {
		return err
	}
	// Whatever fails from here on must not look like a change that failed.
	if c.Relations {
		if err = held.releaseLast(); err != nil {
			err = fmt.Errorf("release lock: %w", err)
		}
	}
	recordErr := p.record(s, c.Cause)
	durable.Step("journaled")
	if err = errors.Join(err, p.sync()); err != nil {
		err = fmt.Errorf("%w: %w", ErrNotDurable, err)
	}
	return errors.Join(err, recordErr)
}

// bounded gives a call that has no deadline the store's: one deadline for all of a call.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.LockTimeout)
}

// part is one ticket of a change.
type part struct {
	path string
	tk   string        // tk's lock file, "" when tk has not made its folder
	own  *flocker.Lock // on the ticket itself, nil when there is no file
	durable.Replacement
}

// passage is a change on its way through the door.
type passage struct {
	parts  []part
	writes []Write // of the last decision, without those that change nothing
}

// read reads the tickets through the descriptors by which they are locked.
func (p *passage) read() error {
	for i := range p.parts {
		part := &p.parts[i]
		var old durable.File
		if part.own != nil {
			var err error
			seen := part.own.Seen()
			old, err = durable.ReadOpen(part.own.File(), seen.Info, seen.At, document.MaxFile)
			if err != nil {
				return refused("", err)
			}
		}
		part.Replacement = durable.Replacement{Path: part.path, Old: old}
	}
	return nil
}

func (p *passage) decide(fn Decide, view Viewer) error {
	contents := make([][]byte, len(p.parts))
	for i := range p.parts {
		contents[i] = bytes.Clone(p.parts[i].Old.Content)
	}
	var err error
	p.writes, err = fn(contents, view)
	return err
}

// prepare writes and syncs the temp files of the decision, as far as they are not there yet.
func (p *passage) prepare() error {
	var changes []Write
	for _, w := range p.writes {
		r := &p.parts[w.N].Replacement
		if err := r.Write(w.Content); err != nil {
			return refused("", err)
		}
		if r.Ready {
			changes = append(changes, w)
		}
	}
	p.writes = changes
	return nil
}

// check makes sure, before the first rename, that no other program wrote a ticket or began to lock
// one.
func (p *passage) check() error {
	for i := range p.parts {
		if tkLock(p.parts[i].path) != p.parts[i].tk {
			return Refuse(Busy, "retry", "the tk program began to lock %s meanwhile",
				filepath.Base(p.parts[i].path))
		}
	}
	if len(p.writes) == 1 {
		return nil // its rename checks it
	}
	for _, w := range p.writes {
		if err := p.parts[w.N].Unchanged(); err != nil {
			return refused("", err)
		}
	}
	return nil
}

// rename makes the writes visible, in their order. visible reports whether all are.
func (p *passage) rename() (visible bool, err error) {
	for i, w := range p.writes {
		if err := p.parts[w.N].Rename(); err != nil {
			if i > 0 {
				return false, fmt.Errorf("write ticket %d of %d, the ones before it are written: %w", i+1, len(p.writes), err)
			}
			return false, refused("", err)
		}
	}
	return true, nil
}

// record appends the rows of the changes.
func (p *passage) record(s *Store, cause journal.Cause) error {
	var errs []error
	for _, w := range p.writes {
		old := &p.parts[w.N].Old
		errs = append(errs, s.record(p.parts[w.N].path, cause, old.Content, w))
	}
	return errors.Join(errs...)
}

// sync makes the renames durable: they are all in one folder.
func (p *passage) sync() error { return p.parts[p.writes[0].N].Sync() }

func (p *passage) discard() {
	for i := range p.parts {
		p.parts[i].Discard()
	}
}

const (
	lockExt       = ".lock"
	relationsLock = ".relations" + lockExt
)

// heldLock is a lock and, for tk's, the file to remove when it is released.
type heldLock struct {
	*flocker.Lock
	remove string
	own    bool // on the ticket's own inode, which the rename replaces
}

// locks are held locks, in the order they were taken.
type locks []heldLock

func (l *locks) take(ctx context.Context, s *Store, path string) error {
	lock, err := s.locks.Acquire(ctx, path)
	var late *flocker.LateError
	if errors.As(err, &late) {
		return Refuse(Busy, "retry", "the call's %s were used up before the lock %s was asked for",
			s.LockTimeout, filepath.Base(path))
	}
	if err != nil {
		return refused("", err)
	}
	*l = append(*l, heldLock{Lock: lock})
	return nil
}

// takeTicket takes all that excludes others from one ticket.
func (l *locks) takeTicket(ctx context.Context, s *Store, path string, p *part) error {
	p.path, p.tk = path, tkLock(path)
	if err := l.take(ctx, s, path+lockExt); err != nil {
		return err
	}
	if p.tk != "" {
		if err := l.takeTk(ctx, s, p.tk); err != nil {
			return err
		}
	}
	// The ticket file itself is locked as well, for the case that somebody removes lock files while
	// they are held: whoever then holds a new one waits here. For want of a file there is nothing
	// to lock; and it cannot replace the lock file, since after a rename the ones who waited hold a
	// file that is no longer there.
	own, err := s.locks.AcquireExisting(ctx, path)
	if err == nil {
		p.own = own
		*l = append(*l, heldLock{Lock: own, own: true})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return refused("", err)
	}
	return nil
}

// check makes sure, right before the rename, that no lock was taken from under us by removing its
// file.
func (l locks) check() error {
	for _, lock := range l {
		if lock.own {
			continue // the last look at the ticket compares more
		}
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
		// One that stays is as good to tk as one that it has just made; the change is done either
		// way.
		_ = os.Remove(last.remove)
	}
	return last.Unlock()
}

// tkLocks is where newer versions of the tk program keep their lock files.
const tkLocks = ".locks"

// tkLock is the path of the lock by which tk guards the ticket at path, "" when tk has not made its
// folder.
func tkLock(path string) string {
	dir := filepath.Join(filepath.Dir(path), tkLocks)
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return filepath.Join(dir, filepath.Base(path)+lockExt)
}

// takeTk takes tk's lock by tk's protocol: lock, compare inodes, and on release remove the file
// while holding it. Waiters then find another inode, or none, and start over.
func (l *locks) takeTk(ctx context.Context, s *Store, path string) error {
	err := l.take(ctx, s, path)
	if err == nil {
		(*l)[len(*l)-1].remove = path
	}
	return err
}
