package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Folder is the folder, in the ticket folder, of all files of this package.
const Folder = ".sessions"

// slots are the Marks of a board of this machine: locked files in its folder.
type slots struct {
	process *Process               // for its clocks
	dir     string                 // the ticket folder
	held    map[string]*slot       // by key
	graces  map[string]observation // holders seen dead, for want of a common clock
}

// slot is a locked file that this process holds for a conversation, until it ends.
type slot struct {
	key     string
	lock    *flocker.Lock
	path    string
	signed  mark      // what the file says of this process; zero before
	touched time.Time // when the file last told that a call came
}

// slotPath is the path of a conversation's n-th slot.
func slotPath(dir, key string, n int) string {
	name := key + ".lock"
	if n > 0 {
		name = fmt.Sprintf("%s.%d.lock", key, n)
	}
	return filepath.Join(dir, Folder, name)
}

// maxSlots is how many processes of one conversation are looked for.
const maxSlots = 1000

// take locks the first free slot of a conversation that can be signed. Alone, a slot that somebody
// holds, or may hold, is ErrTwin.
func (all *slots) take(key string, alone bool) (*slot, error) {
	for n := range maxSlots {
		path := slotPath(all.dir, key, n)
		lock, err := tryLock(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("lock session file: %w", err)
		case lock == nil && alone:
			return nil, ErrTwin
		case lock == nil:
			continue
		case alone && (all.heldBeyond(key, n) || another(path)):
			return nil, errors.Join(ErrTwin, lock.Unlock())
		case another(path): // which signs it at its next call, and is not to be forgotten until then
			if err := lock.Unlock(); err != nil {
				return nil, err
			}
			continue
		}
		return &slot{key: key, lock: lock, path: path}, nil
	}
	return nil, fmt.Errorf("all %d session files of %s are held", maxSlots, key)
}

// tryLock locks a slot's file, which is made where there is none. nil: somebody holds it, or it is
// not to be used, because it is no plain file or not ours to write.
func tryLock(path string) (*flocker.Lock, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := durable.MakeFile(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|durable.NoFollow, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lock, err := flocker.Try(path)
	return lock, errors.Join(err, f.Close())
}

// another reports whether the mark in a slot that we just locked is of another process that lives:
// then the file is a copy, and that process holds the one that was here before.
func another(path string) bool {
	m := formerMark(path)
	return m.PID != os.Getpid() && m.lives()
}

// heldBeyond reports whether a slot after the n-th is held.
func (all *slots) heldBeyond(key string, n int) bool {
	for {
		n++
		held, err := flocker.Held(slotPath(all.dir, key, n))
		if err != nil || held {
			return held
		}
	}
}

// keep makes sure, at a call, that others see the slot: that its file is the one that is locked,
// says who holds it, and tells by its mtime that a call came. A file that was removed or replaced
// is signed again.
func (all *slots) keep(s *slot, call Call) error {
	if s.lock.Check() != nil {
		if err := all.replace(s); err != nil {
			return err
		}
	}
	if s.signed.Client != call.Client || s.signed.Agent != call.Agent || s.signed.PID == 0 {
		if err := all.sign(s, call); err != nil {
			return err
		}
	}
	const seldom = 10 * time.Second
	if now := all.process.Now(); now.Sub(s.touched) >= seldom {
		s.touched = now
		_ = setTimes(s.path, now) // for people; no rule depends on it
	}
	return nil
}

// replace locks the file that stands in the place of the slot's now. The conversation stays who it
// is: tickets name it.
func (all *slots) replace(s *slot) error {
	if err := makeFolder(all.dir); err != nil {
		return err
	}
	next, err := all.take(s.key, false)
	if err != nil {
		return err
	}
	if err := s.lock.Unlock(); err != nil {
		return errors.Join(err, next.lock.Unlock())
	}
	*s = *next
	return nil
}

// Serve keeps the slot of a conversation that this process holds, takes one where the conversation
// has a slot file, and makes one where it is to claim.
func (all *slots) Serve(key string, call Call, claim, alone bool) error {
	s := all.held[key]
	if s != nil {
		return all.keep(s, call)
	}
	if !claim {
		if key == all.process.minted {
			return nil // nobody else has a file of a name that was drawn here
		}
		if _, err := os.Lstat(slotPath(all.dir, key, 0)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if err := makeFolder(all.dir); err != nil {
		return err
	}
	s, err := all.take(key, alone)
	if err != nil {
		return err
	}
	all.held[key] = s
	return all.keep(s, call)
}

// Drop frees the slot of a conversation.
func (all *slots) Drop(key string) error {
	s := all.held[key]
	if s == nil {
		return nil
	}
	delete(all.held, key)
	return s.lock.Unlock()
}

// Leave frees all slots, as the end of the process does.
func (all *slots) Leave() error {
	var errs []error
	for key := range all.held {
		errs = append(errs, all.Drop(key))
	}
	return errors.Join(errs...)
}

// makeFolder makes the folder of the slots. A link in its place could lead outside the ticket
// folder.
func makeFolder(dir string) error {
	path := filepath.Join(dir, Folder)
	err := durable.CheckFolder(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := durable.MakeFolder(path); err != nil {
		return err
	}
	return durable.SyncPath(dir)
}
