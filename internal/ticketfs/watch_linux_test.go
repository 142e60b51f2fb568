package ticketfs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// awaited waits until done says so: by the order that a Watch wants, or looking before it arms,
// which loses what happens between.
func awaited(ctx context.Context, w *ticketfs.Watch, lookFirst bool, done func() bool) error {
	for {
		if lookFirst && done() {
			return nil
		}
		if err := w.Arm(); err != nil && ticketfs.CodeOf(err) != ticketfs.NoStore {
			return err
		}
		if !lookFirst && done() {
			return nil
		}
		if err := w.Wait(ctx, time.Time{}); err != nil {
			return err
		}
	}
}

// scratchBoard is a store on a folder of its own, with one ticket and a folder of sessions.
func scratchBoard(t *testing.T) (s *ticketfs.Store, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), ".tickets")
	for _, path := range []string{dir, filepath.Join(dir, session.Folder)} {
		if err := os.Mkdir(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if dir, err := filepath.EvalSymlinks(dir); err == nil {
		return ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout), dir
	}
	return nil, ""
}

// raceWakeUps lets changes race with registrations, a new one each time, and returns how many of
// them were not told within patience.
func raceWakeUps(t *testing.T, times int, lookFirst bool, patience time.Duration) (lost int) {
	t.Helper()
	s, dir := scratchBoard(t)
	path := filepath.Join(dir, "t1.md")
	for range times {
		var changed atomic.Bool
		w := s.Watch()
		go func() {
			for range rand.IntN(200) {
				runtime.Gosched()
			}
			changed.Store(true) // what a look sees
			if err := os.WriteFile(path, []byte("---\nstatus: open\n---\n"), 0o666); err != nil {
				t.Error(err)
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := awaited(ctx, w, lookFirst, func() bool {
			saw := changed.Load()
			for range rand.IntN(100) {
				runtime.Gosched()
			}
			return saw
		})
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			lost++
		} else if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for !changed.Load() {
			runtime.Gosched()
		}
	}
	return lost
}

// TestNoWakeUpIsLost: whatever the moment of a change, it ends the wait, or the look before it sees
// it. The same race catches the order that loses it.
func TestNoWakeUpIsLost(t *testing.T) {
	times := 300
	switch {
	case testing.Short():
		times = 100
	case longtest.Wanted():
		times = 1000
	}
	if lost := raceWakeUps(t, times, false, 10*time.Second); lost > 0 {
		t.Errorf("%d of %d changes were not told", lost, times)
	}
	if testing.Short() {
		return
	}
	if lost := raceWakeUps(t, times, true, 100*time.Millisecond); lost == 0 {
		t.Errorf("a wait that looks before it registers lost none of %d: the race does not see it",
			times)
	}
}

// TestWatchTells: of everything that may make another board of it, at once, not by the look of
// every two seconds.
func TestWatchTells(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	s, dir := scratchBoard(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	ticket, slot := in("t1.md"), filepath.Join(dir, session.Folder, "0123456789ab.lock")
	write := func(path string) func() error {
		return func() error { return os.WriteFile(path, []byte("---\nstatus: open\n---\n"), 0o666) }
	}
	var held *os.File
	for _, step := range []struct {
		what  string
		do    func() error
		quiet bool
	}{
		{"a new ticket", write(ticket), false},
		{"a ticket written in its place", write(ticket), false},
		{"another ticket's lock", write(in("t1.md.lock")), true},
		{"a temporary file", write(in(".t1.md.tmp")), true},
		{"a ticket renamed over", func() error { return os.Rename(in(".t1.md.tmp"), ticket) },
			false},
		{"a ticket's rights", func() error { return os.Chmod(ticket, 0o600) }, false},
		{"a removed ticket", func() error { return os.Remove(ticket) }, false},
		{"a session begins",
			func() (err error) { held, err = os.OpenFile(slot, os.O_RDWR|os.O_CREATE, 0o666); return err }, false},
		{"a probe", func() error { f, err := os.Open(slot); return errors.Join(err, f.Close()) },
			true},
		{"an observation of a dead holder",
			write(filepath.Join(dir, session.Folder, "0123456789ab.seen")), true},
		{"a session ends", func() error { return held.Close() }, false},
		{"the folder of sessions goes", func() error { return os.RemoveAll(in(session.Folder)) },
			false},
		{"it comes back", func() error { return os.Mkdir(in(session.Folder), 0o777) }, false},
		{"a session in the new folder", write(slot), false},
		{"the board goes", func() error { return os.Rename(dir, dir+".away") }, false},
		{"it comes back", func() error { return os.Rename(dir+".away", dir) }, false},
		{"a ticket of the board that came back", write(ticket), false},
	} {
		w := s.Watch()
		err := w.Arm()
		if err != nil && ticketfs.CodeOf(err) != ticketfs.NoStore {
			t.Fatal(err)
		}
		err = step.do()
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		patience, began := time.Second, time.Now()
		if step.quiet {
			patience = 50 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err = w.Wait(ctx, time.Time{})
		cancel()
		if told := err == nil; told == step.quiet {
			t.Errorf("%s: told is %t after %s", step.what, told, time.Since(began))
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWatchFallsBack: without a queue of events a wait looks every two seconds, and ends with its
// context.
func TestWatchFallsBack(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	s := ticketfs.NewStore(board.Where{Start: filepath.Join(t.TempDir(), ".tickets")},
		ticketfs.DefaultLockTimeout)
	w := s.Watch()
	if err := w.Arm(); ticketfs.CodeOf(err) != ticketfs.NoStore {
		t.Fatal(err)
	}
	began := time.Now()
	if err := w.Wait(t.Context(), time.Time{}); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Wait(ctx, time.Time{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestWatchesLeakNothing: a thousand waits leave no descriptor and no goroutine behind.
func TestWatchesLeakNothing(t *testing.T) {
	s, _ := scratchBoard(t)
	count := func() (files, goroutines int) {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(open), runtime.NumGoroutine()
	}
	wait := func() {
		w := s.Watch()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := errors.Join(w.Arm(), w.Wait(ctx, time.Time{}), w.Close()); !errors.Is(err,
			context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	wait()
	files, goroutines := count()
	waits := 1000
	if testing.Short() {
		waits = 50 // the kernel takes its time to end a queue of events
	}
	for range waits {
		wait()
	}
	if f, g := count(); f > files || g > goroutines+1 {
		t.Errorf("%d files and %d goroutines, before %d and %d", f, g, files, goroutines)
	}
}
