package ticketfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// checkFault lets changes meet a fault that lasts from begin to end: each must fail with this
// error, in the system's words, and leave the old ticket, no temp and no lock; once the fault is
// over, the same store must do the change.
func checkFault(t *testing.T, s *Store, path string, begin, end func(), want syscall.Errno) {
	t.Helper()
	for _, change := range faultChanges {
		path := filepath.Join(filepath.Dir(path), change.id+document.Ext)
		untouched := watchFile(t, path)
		begin()
		err := change.make(s)
		_, readErr := s.get("other")
		view, viewErr := s.snapshot()
		if viewErr == nil {
			_, viewErr = view.Get("t")
		}
		end()
		if !errors.Is(err, want) || CodeOf(err) != "" || errors.Is(err, ErrNotDurable) ||
			!strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%s: error %v, want one that says %q", change.name, err, want)
		}
		if err := errors.Join(readErr, viewErr); err != nil {
			t.Errorf("reading meanwhile: %v", err)
		}
		untouched()
		if err := locksAreFree(filepath.Dir(path)); err != nil {
			t.Errorf("%s: %v", change.name, err)
		}
		if litter, err := litterOf(filepath.Dir(path)); err != nil || len(litter) > 0 {
			t.Errorf("%s: left in the folder: %v (%v)", change.name, litter, err)
		}
		before := readable(path)
		if err := change.make(s); err != nil || readable(path) == before {
			t.Errorf("%s, after the fault: %v", change.name, err)
		}
	}
}

// fillUp uses up a filesystem: its space, but for some bytes, or the files it may hold.
func fillUp(t *testing.T, dir string, inodes bool, leave int64) (undo func()) {
	t.Helper()
	dir = filepath.Join(dir, "full")
	makeFolder(t, dir)
	full := false
	for n := 0; n < 1000 && !full; n++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(n)))
		if err == nil && !inodes {
			_, err = f.Write(make([]byte, 4096))
		}
		full = errors.Is(err, syscall.ENOSPC)
		if err != nil && !full {
			t.Fatal(err)
		}
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range leave / 4096 {
		if err := os.Remove(filepath.Join(dir, fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("this filesystem does not become full")
	}
	return func() {
		t.Helper()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk: nothing is changed, nothing is left that would make it fuller, reading goes on, and
// so does writing when there is space again.
func TestFaultDiskFull(t *testing.T) {
	if !inOwnProcess(t, ownMounts()) {
		return
	}
	for _, test := range []struct {
		name    string
		options string
		inodes  bool
		leave   int64
		used    bool
	}{
		{"no space", "size=96k", false, 0, true},
		{"space for half a ticket", "size=96k", false, 4096, true},
		{"no space, first change", "size=96k", false, 0, false},
		{"no more files", "nr_inodes=24,size=1m", true, 0, true},
		{"no more files, first change", "nr_inodes=24,size=1m", true, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := mountTmpfs(t, test.options)
			s, path := faultBoard(t, dir, test.used)
			var undo func()
			checkFault(t, s, path, func() { undo = fillUp(t, dir, test.inodes, test.leave) },
				func() { undo() }, syscall.ENOSPC)
		})
	}
}

// A filesystem that becomes read-only under a running server, as after an error of the disk.
func TestFaultReadOnly(t *testing.T) {
	if !inOwnProcess(t, ownMounts()) {
		return
	}
	for _, used := range []bool{false, true} {
		dir := mountTmpfs(t, "size=1m")
		s, path := faultBoard(t, dir, used)
		remount := func(flags uintptr) func() {
			return func() {
				t.Helper()
				if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT|flags,
					"size=1m"); err != nil {
					t.Fatal(err)
				}
			}
		}
		checkFault(t, s, path, remount(unix.MS_RDONLY), remount(0), syscall.EROFS)
	}
}

// limit sets a limit of this process.
func limit(t *testing.T, resource int, n uint64) (undo func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(resource, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := syscall.Setrlimit(resource, &old); err != nil {
			t.Fatal(err)
		}
	}
}

// Files that may not become as long as a ticket is.
func TestFaultFileTooLarge(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	s, path := faultBoard(t, t.TempDir(), true)
	var undo func()
	checkFault(t, s, path, func() { undo = limit(t, syscall.RLIMIT_FSIZE, 2000) },
		func() { undo() }, syscall.EFBIG)
}

// A folder that this user may no longer write.
func TestFaultNotPermitted(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	dir := os.Getenv("FAULT_DIR")
	s, path := faultBoard(t, dir, true)
	becomeNobody(t, dir)
	chmod := func(mode os.FileMode) func() {
		return func() {
			t.Helper()
			if err := os.Chmod(filepath.Dir(path), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkFault(t, s, path, chmod(0o555), chmod(0o755), syscall.EACCES)
}

// becomeNobody gives up the rights of root, for which no mode of a file counts, and gives what is
// below dir to the new user.
func becomeNobody(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, nobody, nobody))
	})
	// The folder above is the test's, and root's alone.
	err = errors.Join(err, os.Chmod(filepath.Dir(dir), 0o755), syscall.Setgid(nobody),
		syscall.Setuid(nobody))
	if _, statErr := os.Stat(dir); err != nil || statErr != nil {
		t.Skip("root cannot become nobody here:", err, statErr)
	}
}

// However few descriptors are left, a change is done whole, its folder synced, or refused: it must
// not find out after the rename that there is none for the sync.
func TestFaultTooManyFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	if !inOwnProcess(t, nil) {
		return
	}
	for _, change := range faultChanges {
		failed, done := 0, 0
		for few := range uint64(32) {
			s, path := faultBoard(t, t.TempDir(), true)
			path = filepath.Join(filepath.Dir(path), change.id+document.Ext)
			before := readable(path)
			// The descriptors in use are the lowest: as many as these may be opened.
			undo := limit(t, syscall.RLIMIT_NOFILE, few)
			err := change.make(s)
			undo()
			switch {
			case err == nil:
				done++
				if readable(path) == before {
					t.Errorf("%s with %d descriptors was done, and is not there", change.name, few)
				}
				continue
			case !errors.Is(err, syscall.EMFILE) || CodeOf(err) != "" ||
				errors.Is(err, ErrNotDurable):
				t.Errorf("%s with %d descriptors: %v", change.name, few, err)
			}
			failed++
			if readable(path) != before {
				t.Errorf("%s with %d descriptors: it says %v, and was done", change.name, few, err)
			}
			if litter, err := litterOf(filepath.Dir(path)); err != nil || len(litter) > 0 {
				t.Errorf("%s with %d descriptors left %v (%v)", change.name, few, litter, err)
			}
			if err := change.make(s); err != nil {
				t.Errorf("%s with enough descriptors again: %v", change.name, err)
			}
		}
		if failed == 0 || done == 0 {
			t.Errorf("%s failed %d times and was done %d times", change.name, failed, done)
		}
		t.Logf("%s: failed with %d limits, done with %d", change.name, failed, done)
	}
}

// Another call takes the last descriptor between the rename and the sync of the folder: the sync
// must need none. The journal does, and says that it had none.
func TestFaultNoFileLeftForSync(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	for _, change := range faultChanges {
		s, path := faultBoard(t, t.TempDir(), true)
		restore := func() {}
		undo := atStep(t, visibleFrom, func() { restore = limit(t, syscall.RLIMIT_NOFILE, 0) })
		err := change.make(s)
		restore()
		undo()
		if !errors.Is(err, ErrNotJournaled) || errors.Is(err, ErrNotDurable) {
			t.Errorf("%s: %v", change.name, err)
		}
		must(t, nextWriter(path))
	}
}
