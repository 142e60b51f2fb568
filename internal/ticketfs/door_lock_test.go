package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

// A caller that cannot have the lock in time is told which lock it is and, where the system tells,
// who holds it.
func TestDoorLockTimeout(t *testing.T) {
	s, path := sampleBoard(t)
	holder, release := heldByAnother(t, path)
	untouched := watchFile(t, path)
	check := func(ctx context.Context) {
		t.Helper()
		began := time.Now()
		err := s.WithTicketLock(ctx, path,
			func([]byte) ([]byte, error) { t.Error("fn ran"); return nil, nil })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if CodeOf(err) != Busy || !strings.Contains(err.Error(), "t.md.lock is held by") {
			t.Fatalf("behind another process: %v", err)
		}
		if want := fmt.Sprintf("pid %d (%s)", holder.Process.Pid,
			filepath.Base(os.Args[0])); runtime.GOOS == "linux" &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not name %s", err, want)
		}
	}
	s.LockTimeout = 50 * time.Millisecond
	check(t.Context())
	s.LockTimeout = 10 * time.Second // the context's own deadline counts as well
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	check(ctx)
	untouched()

	release()
	if err := s.WithTicketLock(t.Context(), path, appendLine("after")); err != nil {
		t.Error("after the holder has left:", err)
	}
}

// The lock of a holder that dies is free at once, whatever it died of.
func TestDoorHolderDies(t *testing.T) {
	s, path := sampleBoard(t)
	holder, _ := heldByAnother(t, path)
	result := make(chan error, 1)
	go func() { result <- s.WithTicketLock(t.Context(), path, appendLine("after")) }()
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if got, want := textOf(t, path), sample+"after\n"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
}

// What stands in the place of a lock file is named, not followed, and nothing is written.
func TestDoorLockFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
	}{
		{"the lock is a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path+lockExt, 0o777); err != nil {
				t.Fatal(err)
			}
		}, "t.md.lock is not a regular file (d"},
		{"the lock is a link", func(t *testing.T, path string) {
			if err := os.Symlink("elsewhere", path+lockExt); err != nil {
				t.Skip("no links here:", err)
			}
		}, "t.md.lock is not a regular file (L"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("Windows has other words")
			}
			s, path := sampleBoard(t)
			test.spoil(t, path)
			untouched := watchFile(t, path)
			err := s.WithTicketLock(t.Context(), path,
				func([]byte) ([]byte, error) { t.Error("fn ran"); return nil, nil })
			if CodeOf(err) != BadFile || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not name the lock and say %q", err, test.want)
			}
			untouched()
			if _, err := os.Lstat(filepath.Join(filepath.Dir(path), "elsewhere")); !errors.Is(err,
				fs.ErrNotExist) {
				t.Error("the link was followed")
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		s, path := sampleBoard(t)
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
		err := s.WithTicketLock(t.Context(), path, appendLine("x"))
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

// An error in fn comes back as it is, nothing is written, and the locks are released.
func TestDoorErrorInside(t *testing.T) {
	for _, scope := range []scope{ticketOnly, withRelations} {
		s, path := sampleBoard(t)
		untouched := watchFile(t, path)
		mine := errors.New("not this one")
		err := s.withTicketLock(t.Context(), path, scope,
			func(content []byte) ([]byte, error) { return append(content, 'x'), mine })
		if err != mine {
			t.Errorf("error %v, want the very one that fn returned", err)
		}
		untouched()
		lockIsFree(t, path)
	}
}

// So are the locks when fn panics; under the relations lock it is run once more, and may panic only
// then.
func TestDoorPanicInside(t *testing.T) {
	for _, test := range []struct {
		scope scope
		run   int
	}{{ticketOnly, 1}, {withRelations, 1}, {withRelations, 2}} {
		s, path := sampleBoard(t)
		untouched := watchFile(t, path)
		func() {
			defer func() {
				if r := recover(); r != "boom" {
					t.Errorf("recovered %v", r)
				}
			}()
			runs := 0
			_ = s.withTicketLock(t.Context(), path, test.scope,
				func(content []byte) ([]byte, error) {
					if runs++; runs == test.run {
						panic("boom")
					}
					return append(content, 'x'), nil
				})
			t.Errorf("the panic was swallowed, or did not come in %d runs", runs)
		}()
		untouched()
		lockIsFree(t, path)
		if err := s.WithTicketLock(t.Context(), path, appendLine("after")); err != nil {
			t.Error("the same store:", err)
		}
	}
}

func TestDoorCancelled(t *testing.T) {
	s, path := sampleBoard(t)
	never := func([]byte) ([]byte, error) { t.Error("fn ran"); return nil, nil }

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.WithTicketLock(cancelled, path, never); !errors.Is(err, context.Canceled) {
		t.Error("cancelled before:", err)
	}
	lockIsFree(t, path)

	// While it waits, behind another caller of this process and behind another process; at various
	// moments, since nobody sees from outside whether a caller waits already.
	waiters := func(what string) {
		t.Helper()
		for n := range 20 {
			waiting, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(n)*50*time.Microsecond, cancel)
			if err := s.WithTicketLock(waiting, path, never); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled behind %s: %v", what, err)
			}
		}
	}
	entered, leave, result := make(chan bool), make(chan bool), make(chan error)
	go func() {
		result <- s.WithTicketLock(t.Context(), path, func([]byte) ([]byte, error) {
			entered <- true
			<-leave
			return nil, nil
		})
	}()
	<-entered
	waiters("a caller of this process")
	close(leave)
	if err := <-result; err != nil {
		t.Error(err)
	}
	_, release := heldByAnother(t, path)
	waiters("another process")
	release()
	lockIsFree(t, path)

	// Once fn has returned new bytes, the write is finished.
	during, cancel := context.WithCancel(t.Context())
	if err := s.WithTicketLock(during, path, func(content []byte) ([]byte, error) {
		cancel()
		return append(content, "finished\n"...), nil
	}); err != nil {
		t.Error("cancelled during the write:", err)
	}
	if got, want := textOf(t, path), sample+"finished\n"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
	lockIsFree(t, path)
}

