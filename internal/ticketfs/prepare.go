package ticketfs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// prepare makes sure, before the first lock file is made, that git does not see what is of this
// machine only. It looks again whenever the board's .gitignore is another one than before.
func (s *Store) prepare(dir string) error {
	path := filepath.Join(dir, ".gitignore")
	info, err := os.Lstat(path)
	s.mu.Lock()
	known := err == nil && s.ignored != nil && durable.SameVersion(s.ignored, info)
	s.mu.Unlock()
	if known {
		return nil
	}
	if err := board.Hide(dir); err != nil {
		return err
	}
	if info, err = os.Lstat(path); err != nil {
		return nil // removed meanwhile; the next change makes it again
	}
	s.mu.Lock()
	s.ignored = info
	s.mu.Unlock()
	return nil
}

// trust refuses a filesystem whose locks do not exclude anybody, at the first change in a folder.
func (s *Store) trust(dir string, lock *flocker.Lock) error {
	s.mu.Lock()
	trusted := s.trusted == dir
	s.mu.Unlock()
	if trusted {
		return nil
	}
	real, err := lock.Enforced()
	if err != nil {
		return fmt.Errorf("probe the locks of %s: %w", dir, err)
	}
	if !real {
		return Refuse(UnsafeFS, "keep the tickets on a local filesystem",
			"locks have no effect in %s: a second open of a locked file was not refused", dir)
	}
	s.mu.Lock()
	s.trusted = dir
	s.mu.Unlock()
	return nil
}

// ProbeLocks reports by a Refusal (UnsafeFS) that locks have no effect in the folder. It takes the
// relations lock for a moment.
func (f *Folder) ProbeLocks(ctx context.Context) error {
	return f.engine.Judge(ctx, func() error { return nil })
}

// UnprovenFS names the filesystem of dir when it is remote, FUSE-like or an overlay, so that a lock
// taken through it and one taken beside it may not see each other; "" for the others.
func UnprovenFS(dir string) (string, error) { return durable.UnprovenFS(dir) }

// MemoryFS names the filesystem of dir when it keeps files in memory alone; "" for the others.
func MemoryFS(dir string) (string, error) { return durable.MemoryFS(dir) }
