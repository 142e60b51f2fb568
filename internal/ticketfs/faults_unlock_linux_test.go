package ticketfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// When a lock cannot be released after the rename, the change is made all the same: it must not
// look like one that failed.
func TestFaultUnlock(t *testing.T) {
	s, path := faultBoard(t, t.TempDir(), true)
	for _, lock := range []string{filepath.Join(filepath.Dir(path), relationsLock),
		path + lockExt} {
		before := textOf(t, path)
		durable.Step = func(now string) {
			if now == "renamed" {
				must(t, spoil(lock))
			}
		}
		d, err := s.changeWith(t.Context(), "t",
			func(*document.Document, View) ([]document.Edit, error) {
				return []document.Edit{document.AppendNote(filepath.Base(lock))}, nil
			})
		durable.Step = func(string) {}
		if !errors.Is(err, ErrNotDurable) || !errors.Is(err, unix.EBADF) || CodeOf(err) != "" {
			t.Errorf("%s: %v", lock, err)
		}
		if now := textOf(t, path); d == nil || now == before || now != string(d.Bytes()) {
			t.Errorf("%s: the ticket is not the one that was returned", lock)
		}
	}
}

// spoil makes the open descriptor of a file one that can be closed but not unlocked.
func spoil(path string) error {
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, d := range descriptors {
		var fd int
		if _, err := fmt.Sscan(d.Name(), &fd); err != nil {
			return err
		}
		if target, err := os.Readlink("/proc/self/fd/" + d.Name()); err != nil || target != path {
			continue
		}
		useless, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(unix.Dup3(useless, fd, unix.O_CLOEXEC), unix.Close(useless))
	}
	return fmt.Errorf("%s is not open", path)
}
