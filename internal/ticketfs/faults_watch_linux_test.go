package ticketfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/index"
)

// watched is a board that is large enough to be watched, after as many questions as it takes, and a
// way to ask and compare.
func watched(t *testing.T) (s *Store, dir string, known map[string]int, ask func(why string)) {
	t.Helper()
	s, known = viewBoard(t, aboveWatch)
	dir, err := s.dirOf()
	must(t, err)
	ask = func(why string) {
		t.Helper()
		v, err := s.snapshot()
		must(t, err)
		ids := make([]string, 0, len(known))
		for id := range known {
			ids = append(ids, id)
		}
		if err := compareView(v, known, ids...); err != nil {
			t.Errorf("%s: %v", why, err)
		}
		if err := compareIDs(v, known); err != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
	for range 2 { // the first finds how large the board is
		ask("at first")
	}
	return s, dir, known, ask
}

// isWatched skips where there is no watch to be had.
func isWatched(t *testing.T, s *Store) *index.Watch {
	t.Helper()
	if s.index.Watch == nil {
		t.Skip("the folder is not watched: no inotify instance is left, or the filesystem has none")
	}
	return s.index.Watch
}

// When more happens between two questions than the kernel's queue holds, the index looks through
// the folder again.
func TestFaultWatchOverflow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	if limit > 100_000 {
		t.Skipf("it takes %d events to overflow the queue", limit)
	}
	s, dir, known, ask := watched(t)
	before := isWatched(t, s)
	must(t, os.Remove(filepath.Join(dir, "v3.md")))
	delete(known, "v3")
	for n := range limit + 100 { // the kernel merges equal events that follow each other
		must(t, os.Chmod(filepath.Join(dir, fmt.Sprintf("v%d.md", n%2)), 0o644))
	}
	// Of these the queue has no room to tell.
	known["v1"], known["v2"], known["new"] = 4, 3, 2
	for _, id := range []string{"v1", "v2", "new"} {
		must(t, os.WriteFile(filepath.Join(dir, id+document.Ext), viewText(id, known[id]), 0o666))
	}
	ask("after an overflow")
	if after := isWatched(t, s); after == before {
		t.Error("the queue did not overflow: nothing was shown")
	}
	known["v1"] = 1
	must(t, os.WriteFile(filepath.Join(dir, "v1.md"), viewText("v1", 1), 0o666))
	ask("by the new watch")
}

// The watched folder is moved, replaced, and moved back, with and without questions meanwhile.
func TestFaultWatchedFolderMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	s, dir, known, ask := watched(t)
	isWatched(t, s)
	away := dir + ".away"
	write := func(dir string, priority int) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(dir, "v1.md"), viewText("v1", priority), 0o666))
	}

	must(t, os.Rename(dir, away))
	write(away, 2)
	must(t, os.Rename(away, dir))
	write(dir, 3)
	known["v1"] = 3
	ask("moved away and back unseen")

	must(t, os.Rename(dir, away), os.Mkdir(dir, 0o777))
	all := known
	known = nil
	v, err := s.snapshot()
	must(t, err)
	if ids := v.IDs(); len(ids) > 0 {
		t.Errorf("in an empty folder: %d tickets", len(ids))
	}
	write(away, 4)
	must(t, os.Remove(dir), os.Rename(away, dir))
	all["v1"] = 4
	ask("moved back")
	write(dir, 1)
	all["v1"] = 1
	ask("and changed")
}

// A ticket that has another name in another folder is written through that name, of which the watch
// of the folder does not tell. (A name that is made after the index has seen the ticket stays a
// hole: the kernel reports it to nobody who watches the folder.)
func TestFaultWatchedHardLink(t *testing.T) {
	s, known := viewBoard(t, aboveWatch)
	dir, err := s.dirOf()
	must(t, err)
	name := filepath.Join(filepath.Dir(dir), "another")
	must(t, os.Link(filepath.Join(dir, "v2.md"), name))
	for range 2 {
		_, err := s.snapshot()
		must(t, err)
	}
	isWatched(t, s)
	known["v2"] = 3
	must(t, os.WriteFile(name, viewText("v2", 3), 0o666))
	v, err := s.snapshot()
	must(t, err)
	if err := compareView(v, known, "v2"); err != nil {
		t.Error(err)
	}
}

// A user may have only so many watches. Without one the index looks through the folder and is as
// fresh.
func TestFaultNoWatchLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	attr := ownMounts()
	if os.Geteuid() == 0 {
		attr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{Size: 1}},
		}
	}
	if !inOwnProcess(t, attr) {
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("0"), 0); err != nil {
		t.Skip("the limit may not be set here:", err)
	}
	s, dir, known, ask := watched(t)
	if s.index.Watch != nil {
		t.Fatal("the folder is watched all the same")
	}
	for n := range 20 {
		known["v1"] = 1 + n%4
		must(t, os.WriteFile(filepath.Join(dir, "v1.md"), viewText("v1", known["v1"]), 0o666))
		ask("without a watch")
	}
}
