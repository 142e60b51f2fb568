//go:build unix

package journal

import (
	"os"
	"syscall"
	"testing"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o644) }

// readFifo makes a FIFO that can be opened to write, since somebody reads it.
func readFifo(t testing.TB, path string) error {
	if err := mkfifo(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	t.Cleanup(func() { f.Close() })
	return err
}

// The journal has the rights of the ticket folder, whatever the umask of whoever makes it.
func TestRights(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	for _, mode := range []os.FileMode{0o755, 0o775, 0o700, 0o777} {
		b := newBoard(t)
		b.must(os.Chmod(b.dir, mode))
		b.must(b.journal.Append(rowOf(nil, []byte(ticket))))
		for path, want := range map[string]os.FileMode{b.journal.dir: mode, b.journal.path("t"): mode & 0o666} {
			info, err := os.Stat(path)
			b.must(err)
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s in a folder %o has %o, want %o", path, mode, got, want)
			}
		}
	}
}
