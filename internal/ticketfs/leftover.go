package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// oldEnough is the age from which a temp file is taken for left over: no program takes an hour to rename one.
const oldEnough = time.Hour

var (
	foreignTemp = regexp.MustCompile(`^(.+)\.md[0-9]+$`) // natefinch/atomic's, which tk uses
	ownTemp     = regexp.MustCompile(`^\.(.+)\.md\.tmp$`)
)

// Leftovers are the names of temp files in the folder that killed programs left more than an hour ago.
func (s *Store) Leftovers(now time.Time) ([]string, error) {
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !isTemp(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() && now.Sub(info.ModTime()) > oldEnough {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func isTemp(name string) bool {
	for _, form := range []*regexp.Regexp{foreignTemp, ownTemp} {
		if m := form.FindStringSubmatch(name); m != nil && document.ValidID(m[1]) {
			return true
		}
	}
	return false
}

// RemoveLeftover removes a file that Leftovers named; one of ours under the lock of its ticket, if that exists.
func (s *Store) RemoveLeftover(ctx context.Context, name string) error {
	dir, err := s.Dir()
	if err != nil {
		return err
	}
	if !isTemp(name) || name != filepath.Base(name) {
		return Refuse(Invalid, "", "%q is not a temp file", name)
	}
	remove := func() error {
		if err := os.Remove(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if m := ownTemp.FindStringSubmatch(name); m != nil {
		if _, path, err := s.locate(m[1]); err == nil {
			return s.WithTicketLock(ctx, path, func([]byte) ([]byte, error) { return nil, remove() })
		}
	}
	return remove()
}

// StraySessions are the keys of session files that no ticket names and no process holds.
func (s *Store) StraySessions() ([]string, error) {
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, session.Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var stray []string
	view, err := s.View()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		key, found := strings.CutSuffix(e.Name(), lockExt)
		if !found || session.KeyOf("@"+key) == "" {
			continue
		}
		held, err := flocker.Held(session.Path(dir, key))
		if held || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		named, err := view.names(key)
		if err != nil {
			return nil, err
		}
		if !named {
			stray = append(stray, key)
		}
	}
	return stray, nil
}

// SweepSession removes a session's file, if still no ticket names it, while holding its lock: a session that has just claimed
// a ticket holds the lock, one that died with a claim is found by the second look, and one that is about to lock the file
// finds that it is gone and makes it anew. A session that came to life meanwhile is left alone.
func (s *Store) SweepSession(ctx context.Context, key string) (swept bool, err error) {
	dir, err := s.Dir()
	if err != nil {
		return false, err
	}
	path := session.Path(dir, key)
	// Nobody holds the lock of a dead session for longer than a look.
	ctx, cancel := context.WithTimeout(ctx, min(s.LockTimeout, time.Second))
	defer cancel()
	lock, err := s.locks.Acquire(ctx, path)
	var alive *flocker.BusyError
	if errors.As(err, &alive) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	view, err := s.View()
	if err == nil {
		var named bool
		if named, err = view.names(key); err == nil && !named {
			err = os.Remove(path)
			swept = err == nil
		}
	}
	return swept, errors.Join(err, lock.Unlock())
}

// names reports whether some ticket file holds a session's key.
func (v *View) names(key string) (bool, error) {
	ids, err := v.IDs()
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		t, err := v.Get(id)
		if err == nil && session.KeyOf(t.ClaimedBy) == key {
			return true, nil
		}
		if err != nil {
			f, _ := readTicketFile(filepath.Join(v.dir, id+document.Ext))
			if bytes.Contains(f.Content, []byte(key)) {
				return true, nil
			}
		}
	}
	return false, nil
}
