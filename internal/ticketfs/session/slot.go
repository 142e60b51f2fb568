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
// holds, or may hold, is errTwin.
func (p *Process) take(key string, alone bool) (*slot, error) {
	for n := range maxSlots {
		path := slotPath(p.dir, key, n)
		lock, err := tryLock(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("lock session file: %w", err)
		case lock == nil && alone:
			return nil, errTwin
		case lock == nil:
			continue
		case alone && (p.heldBeyond(key, n) || another(path)):
			return nil, errors.Join(errTwin, lock.Unlock())
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
func (p *Process) heldBeyond(key string, n int) bool {
	for {
		n++
		held, err := flocker.Held(slotPath(p.dir, key, n))
		if err != nil || held {
			return held
		}
	}
}

// keep makes sure, at a call, that others see the slot: that its file is the one that is locked,
// says who holds it, and tells by its mtime that a call came. A file that was removed or replaced
// is signed again.
func (p *Process) keep(s *slot, call Call) error {
	if s.lock.Check() != nil {
		if err := p.replace(s); err != nil {
			return err
		}
	}
	if s.signed.Client != call.Client || s.signed.Agent != call.Agent || s.signed.PID == 0 {
		if err := p.sign(s, call); err != nil {
			return err
		}
	}
	const seldom = 10 * time.Second
	if now := p.Now(); now.Sub(s.touched) >= seldom {
		s.touched = now
		_ = setTimes(s.path, now) // for people; no rule depends on it
	}
	return nil
}

// replace locks the file that stands in the place of the slot's now. The conversation stays who it
// is: tickets name it.
func (p *Process) replace(s *slot) error {
	if err := makeFolder(p.dir); err != nil {
		return err
	}
	next, err := p.take(s.key, false)
	if err != nil {
		return err
	}
	if err := s.lock.Unlock(); err != nil {
		return errors.Join(err, next.lock.Unlock())
	}
	*s = *next
	return nil
}
