package ticketfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// Faults that other tests of this kind have found, each in its smallest form.

// Descriptors run out while a watched index reads what has changed. What the watch had told is not
// to be forgotten.
func TestFaultWatchedFileNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if !inOwnProcess(t, nil) {
		return
	}
	s, dir, known, ask := watched(t)
	isWatched(t, s)
	known["v1"] = 4
	must(t, os.WriteFile(filepath.Join(dir, "v1.md"), viewText("v1", 4), 0o666))
	undo := limit(t, syscall.RLIMIT_NOFILE, 0)
	_, err := s.snapshot()
	undo()
	if !errors.Is(err, syscall.EMFILE) {
		t.Errorf("without descriptors: %v", err)
	}
	ask("when there are descriptors again")
}

// tk's lock file cannot be removed, as its folder is another user's. The ticket is written by then,
// so the answer must not be an error: who is told so, writes again.
func TestFaultTkLockStays(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	dir := os.Getenv("FAULT_DIR")
	s, path := faultBoard(t, dir, true)
	locks := filepath.Join(filepath.Dir(path), tkLocks)
	makeFolder(t, locks)
	writeFile(t, filepath.Join(locks, "t.md.lock"), "")
	becomeNobody(t, dir)
	must(t, os.Chmod(locks, 0o555))
	before := readable(path)
	err := noteOn(s, "t", "a note")
	must(t, os.Chmod(locks, 0o755))
	if changed := readable(path) != before; changed != (err == nil ||
		errors.Is(err, ErrNotDurable)) {
		t.Errorf("the answer is %v; the ticket was written: %v", err, changed)
	}
}

// One ticket may not be read by this user, or is on a bad block. It must not hide the others.
func TestFaultUnreadableTicket(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	dir := os.Getenv("FAULT_DIR")
	s, path := faultBoard(t, dir, true)
	must(t, os.Chmod(filepath.Join(filepath.Dir(path), "other.md"), 0))
	becomeNobody(t, dir)
	v, err := s.snapshot()
	if err != nil {
		t.Fatalf("no view of any ticket: %v", err)
	}
	if _, err := v.Get("t"); err != nil {
		t.Errorf("one that can be read: %v", err)
	}
	if _, err := v.Get("other"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("one that cannot: %v", err)
	}
}

// A lock file is to be made where nothing may be written: the system's word is that it is not
// permitted, not that there is none.
func TestFaultNewLockNotPermitted(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	dir := os.Getenv("FAULT_DIR")
	s, path := faultBoard(t, dir, false)
	writeFile(t, filepath.Join(filepath.Dir(path), ".gitignore"), board.Gitignore)
	becomeNobody(t, dir)
	must(t, os.Chmod(filepath.Dir(path), 0o555))
	err := noteOn(s, "t", "a note")
	must(t, os.Chmod(filepath.Dir(path), 0o755))
	if !errors.Is(err, syscall.EACCES) {
		t.Errorf("error %v, want permission denied", err)
	}
}

// The folder of the board is there, but may not be looked at. That is no reason to create another
// one.
func TestFaultFolderNotPermitted(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	dir := os.Getenv("FAULT_DIR")
	s, _ := faultBoard(t, dir, true)
	becomeNobody(t, dir)
	must(t, os.Chmod(dir, 0))
	_, err := s.get("t")
	must(t, os.Chmod(dir, 0o755))
	if !errors.Is(err, syscall.EACCES) {
		t.Errorf("error %v, want permission denied", err)
	}
}

// A ticket that was refused leaves nothing, not even a lock file for an id that nobody will ever
// have.
func TestFaultRefusedCreateLeavesNothing(t *testing.T) {
	s, path := faultBoard(t, t.TempDir(), true)
	before, err := listFolder(filepath.Dir(path))
	must(t, err)
	_, err = s.createWith(t.Context(), time.Now(),
		func(string, View) ([]byte, error) { return nil, refused("parent", fs.ErrNotExist) })
	if CodeOf(err) != NotFound {
		t.Error(err)
	}
	after, err := listFolder(filepath.Dir(path))
	must(t, err)
	for _, name := range after {
		if !slices.Contains(before, name) {
			t.Errorf("a refused create left %s", name)
		}
	}
}
