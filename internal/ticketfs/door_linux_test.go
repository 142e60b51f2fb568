package ticketfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// withoutRoot runs fn without the power to write where the mode of a folder forbids it, which root
// has. The thread loses it together with its file system user, and gets it back. path is what fn
// works on.
func withoutRoot(t *testing.T, path string, fn func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		// The temporary folder of a test is its user's alone.
		if err := os.Chmod(filepath.Join(filepath.Dir(path), "..", ".."), 0o755); err != nil {
			t.Fatal(err)
		}
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := unix.SetfsuidRetUid(0); err != nil {
				t.Fatal(err)
			}
		}()
		if now, err := unix.SetfsuidRetUid(-1); now != nobody || err != nil {
			t.Skipf("root cannot become nobody here: uid %d (%v)", now, err)
		}
	}
	fn()
}

// In a folder that may not be written nothing is changed; the error says so in the system's words,
// or, of a ticket that may not be written either, by a code.
func TestDoorUnwritableFolder(t *testing.T) {
	for _, test := range []struct {
		name  string
		ready bool        // the locks and .gitignore are there from earlier changes
		mode  fs.FileMode // of the ticket
		code  Code
		want  string
	}{
		{"first change", false, 0o666, "", "write .gitignore: open"},
		{"later change", true, 0o666, "", "write ticket: open"},
		{"ticket of another", true, 0o644, BadFile, "t.md may not be written by you"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, path := sampleBoard(t)
			if test.ready {
				if err := s.WithTicketLock(t.Context(), path,
					func([]byte) ([]byte, error) { return nil, nil }); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			untouched := watchFile(t, path)
			dir := filepath.Dir(path)
			if err := os.Chmod(dir, 0o555); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := os.Chmod(dir, 0o777); err != nil {
					t.Fatal(err)
				}
			}()
			var err error
			withoutRoot(t, path,
				func() { err = s.WithTicketLock(t.Context(), path, appendLine("one")) })
			if err == nil || errors.Is(err, fs.ErrPermission) != (test.code == "") ||
				CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
			untouched()
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			lockIsFree(t, path)
		})
	}
}

// A lock file that somebody else made may be unwritable for us. Locking it needs no more than
// reading.
func TestDoorUnwritableLock(t *testing.T) {
	s, path := sampleBoard(t)
	if err := s.WithTicketLock(t.Context(), path,
		func([]byte) ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	for file, mode := range map[string]fs.FileMode{path + lockExt: 0o444, path: 0o666,
		filepath.Dir(path): 0o777} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	withoutRoot(t, path, func() { err = s.WithTicketLock(t.Context(), path, appendLine("one")) })
	if err != nil {
		t.Error(err)
	}
	if got, want := textOf(t, path), sample+"one\n"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
}
