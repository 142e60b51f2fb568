//go:build etcd

package etcd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

const asProcess = "TICKET_MCP_TEST_MIRROR" // endpoint and folder of a process that keeps a mirror

// TestMirrorProcess is not a test but a process for the others: it keeps a mirror until its
// standard input ends.
func TestMirrorProcess(t *testing.T) {
	endpoint, dir, found := strings.Cut(os.Getenv(asProcess), " ")
	if !found {
		t.Skip("it is started by other tests")
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, client: client, id: "b", keys: keysOf("/mirror-test", "b")}
	fresh(t, s.open(client, dir))
	fmt.Println("fresh")
	_, _ = io.Copy(io.Discard, os.Stdin) // until it ends
}

// process is another process that keeps a mirror. It is its writer if nobody else is.
func process(t *testing.T, endpoint, dir string) *os.Process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMirrorProcess$")
	cmd.Env = append(os.Environ(), asProcess+"="+endpoint+" "+dir)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT) // it may have ended
		_ = cmd.Process.Kill()
		_ = input.Close()
		_ = cmd.Wait() // killed
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if lines.Text() == "fresh" {
			return cmd.Process
		}
	}
	t.Fatal("the process that keeps a mirror ended")
	return nil
}

// The writer is killed while changes come, again and again. The next goes on from where it was: no
// row is missing, none is there twice, and each has its former text.
func TestMirrorWriterKilled(t *testing.T) {
	t.Parallel() // most of it is waiting
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.fill(20)
	dir := filepath.Join(t.TempDir(), "mirror")
	changes := 1
	for range 4 {
		p := process(t, cluster.Endpoints()[0], dir)
		for n := range 60 {
			if n == 40 {
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			s.put(map[string]string{"t3": fmt.Sprint("title ", changes), "t4": fmt.Sprint(changes)})
			changes++
		}
	}
	m := s.open(s.client, dir)
	fresh(t, m)
	s.shows(dir)
	s.tells(dir, "t3", changes)
	s.tells(dir, "t4", changes)
	if kept, err := m.Kept(); err != nil || len(kept) != 0 || loads(t, m) != 1 {
		t.Fatalf("kept %q (%v), loaded %d times", kept, err, loads(t, m))
	}
}

// A writer that is stopped while the cluster is well loses its place; when it goes on, nothing of
// what it shows is too old for long.
func TestMirrorWriterStopped(t *testing.T) {
	t.Parallel() // most of it is waiting
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.fill(5)
	dir := filepath.Join(t.TempDir(), "mirror")
	p := process(t, cluster.Endpoints()[0], dir)
	m := s.open(s.client, dir)
	fresh(t, m)
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.put(map[string]string{"t3": "while it is stopped"})
	fresh(t, m)
	s.shows(dir)
	if !writes(m) {
		t.Fatal("the stopped one writes")
	}
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		s.put(map[string]string{"t3": fmt.Sprint("it goes on ", n)})
		fresh(t, m)
		if text, err := os.ReadFile(filepath.Join(dir, "t3.md")); err != nil ||
			string(text) != s.texts["t3"] {
			t.Fatalf("after change %d: %q, %v", n, text, err)
		}
	}
	s.tells(dir, "t3", 52)
}

// Nobody follows while the board changes and the cluster forgets how: the mirror is loaded again.
// Rows that the cluster still has are there, with the former text where the mirror knows it, and a
// gap stands for those that it has not.
func TestMirrorAfterCompaction(t *testing.T) {
	t.Parallel() // most of it is waiting
	s := newScene(t, oneMember(t).Client())
	s.fill(4)
	dir := filepath.Join(t.TempDir(), "mirror")
	visit := func() int {
		m, err := OpenMirror(s.board(s.client), dir, KeepRows)
		if err != nil {
			t.Fatal(err)
		}
		fresh(t, m)
		for late := time.Now().Add(etcdtest.Soon); ; time.Sleep(time.Millisecond) {
			if shown, err := m.record(); err != nil || time.Now().After(late) {
				t.Fatalf("the rows do not come: %v", err)
			} else if shown.Rows >= shown.Revision {
				break
			}
		}
		loads := loads(t, m)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		return loads
	}
	compact := func() {
		ctx, cancel := context.WithTimeout(context.Background(), etcdtest.Soon)
		defer cancel()
		now := s.txn(clientv3.OpPut("/other", ""))
		if _, err := s.client.Compact(ctx, now); err != nil {
			t.Fatal(err)
		}
	}
	visit()
	compact()
	if loads := visit(); loads != 1 {
		t.Fatalf("loaded %d times, though only others had changed", loads)
	}
	s.put(map[string]string{"t0": "once", "t1": "first"})
	s.put(map[string]string{"t1": "second"})
	compact()
	if loads := visit(); loads != 2 {
		t.Fatalf("loaded %d times", loads)
	}
	s.shows(dir)
	s.tells(dir, "t0", 2)
	if all := rowsIn(t, dir, "t1"); len(all) != 3 || all[2].Former != nil {
		t.Fatalf("rows of two missed changes: %+v", all)
	}
	s.put(map[string]string{"t0": "its row is gone", "t2": "its row too"})
	s.txn(clientv3.OpDelete(s.keys.rows(), clientv3.WithPrefix()))
	s.put(map[string]string{"t0": "this one is there"})
	compact()
	visit()
	s.shows(dir)
	var tools []string
	for _, r := range rowsIn(t, dir, "t0") {
		tools = append(tools, r.Tool)
	}
	if want := []string{"test", "test", journal.Gap, "test"}; !slices.Equal(tools, want) {
		t.Fatalf("t0 has rows of %q instead of %q", tools, want)
	}
	if all := rowsIn(t, dir, "t2"); len(all) != 2 || all[1].Tool != journal.Gap {
		t.Fatalf("t2 has rows %+v", all)
	}
}

