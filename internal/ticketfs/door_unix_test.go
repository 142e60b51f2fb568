//go:build unix

package ticketfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func makeFIFO(path string) error { return syscall.Mkfifo(path, 0o666) }

// A ticket keeps its mode, also what the umask would take away; a new one has its folder's, less
// execution.
func TestDoorModes(t *testing.T) {
	for _, test := range []struct {
		umask    int
		old, new fs.FileMode // 0: no file
	}{
		{0o022, 0, 0o644},
		{0o077, 0, 0o644},
		{0o002, 0, 0o644},
		{0o022, 0o600, 0o600},
		{0o022, 0o664, 0o664},
		{0o077, 0o666, 0o666},
		{0o022, 0o755, 0o755},
		{0o022, 0o444, 0o444},
	} {
		s, path := sampleBoard(t)
		path = filepath.Join(filepath.Dir(path), "mode.md")
		if test.old != 0 {
			writeFile(t, path, sample)
			if err := os.Chmod(path, test.old); err != nil {
				t.Fatal(err)
			}
		}
		// of the whole process: no test of this package runs beside another
		before := syscall.Umask(test.umask)
		err := s.WithTicketLock(t.Context(), path, appendLine("one"))
		syscall.Umask(before)
		if err != nil {
			t.Fatalf("%o: %v", test.old, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != test.new {
			t.Errorf("umask %03o, mode before %03o: mode is %03o, want %03o", test.umask, test.old,
				got, test.new)
		}
	}
}
