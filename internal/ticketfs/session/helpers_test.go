//go:build unix

package session

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain makes this program the processes of its tests, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "witness" {
		if err := witness(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// witness is a process. what is "hold": it holds a slot of a conversation until its input ends;
// "look": it says what it can tell of the holder x@key, and for how long it would still wait.
func witness(what, dir, name string) error {
	p := New(name, time.Now)
	switch what {
	case "hold":
		c, err := p.Attend(dir, Call{Client: "witness"}).Claim()
		if err != nil {
			return err
		}
		fmt.Println(c.Key)
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	case "limits":
		fmt.Println(Liveness(dir))
	case "look":
		c := New("", time.Now).Attend(dir, Call{})
		h := c.Holder("x@" + Key(name))
		fmt.Println(h.Life, c.process.Grace(h).Round(time.Second))
	}
	return nil
}

// child is a process of this program, perhaps through another one like unshare.
func child(t *testing.T, through []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := append(append(through, self, "witness"), args...)
	return exec.CommandContext(t.Context(), all[0], all[1:]...)
}

// holder is a process that holds a slot.
type holder struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Closer
	key string
}

func hold(t *testing.T, dir, name string, through ...string) *holder {
	t.Helper()
	return holding(t, child(t, through, "hold", dir, name))
}

// holding starts a process that holds a slot.
func holding(t *testing.T, cmd *exec.Cmd) *holder {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if key := strings.TrimSpace(line); err == nil && len(key) == 12 {
		return &holder{t, cmd, in, key}
	}
	_ = cmd.Wait()
	t.Fatalf("%v said %q (%v)", cmd.Args, line, err)
	return nil
}

// end ends the process as its host does.
func (h *holder) end() {
	h.in.Close()
	if err := h.cmd.Wait(); err != nil {
		h.t.Error(err)
	}
}

// tells is what another process can tell of a conversation.
func tells(t *testing.T, dir, name string, through ...string) string {
	t.Helper()
	out, err := child(t, through, "look", dir, name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// life is what this process can tell of a conversation as another one.
func life(dir, name string) Holder {
	return New("", time.Now).Attend(dir, Call{}).Holder("x@" + Key(name))
}

func wantLife(t *testing.T, dir, name string, want Life) {
	t.Helper()
	if got := life(dir, name).Life; got != want {
		t.Errorf("%s is %s, want %s", name, got, want)
	}
}

// readMark reads the mark in a slot.
func readMark(t *testing.T, path string) (m mark) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return m
}

// dead leaves what a process of this machine leaves that has ended: its slot, signed, its lock
// free. change changes the mark.
func dead(t *testing.T, dir, name string, change func(*mark)) string {
	t.Helper()
	path := slotPath(dir, Key(name), 0)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	m := self()
	var err error
	if m.Dev, m.Ino, err = identity(os.Lstat(path)); err != nil {
		t.Fatal(err)
	}
	m.PID, m.Since = neverPID, time.Now()
	text, err := json.Marshal(m)
	must(t, errors.Join(err, os.WriteFile(path, append(text, '\n'), 0o666)))
	if change != nil {
		rewrite(t, path, change)
	}
	return path
}

// rewrite changes the mark in a slot.
func rewrite(t *testing.T, path string, change func(*mark)) {
	t.Helper()
	m := readMark(t, path)
	change(&m)
	text, err := json.Marshal(m)
	must(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	must(t, overwrite(f, append(text, '\n')))
}

// neverPID is a process that there cannot be.
const neverPID = 1 << 30

// wantSeen checks that the process of a mark is seen to live, where the system tells of processes.
func wantSeen(t *testing.T, dir, name string) {
	t.Helper()
	if self().Start != 0 {
		wantLife(t, dir, name, Alive)
	}
}

// needStart skips a test that looks for a process by its start time.
func needStart(t *testing.T) {
	t.Helper()
	if self().Start == 0 {
		t.Skip("this system does not tell when a process started")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
