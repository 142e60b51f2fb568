//go:build unix

package ticketfs

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A holder that is stopped keeps its locks: the others are told who it is, in time, and the tickets
// that it does not hold stay usable. When it goes on, so do they.
func TestFaultStoppedHolder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, test := range []struct {
		change string
		wait   map[string]func(s *Store) error // what waits, by the lock that it waits for
		goOn   map[string]func(s *Store) error
	}{
		{"edit",
			map[string]func(s *Store) error{"t.md.lock": func(s *Store) error { return noteOn(s, "t", "late") }},
			map[string]func(s *Store) error{
				"a note elsewhere":   func(s *Store) error { return noteOn(s, "other", "in time") },
				"a change elsewhere": func(s *Store) error { return blockOn(s, "other", "t") },
				"a new ticket":       func(s *Store) error { return createAs(s, "n") },
			}},
		{"change",
			map[string]func(s *Store) error{
				"t.md.lock":   func(s *Store) error { return noteOn(s, "t", "late") },
				relationsLock: func(s *Store) error { return createAs(s, "n") },
			},
			map[string]func(s *Store) error{"a note elsewhere": func(s *Store) error { return noteOn(s, "other", "in time") }}},
	} {
		t.Run(test.change, func(t *testing.T) {
			s, path := faultBoard(t, t.TempDir(), true)
			h := startHolder(t, path, test.change)
			must(t, h.cmd.Process.Signal(syscall.SIGSTOP))
			s.LockTimeout = 100 * time.Millisecond
			before := readable(path)
			for lock, change := range test.wait {
				began := time.Now()
				err := change(s)
				if took := time.Since(began); CodeOf(err) != Busy || took > 5*time.Second ||
					!strings.Contains(err.Error(), lock+" is held by ") {
					t.Errorf("behind %s, after %s: %v", lock, took, err)
				}
				if who := fmt.Sprintf("pid %d (%s)", h.cmd.Process.Pid,
					filepath.Base(os.Args[0])); runtime.GOOS == "linux" && err != nil &&
					!strings.Contains(err.Error(), who) {
					t.Errorf("behind %s: %v; it does not name %s", lock, err, who)
				}
			}
			if _, err := s.get("t"); err != nil {
				t.Errorf("reading: %v", err)
			}
			s.LockTimeout = 20 * time.Second
			for what, change := range test.goOn {
				if err := change(s); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if readable(path) != before {
				t.Error("the ticket was written while its lock was held")
			}
			waiting := make(chan error, 1)
			go func() { waiting <- noteOn(s, "t", "later") }()
			must(t, h.cmd.Process.Signal(syscall.SIGCONT))
			if said := h.finish(t); said != "answered" {
				t.Errorf("the holder, in the end: %q", said)
			}
			must(t, <-waiting)
			if text := readable(path); !strings.Contains(text, "of the holder\n") ||
				!strings.Contains(text, "later\n") {
				t.Errorf("the ticket holds %s", text)
			}
			for _, change := range test.wait {
				must(t, change(s))
			}
			must(t, nextWriter(path))
		})
	}
}
