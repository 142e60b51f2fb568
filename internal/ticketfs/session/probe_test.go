//go:build unix

package session

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

// TestProof: what a slot with a free lock proves.
func TestProof(t *testing.T) {
	here := self()
	if here.Boot == "" || here.Machine == "" || here.PIDNS == 0 || here.Start == 0 {
		t.Skip("this system does not tell enough to prove anything:", here)
	}
	for _, tt := range []struct {
		name   string
		change func(*mark)
		want   Life
	}{
		{"of this boot", func(*mark) {}, Dead},
		// a container on this kernel
		{"of another host name", func(m *mark) { m.Host = "another" }, Dead},
		{"of another machine-id", func(m *mark) { m.Machine = "another" }, Dead},
		{"of another pid namespace", func(m *mark) { m.PIDNS++ }, Dead},
		{"of another device", func(m *mark) { m.Dev++ }, Unknown},
		{"of another file", func(m *mark) { m.Ino++ }, Unknown},
		{"of no file", func(m *mark) { m.Dev, m.Ino = 0, 0 }, Unknown},
		{"of a process that lives", func(m *mark) { m.PID = os.Getpid() }, Alive},
		{"of a process before this one of its number",
			func(m *mark) { m.PID, m.Start = os.Getpid(), m.Start-1 }, Dead},
		{"of this number elsewhere", func(m *mark) { m.PID, m.PIDNS = os.Getpid(), m.PIDNS+1 },
			Dead},
		{"of an earlier boot", func(m *mark) { m.Boot = "earlier"; m.Dev++ }, Dead},
		{"of an earlier boot and this number",
			func(m *mark) { m.Boot = "earlier"; m.PID = os.Getpid() }, Dead},
		{"of an earlier boot, another file", func(m *mark) { m.Boot = "earlier"; m.Ino++ },
			Unknown},
		{"of an earlier boot, another host",
			func(m *mark) { m.Boot = "earlier"; m.Host = "another" }, Unknown},
		{"of an earlier boot, another machine",
			func(m *mark) { m.Boot = "earlier"; m.Machine = "another" }, Unknown},
		{"of an earlier boot, no machine", func(m *mark) { m.Boot = "earlier"; m.Machine = "" },
			Unknown},
		{"of no boot", func(m *mark) { m.Boot = "" }, Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			dead(t, dir, "gone", tt.change)
			wantLife(t, dir, "gone", tt.want)
			// A process that holds the slot lives, whatever the mark says.
			lock, err := flocker.Try(slotPath(dir, Key("gone"), 0))
			must(t, err)
			wantLife(t, dir, "gone", Alive)
			must(t, lock.Unlock())
		})
	}
}

// TestEverySlotCounts: one slot that proves nothing leaves the whole conversation unknown.
func TestEverySlotCounts(t *testing.T) {
	for name, second := range map[string]func(path string) error{
		"empty":     func(path string) error { return os.WriteFile(path, nil, 0o666) },
		"not JSON":  func(path string) error { return os.WriteFile(path, []byte("hello\n"), 0o666) },
		"a copy":    func(path string) error { return os.WriteFile(path, []byte(`{"ino":1,"dev":1}`+"\n"), 0o666) },
		"a folder":  func(path string) error { return os.Mkdir(path, 0o777) },
		"after gap": func(path string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			dead(t, dir, "gone", nil)
			wantLife(t, dir, "gone", Dead)
			must(t, second(slotPath(dir, Key("gone"), 1)))
			if name == "after gap" {
				must(t, os.WriteFile(slotPath(dir, Key("gone"), 2), nil, 0o666))
			}
			wantLife(t, dir, "gone", Unknown)
		})
	}
}

// TestCutMark: a process that was killed between the two steps of a signature leaves a mark that
// can be read.
func TestCutMark(t *testing.T) {
	dir := t.TempDir()
	path := dead(t, dir, "gone", nil)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString(`ng end of a longer mark"}` + "\n")
	must(t, errors.Join(err, f.Close()))
	wantLife(t, dir, "gone", Dead)
}

// TestOverwrite: at no moment is the file shorter than the mark that stands in it.
func TestOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(path, []byte("the old and longer line\n"), 0o666))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	must(t, overwrite(f, []byte("new\n")))
	if text, err := os.ReadFile(path); err != nil || string(text) != "new\n" {
		t.Errorf("%q, %v", text, err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	if err := overwrite(full, []byte("new\n")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("no room: %v", err)
	}
}

// TestOddSlots: whatever stands in the place of a slot makes that one holder unknown, at once and
// with little memory.
func TestOddSlots(t *testing.T) {
	for name, lay := range map[string]func(path string) error{
		"nothing": func(string) error { return nil },
		"FIFO":    func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"sparse": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o666), os.Truncate(path, 3<<30))
		},
		"long": func(path string) error {
			text, err := json.Marshal(mark{Client: string(make([]byte, maxMark))})
			return errors.Join(err, os.WriteFile(path, append(text, '\n'), 0o666))
		},
		"link to a mark":   func(path string) error { return os.Symlink("one", path) },
		"link away":        func(path string) error { return os.Symlink("/dev/zero", path) },
		"link to itself":   func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"folder":           func(path string) error { return os.Mkdir(path, 0o777) },
		"link to a device": func(path string) error { return os.Symlink("/dev/null", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, makeFolder(dir))
			dead(t, dir, "fine", nil)
			must(t, lay(slotPath(dir, Key("odd"), 0)))
			began := time.Now()
			wantLife(t, dir, "odd", Unknown)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			wantLife(t, dir, "fine", Dead)
		})
	}
}

