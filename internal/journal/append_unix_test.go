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
	for _, mode := range []os.FileMode{0o755, 0o775, 0o700, 0o777, 0o775 | os.ModeSetgid} {
		b := newBoard(t)
		b.must(os.Chmod(b.dir, mode))
		b.must(b.journal.Append(rowOf(nil, []byte(ticket))))
		for path, want := range map[string]os.FileMode{b.journal.dir: mode,
			b.journal.path("t"): mode & 0o666} {
			info, err := os.Stat(path)
			b.must(err)
			if got := info.Mode() & (os.ModePerm | os.ModeSetgid); got != want {
				t.Errorf("%s in a folder %o has %o, want %o", path, mode, got, want)
			}
		}
	}
}

// What root makes in a user's folder is that user's.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	b := newBoard(t)
	if err := os.Chown(b.dir, 1000, 1003); err != nil {
		t.Skip("root may not give files away here:", err)
	}
	b.must(b.journal.Append(rowOf(nil, []byte(ticket))))
	for _, path := range []string{b.journal.dir, b.journal.path("t")} {
		info, err := os.Stat(path)
		b.must(err)
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 1000 || st.Gid != 1003 {
			t.Errorf("%s is of %d:%d", path, st.Uid, st.Gid)
		}
	}
}
