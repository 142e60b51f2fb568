package durable

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A FIFO in the place of a folder is refused at once: nobody waits for its other end.
func TestFolderThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 2)
	go func() { _, err := OpenDir(path); refused <- err; refused <- SyncPath(path) }()
	for range 2 {
		select {
		case err := <-refused:
			if !errors.Is(err, syscall.ENOTDIR) {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it waits")
		}
	}
}
