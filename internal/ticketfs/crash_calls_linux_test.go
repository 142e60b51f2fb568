package ticketfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// whatToTrace are the changes for tests that try each system call, and whether the tk program's
// folder of locks is there.
func whatToTrace() []string {
	if longtest.Wanted() {
		return []string{"edit", "edit tk", "change", "change tk", "create", "create tk"}
	}
	return []string{"change tk"} // which makes all the calls
}

// tracedBoard is a board for a change of whatToTrace.
func tracedBoard(t *testing.T, what string) (path, change string) {
	t.Helper()
	change, tk := strings.CutSuffix(what, " tk")
	path = crashBoard(t, crashChanges[change].creates, tk)
	writeFile(t, filepath.Join(filepath.Dir(path), ".gitignore"), board.Gitignore)
	// A ticket that is young when it is read is read once more before the rename. The calls shall
	// be the same each time.
	for began := time.Now(); time.Since(began) < 25*time.Millisecond; time.Sleep(time.Millisecond) {
	}
	return path, change
}

// undisturbed returns the system calls of a change, and the ticket that comes of it.
func undisturbed(t *testing.T, program, change string,
	board func() (path string)) (calls []fileCall, after []byte) {
	t.Helper()
	calls, said, err := traceChild(t, program, board(), change, "")
	if err != nil || !strings.HasPrefix(said, "answered\n") {
		t.Fatalf("undisturbed: %v, %q", err, said)
	}
	path := board()
	if err := crashChanges[change].make(storeAt(path)); err != nil {
		t.Fatal(err)
	}
	return calls, []byte(textOf(t, path))
}

// killEach lets children die at each system call of a change, and judges what each leaves. renamed
// says whether the call comes behind the rename. Where this is no long run, they die at some of them.
func killEach(t *testing.T, change string, board func() (path string),
	judge func(path string, renamed, answered bool, after []byte) error) {
	t.Helper()
	program := strace(t)
	calls, after := undisturbed(t, program, change, board)
	rename := slices.IndexFunc(calls, func(c fileCall) bool { return c.of("rename", "t.md") })
	if rename < 0 {
		t.Fatalf("no rename among the calls:\n%v", calls)
	}
	temps := 0
	some := longtest.Sample(len(calls))
	for _, i := range some {
		call, path := calls[i], board()
		_, said, err := traceChild(t, program, path, change, call.inject("signal=SIGKILL"))
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("the child was not killed but ended with %v, at %s", err, call.line)
		}
		if _, err := os.Lstat(durable.TempPath(path)); err == nil {
			temps++
		}
		if err := judge(path, i > rename, strings.HasPrefix(said, "answered\n"),
			after); err != nil {
			t.Errorf("killed at %s: %v", call.line, err)
		}
	}
	t.Logf("killed at %d of %d calls; %d deaths left a temp", len(some), len(calls), temps)
}

// Killed as it enters any system call on a file of the board, a writer leaves the ticket whole, no
// lock, and nothing that the next one stumbles over. Up to the rename the ticket is the old one,
// from then on the new one.
func TestCrashAtEachCall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	for _, what := range whatToTrace() {
		t.Run(what, func(t *testing.T) {
			path, change := tracedBoard(t, what)
			old, err := readTicketFile(path)
			if err != nil {
				t.Fatal(err)
			}
			board := func() string { path, _ := tracedBoard(t, what); return path }
			killEach(t, change, board,
				func(path string, renamed, answered bool, after []byte) error {
					want := old.Content
					if renamed {
						want = after
					}
					return afterDeath(path, want, want, answered)
				})
		})
	}
}

// The same for the very first change, which makes the folder and all that stands in it.
func TestCrashAtFirstChange(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	board := func() string { return filepath.Join(t.TempDir(), board.FolderName, "t.md") }
	killEach(t, "first", board, func(path string, renamed, answered bool, after []byte) error {
		if renamed || answered {
			if now, err := readTicketFile(path); err != nil ||
				string(now.Content) != string(after) {
				return errors.New("the new ticket is not there")
			}
		} else if err := crashChanges["first"].make(storeAt(path)); err != nil {
			return err
		}
		if err := nextWriter(path); err != nil {
			return err
		}
		if litter, err := litterOf(filepath.Dir(path)); err != nil || len(litter) > 0 {
			return fmt.Errorf("the next writer left %v (%v)", litter, err)
		}
		return nil
	})
}

// A process that dies as it becomes a session is never taken for alive, and the next one of the
// same name need not wait for it.
func TestCrashAtEachCallOfSession(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	board := func() string { path, _ := tracedBoard(t, "edit"); return path }
	killEach(t, "settle", board, func(path string, renamed, answered bool, after []byte) error {
		dir, key := filepath.Dir(path), session.Key(crashSession)
		look := func() session.Life {
			return session.New("other", time.Now).Attend(dir,
				session.Call{}).Holder("agent@" + key).Life
		}
		if life := look(); life != session.Unknown && life != session.Dead || answered &&
			life != session.Dead {
			return errors.New("the dead session is " + string(life))
		}
		next := session.New(crashSession, time.Now)
		if c, err := next.Attend(dir, session.Call{}).Claim(); err != nil || c.Key != key {
			return errors.Join(errors.New("the next session is "+c.Key), err)
		}
		if life := look(); life != session.Alive {
			return errors.New("the next session is " + string(life))
		}
		// As the kernel does at the end of a process.
		return errors.Join(next.Close(), nextWriter(path))
	})
}

// restartedBoard is a board whose session claimed a ticket and has ended.
func restartedBoard(t *testing.T) (path string) {
	t.Helper()
	path, _ = tracedBoard(t, "edit")
	child := crashChild(path, "thread", "CRASH_CHANGE=settle")
	if out, err := child.Output(); err != nil || !strings.HasPrefix(string(out), "answered\n") {
		t.Fatalf("the session before: %v, %q", err, out)
	}
	return path
}

// A session that is started again and dies, or finds no room, as it signs its file again, is known
// to be dead: its earlier claims are never left to somebody of whom nobody can tell.
func TestCrashAtEachCallOfRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	lifeIn := func(path string) session.Life {
		return session.New("other", time.Now).Attend(filepath.Dir(path),
			session.Call{}).Holder("agent@" + session.Key(crashSession)).Life
	}
	killEach(t, "settle", func() string { return restartedBoard(t) },
		func(path string, _, _ bool, _ []byte) error {
			if life := lifeIn(path); life != session.Dead {
				return errors.New("the session is " + string(life))
			}
			return nil
		})
	program := strace(t)
	calls, _ := undisturbed(t, program, "settle", func() string { return restartedBoard(t) })
	faults := []string{"ENOSPC", "EIO"}
	if !longtest.Wanted() {
		faults = faults[:1]
	}
	for _, fault := range faults {
		for _, i := range longtest.Sample(len(calls)) {
			call := calls[i]
			if !strings.Contains(call.line, "/"+session.Folder+"/") || call.isNoFault() {
				continue
			}
			path := restartedBoard(t)
			if _, _, err := traceChild(t, program, path, "settle",
				call.inject("error="+fault)); err != nil {
				t.Errorf("the child ended with %v", err)
			}
			if life := lifeIn(path); life != session.Dead {
				t.Errorf("%s at %s: the session is %s", fault, call.line, life)
			}
		}
	}
}