// Rules between tickets are judged under one lock for the whole folder, which plain changes of a
// ticket do not need. It is the last to be taken, after the ticket's, and all that is written was
// judged under it.
func TestDoorRelations(t *testing.T) {
	s, path := sampleBoard(t)
	relations := filepath.Join(filepath.Dir(path), relationsLock)
	judged := false
	err := s.withTicketLock(t.Context(), path, withRelations, func(content []byte) ([]byte, error) {
		var err error
		if judged, err = flocker.Held(relations); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		return fmt.Appendf(bytes.Clone(content), "judged: %v\n", judged), nil
	})
	if want := sample + "judged: true\n"; err != nil || textOf(t, path) != want {
		t.Errorf("the file holds %q (%v), want %q", textOf(t, path), err, want)
	}

	var others flocker.Locks
	held, err := others.Acquire(t.Context(), relations)
	if err != nil {
		t.Fatal(err)
	}
	untouched := watchFile(t, path)
	s.LockTimeout = 50 * time.Millisecond
	err = s.withTicketLock(t.Context(), path, withRelations,
		func(content []byte) ([]byte, error) { return appendLine("one")(content) })
	if CodeOf(err) != Busy || !strings.Contains(err.Error(), relationsLock+" is held by") {
		t.Errorf("behind another rule: %v", err)
	}
	untouched()
	s.LockTimeout = 10 * time.Second // for two syncs, however busy the disk is
	if err := s.WithTicketLock(t.Context(), path, appendLine("plain")); err != nil {
		t.Errorf("a plain change beside a rule: %v", err)
	}
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
	lockIsFree(t, path)
}

// While the tk program's folder of locks is there, its lock is taken as well, by its protocol: the
// file goes with the lock.
func TestDoorTkLock(t *testing.T) {
	s, path := sampleBoard(t)
	locks := filepath.Join(filepath.Dir(path), tkLocks)
	if err := os.Mkdir(locks, 0o777); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(locks, "t.md.lock")
	err := s.WithTicketLock(t.Context(), path, func(content []byte) ([]byte, error) {
		if held, err := flocker.Held(lock); !held || err != nil {
			t.Errorf("tk's lock is held: %v (%v)", held, err)
		}
		return append(content, "one\n"...), nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(lock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("tk's lock file is left (%v)", err)
	}

	var tk flocker.Locks
	held, err := tk.Acquire(t.Context(), lock)
	if err != nil {
		t.Fatal(err)
	}
	untouched := watchFile(t, path)
	s.LockTimeout = 50 * time.Millisecond
	if err := s.WithTicketLock(t.Context(), path, appendLine("two")); CodeOf(err) != Busy {
		t.Errorf("behind tk: %v", err)
	}
	untouched()
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}

	// A folder that appears meanwhile means that a tk which locks has come.
	if err := os.RemoveAll(locks); err != nil {
		t.Fatal(err)
	}
	s.LockTimeout = 10 * time.Second
	err = s.WithTicketLock(t.Context(), path, func(content []byte) ([]byte, error) {
		return append(content, "three\n"...), os.Mkdir(locks, 0o777)
	})
	if CodeOf(err) != Busy {
		t.Errorf("a tk that came meanwhile: %v", err)
	}
	untouched()
}