// What somebody does to the files of a mirror is undone, and what he wrote stays.
func TestMirrorFilesChanged(t *testing.T) {
	s := newScene(t, oneMember(t).Client())
	s.fill(8)
	dir := filepath.Join(t.TempDir(), "mirror")
	file := func(id string) string { return filepath.Join(dir, id+".md") }
	replace := func(id, text string) {
		t.Helper()
		if err := errors.Join(os.Remove(file(id)),
			os.WriteFile(file(id), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	m := s.open(s.client, dir)
	fresh(t, m)

	replace("t0", "while it is followed")
	if err := os.Chmod(file("t1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("t1"), []byte("written in place"), 0); err != nil {
		t.Fatal(err)
	}
	replace("t2", "just before a change")
	s.put(map[string]string{"t2": "the change"})
	if err := errors.Join(os.Remove(file("t3")), os.Symlink("/etc/passwd", file("t3")),
		os.Remove(file("t4")), os.Mkdir(file("t4"), 0o777),
		os.Remove(file("t5")), os.WriteFile(file("new"), []byte("mine"), 0o644)); err != nil {
		t.Fatal(err)
	}
	awaitKept(t, m, 6)
	fresh(t, m)
	s.shows(dir)
	for name, want := range map[string]string{"t0": "while it is followed",
		"t1": "written in place", "t2": "just before a change", "new": "mine"} {
		if text, err := os.ReadFile(file(name) + mineExt); err != nil || string(text) != want {
			t.Errorf("of %s this was kept: %q, %v", name, text, err)
		}
	}
	if told := m.NewlyKept(); len(told) != 6 || m.NewlyKept() != nil {
		t.Errorf("told %q, and again", told)
	}
	s.tells(dir, "t2", 2)

	replace("t0", "once more")
	awaitKept(t, m, 7)
	if text, err := os.ReadFile(file("t0") + mineExt + ".2"); err != nil ||
		string(text) != "once more" {
		t.Errorf("the second time this was kept: %q, %v", text, err)
	}
}

// awaitKept waits until so many changed files are kept, and the mirror shows the board again.
func awaitKept(t *testing.T, m *Mirror, n int) {
	t.Helper()
	late := time.Now().Add(etcdtest.Soon)
	for {
		shown, err := m.record()
		if err != nil {
			t.Fatal(err)
		}
		if len(shown.Kept) == n {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%d files are kept instead of %d: %q", len(shown.Kept), n, shown.Kept)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A file that was changed while nobody followed is kept too, whatever else happened meanwhile.
func TestMirrorFilesChangedUnseen(t *testing.T) {
	s := newScene(t, oneMember(t).Client())
	s.fill(2)
	dir := filepath.Join(t.TempDir(), "mirror")
	first, err := OpenMirror(s.board(s.client), dir, KeepRows)
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"t0", "t1"} {
		path := filepath.Join(dir, id+".md")
		if err := errors.Join(os.Remove(path),
			os.WriteFile(path, []byte("unseen "+id), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	s.put(map[string]string{"t1": "changed in the cluster too"})
	m := s.open(s.client, dir)
	fresh(t, m)
	s.shows(dir)
	for _, id := range []string{"t0", "t1"} {
		text, err := os.ReadFile(filepath.Join(dir, id+".md"+mineExt))
		if err != nil || string(text) != "unseen "+id {
			t.Errorf("of %s this was kept: %q, %v", id, text, err)
		}
	}
	s.tells(dir, "t1", 2)
}

// What is not of this program in the cluster does no harm: names that would lead elsewhere, a
// ticket that is none, rows that are none.
func TestMirrorOfStrangeKeys(t *testing.T) {
	s := newScene(t, oneMember(t).Client())
	s.fill(1)
	dir := filepath.Join(t.TempDir(), "mirror")
	m := s.open(s.client, dir)
	fresh(t, m)
	for _, name := range []string{"../out", ".hidden", "a/b", "", "x\x00y", strings.Repeat("x", 200)} {
		s.txn(clientv3.OpPut(s.keys.tickets()+name, "text"), clientv3.OpPut(s.keys.tip(), name))
	}
	s.txn(clientv3.OpPut(s.keys.ticket("bad"), "\xff\x00"), clientv3.OpPut(s.keys.ticket("none"), ""),
		clientv3.OpPut(s.keys.tip(), "bad"), clientv3.OpPut(s.keys.row("x"),
			`{"ticket":"../../out","time":"2026-01-01T00:00:00Z","call":"c"}`+"\n{\n"+
				`{"ticket":"t0","time":"2026-01-01T00:00:00Z","call":"c","tool":"outside"}`))
	s.texts["bad"], s.texts["none"] = "\xff\x00", ""
	fresh(t, m)
	s.shows(dir)
	s.tells(dir, "t0", 1)
	up, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(up) != 1 {
		t.Fatalf("beside the mirror: %v, %v", up, err)
	}
}
