package flocker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be another process that holds a lock, until its standard input
// ends.
func TestMain(m *testing.M) {
	if path := os.Getenv("FLOCKER_TEST_HOLD"); path != "" {
		var l Locks
		lock, err := l.Acquire(context.Background(), path)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		if err := lock.Unlock(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// otherProcess is a process that holds the lock at path.
type otherProcess struct {
	cmd   *exec.Cmd
	letGo func()
}

func hold(t *testing.T, path string) otherProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FLOCKER_TEST_HOLD="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	return otherProcess{cmd, func() { in.Close() }}
}

func lockPath(t *testing.T) string { return filepath.Join(t.TempDir(), "t.md.lock") }

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func mustAcquire(t *testing.T, l *Locks, path string) *Lock {
	t.Helper()
	lock, err := l.Acquire(within(t, 10*time.Second), path)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

func unlock(t *testing.T, lock *Lock) {
	t.Helper()
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestExcludesOtherProcesses(t *testing.T) {
	path := lockPath(t)
	other := hold(t, path)
	var l Locks
	_, err := l.Acquire(within(t, 50*time.Millisecond), path)
	var busy *BusyError
	if !errors.As(err, &busy) {
		t.Fatalf("a lock that another process holds: %v", err)
	}
	if runtime.GOOS == "linux" {
		if busy.Holder.PID != other.cmd.Process.Pid ||
			busy.Holder.Program != filepath.Base(os.Args[0]) {
			t.Errorf("holder %v, want pid %d (%s)", busy.Holder, other.cmd.Process.Pid,
				filepath.Base(os.Args[0]))
		}
	}
	if !strings.HasPrefix(busy.Error(), "t.md.lock is held by ") {
		t.Errorf("the error does not name the lock: %v", busy)
	}
	got := make(chan error, 1)
	go func() {
		lock, err := l.Acquire(within(t, 10*time.Second), path)
		if err == nil && !lock.Waited() {
			err = errors.New("it did not wait")
		}
		if err == nil {
			err = lock.Unlock()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("acquired while held: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	other.letGo()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

func TestDeadHolderHoldsNothing(t *testing.T) {
	path := lockPath(t)
	other := hold(t, path)
	var l Locks
	got := make(chan error, 1)
	go func() {
		lock, err := l.Acquire(within(t, 10*time.Second), path)
		if err == nil {
			err = lock.Unlock()
		}
		got <- err
	}()
	if err := other.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

// TestFirstComeFirstServed lines up callers one by one, each seen in the queue before the next
// comes.
func TestFirstComeFirstServed(t *testing.T) {
	path := lockPath(t)
	var l Locks
	first := mustAcquire(t, &l, path)
	if first.Waited() {
		t.Error("the first one waited")
	}
	const callers = 20
	served := make(chan int, callers)
	for i := range callers {
		go func() {
			lock, err := l.Acquire(within(t, 10*time.Second), path)
			if err != nil {
				t.Error(err)
			}
			if !lock.Waited() {
				t.Errorf("caller %d did not wait", i)
			}
			served <- i
			unlock(t, lock)
		}()
		waitUntil(t, func() bool { return queued(&l, path) == i+2 })
		// The caller is counted before it queues; let it get there.
		waitUntil(t, func() bool { return blockedSenders() == i+1 })
	}
	unlock(t, first)
	for i := range callers {
		if got := <-served; got != i {
			t.Fatalf("caller %d was served in place %d", got, i)
		}
	}
}

func queued(l *Locks, path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.gates[path]; g != nil {
		return g.users
	}
	return 0
}

// blockedSenders counts the goroutines that wait for their turn.
func blockedSenders() int {
	buf := make([]byte, 1<<20)
	n := 0
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		head, rest, _ := strings.Cut(stack, "\n")
		if strings.Contains(head, "[select") && strings.Contains(rest, ".(*gate).acquire(") {
			n++
		}
	}
	return n
}

func waitUntil(t *testing.T, ready func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not reached within 10 s")
		}
	}
}

func TestCancelledWaitHoldsNothing(t *testing.T) {
	path := lockPath(t)
	other := hold(t, path)
	var l Locks
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan error, 1)
	go func() { _, err := l.Acquire(ctx, path); got <- err }()
	// the caller and its blocked goroutine
	waitUntil(t, func() bool { return queued(&l, path) == 2 })
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled wait: %v", err)
	}
	other.letGo()
	// The goroutine that stayed behind gets the lock and frees it, and then nothing of it is left.
	waitUntil(t, func() bool { return queued(&l, path) == 0 })
	if held, err := Held(path); held || err != nil {
		t.Fatalf("held %v, %v, by nobody", held, err)
	}
}

// TestTimeoutsShareOneWait: behind a holder that never lets go, any number of time-outs leaves one
// goroutine and one descriptor, and the one who is still there in the end gets the lock from it.
func TestTimeoutsShareOneWait(t *testing.T) {
	path := lockPath(t)
	other := hold(t, path)
	var l Locks
	for range 50 {
		if _, err := l.Acquire(within(t, 2*time.Millisecond), path); err == nil {
			t.Fatal("acquired while held")
		}
	}
	if n := queued(&l, path); n != 1 {
		t.Fatalf("%d users of the lock after all have left, want the one blocked goroutine", n)
	}
	got := make(chan *Lock, 1)
	go func() {
		lock, err := l.Acquire(within(t, 10*time.Second), path)
		if err != nil {
			t.Error(err)
		}
		got <- lock
	}()
	waitUntil(t, func() bool { return queued(&l, path) == 2 })
	other.letGo()
	unlock(t, <-got)
	// the goroutine counts itself out after it has handed the lock on
	waitUntil(t, func() bool { return queued(&l, path) == 0 })
}

func TestReplacedLockFileIsNoticed(t *testing.T) {
	path := lockPath(t)
	var l Locks
	lock := mustAcquire(t, &l, path)
	if err := lock.Check(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := lock.Check(); !errors.Is(err, ErrReplaced) {
		t.Fatalf("after removal: %v", err)
	}
	// Another process locks the new file, as it must be able to.
	other := hold(t, path)
	if err := lock.Check(); !errors.Is(err, ErrReplaced) {
		t.Fatalf("after replacement: %v", err)
	}
	unlock(t, lock)
	other.letGo()
}

// TestWaiterFollowsTheFile: whoever waited on a file that was removed gets the lock on the one that
// is there, not on the old.
func TestWaiterFollowsTheFile(t *testing.T) {
	path := lockPath(t)
	old := hold(t, path)
	var l Locks
	if _, err := l.Acquire(within(t, 20*time.Millisecond), path); err == nil {
		t.Fatal("acquired while held")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	// The old holder still holds the old file; the wait left behind on it must not be inherited.
	lock := mustAcquire(t, &l, path)
	if err := lock.Check(); err != nil {
		t.Fatal(err)
	}
	unlock(t, lock)
	old.letGo()
	waitUntil(t, func() bool { return queued(&l, path) == 0 })
}

func TestLockFileThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	var l Locks
	if _, err := l.Acquire(within(t, time.Second),
		filepath.Join(dir, "none", "t.lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	path := filepath.Join(dir, "folder.lock")
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Acquire(within(t, time.Second), path); !errors.As(err, new(*NotFileError)) {
		t.Errorf("a folder in its place: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	outside := filepath.Join(dir, "outside")
	link := filepath.Join(dir, "link.lock")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	for _, acquire := range []func(context.Context, string) (*Lock, error){l.Acquire, l.AcquireExisting} {
		if _, err := acquire(within(t, time.Second), link); !errors.As(err, new(*NotFileError)) {
			t.Errorf("a link in its place: %v", err)
		}
	}
	if _, err := Held(link); !errors.As(err, new(*NotFileError)) {
		t.Errorf("a probe of a link: %v", err)
	}
	if _, err := os.Lstat(outside); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link's target was made: %v", err)
	}
}

func TestHeldAndEnforced(t *testing.T) {
	path := lockPath(t)
	if _, err := Held(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: %v", err)
	}
	var l Locks
	lock := mustAcquire(t, &l, path)
	if held, err := Held(path); !held || err != nil {
		t.Errorf("held: %v, %v", held, err)
	}
	if real, err := lock.Enforced(); !real || err != nil {
		t.Errorf("enforced: %v, %v", real, err)
	}
	unlock(t, lock)
	if held, err := Held(path); held || err != nil {
		t.Errorf("free: %v, %v", held, err)
	}
}

func TestUnlockTwice(t *testing.T) {
	path := lockPath(t)
	var l Locks
	lock := mustAcquire(t, &l, path)
	unlock(t, lock)
	unlock(t, lock)
	second := mustAcquire(t, &l, path)
	unlock(t, lock)
	if held, err := Held(path); !held || err != nil {
		t.Errorf("a late second unlock freed the next holder's lock: %v, %v", held, err)
	}
	unlock(t, second)
}

func TestTry(t *testing.T) {
	path := lockPath(t)
	if _, err := Try(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	other := hold(t, path)
	if lock, err := Try(path); lock != nil || err != nil {
		t.Errorf("another process holds it: %v, %v", lock, err)
	}
	other.letGo()
	waitUntil(t, func() bool { held, err := Held(path); return !held && err == nil })
	lock, err := Try(path)
	if lock == nil || err != nil {
		t.Fatalf("free: %v, %v", lock, err)
	}
	if second, err := Try(path); second != nil || err != nil {
		t.Errorf("held here: %v, %v", second, err)
	}
	unlock(t, lock)
}

// TestTryPassesProbes: those who only look do not keep an owner out.
func TestTryPassesProbes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	path := lockPath(t)
	var l Locks
	unlock(t, mustAcquire(t, &l, path))
	stop := make(chan struct{})
	var probes sync.WaitGroup
	for range 4 {
		probes.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := Held(path); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	defer probes.Wait()
	defer close(stop)
	for range 500 {
		lock, err := Try(path)
		if lock == nil || err != nil {
			t.Fatalf("%v, %v", lock, err)
		}
		unlock(t, lock)
	}
}

// A lock that is free is had also by whoever comes too late to wait, and is never said to be held.
func TestLateCallerTriesOnce(t *testing.T) {
	path := lockPath(t)
	var l Locks
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	lock, err := l.Acquire(late, path)
	if err != nil {
		t.Fatalf("a free lock: %v", err)
	}
	// Behind a caller of the same process that holds it: it is held.
	var busy *BusyError
	if _, err := l.Acquire(late, path); !errors.As(err, &busy) {
		t.Errorf("behind a holder of this process: %v", err)
	}
	unlock(t, lock)
	other := hold(t, path)
	if _, err := l.Acquire(late, path); !errors.As(err, &busy) {
		t.Errorf("held by another process: %v", err)
	}
	if n := queued(&l, path); n != 0 {
		t.Errorf("%d wait for whoever came too late", n)
	}
	other.letGo()
	waitUntil(t, func() bool { held, err := Held(path); return !held && err == nil })
	// Behind a caller of this process that has the turn and no lock yet.
	g := l.enter(path, way{lockFile, os.O_RDWR | os.O_CREATE, nil})
	g.turn <- struct{}{}
	if _, err := l.Acquire(late, path); !errors.As(err, new(*LateError)) {
		t.Errorf("free, but others are ahead: %v", err)
	}
	<-g.turn
	l.leave(g)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Acquire(cancelled, path); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