// TestForbiddenSlot: a slot that may not be read makes that one holder unknown.
func TestForbiddenSlot(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is forbidden to root; see TestForbiddenToOthers")
	}
	dir := t.TempDir()
	must(t, os.Chmod(dead(t, dir, "gone", nil), 0))
	wantLife(t, dir, "gone", Unknown)
}

// TestProbesAreNoOwners: any number of probes never make each other see an owner, nor keep one from
// its slot.
func TestProbesAreNoOwners(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	dir := t.TempDir()
	path := dead(t, dir, "gone", nil)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if s, err := look(path); err != nil {
					t.Error(err)
					return
				} else if s.held && s.mark.Client != "" {
					t.Error("a probe was taken for an owner")
					return
				}
			}
		})
	}
	for range 2000 {
		lock, err := flocker.Try(path)
		if err != nil || lock == nil {
			t.Fatalf("a probe kept the owner out: %v", err)
		}
		must(t, lock.Unlock())
	}
	close(stop)
	group.Wait()
	// And without an owner nobody sees one.
	seen := make(chan bool, 4)
	for range cap(seen) {
		go func() {
			for range 2000 {
				if s, err := look(path); s.held || err != nil {
					seen <- true
					return
				}
			}
			seen <- false
		}()
	}
	for range cap(seen) {
		if <-seen {
			t.Error("a probe was taken for an owner")
		}
	}
}

// TestEnds: a process that was killed is proven dead, also while its parent has not taken note of
// it, and one that was stopped is not.
func TestEnds(t *testing.T) {
	dir := t.TempDir()
	h := hold(t, dir, "me")
	wantLife(t, dir, "me", Alive)
	must(t, h.cmd.Process.Signal(syscall.SIGSTOP))
	wantLife(t, dir, "me", Alive)
	must(t, h.cmd.Process.Kill())
	for end := time.Now().Add(time.Minute); life(dir, "me").Life != Dead; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a killed process that nobody waited for still lives")
		}
	}
	_ = h.cmd.Wait() // says that it was killed
	wantLife(t, dir, "me", Dead)
}

// forget makes the process of a mark one of another pid namespace, where nobody can look for it.
func forget(t *testing.T, dir, name string) {
	t.Helper()
	rewrite(t, slotPath(dir, Key(name), 0), func(m *mark) { m.PIDNS++ })
}

// TestCopies: a copy of a slot proves nothing, and a copy over it is still the slot.
func TestCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for name, script := range map[string]string{
		"away, and a copy back":        `cp -r .sessions copy; rm -r .sessions; mv copy .sessions`,
		"by a program that syncs":      `for f in .sessions/*.lock; do cp $f .sessions/.tmp; mv .sessions/.tmp $f; done`,
		"copied back into a new place": `cp -a .sessions copy; rm .sessions/*; cp -a copy/. .sessions`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h := hold(t, dir, "me")
			defer h.end()
			cmd := exec.Command("sh", "-ec", script)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			wantSeen(t, dir, "me")
			forget(t, dir, "me")
			wantLife(t, dir, "me", Unknown)
		})
	}
	t.Run("copied over", func(t *testing.T) {
		dir := t.TempDir()
		h := hold(t, dir, "me")
		defer h.end()
		cmd := exec.Command("sh", "-ec", `cp -r .sessions copy && cp -r copy/. .sessions`)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		wantLife(t, dir, "me", Alive)
	})
}

// TestGitStash: what git takes away and brings back is another file.
func TestGitStash(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip(err)
	}
	repo := t.TempDir()
	dir := filepath.Join(repo, ".tickets")
	must(t, os.Mkdir(dir, 0o777))
	h := hold(t, dir, "me")
	defer h.end()
	for _, args := range [][]string{
		{"init", "-q"}, {"-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"},
		{"-c", "user.name=x", "-c", "user.email=x@y", "stash", "-q", "-a"}, {"stash", "pop", "-q"},
	} {
		cmd := exec.Command(git, args...)
		cmd.Dir = repo
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	if _, err := os.Lstat(slotPath(dir, h.key, 0)); err != nil {
		t.Fatal("git did not bring it back:", err)
	}
	wantSeen(t, dir, "me")
	forget(t, dir, "me")
	wantLife(t, dir, "me", Unknown)
}
