package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// needStrace returns the program, or skips.
func needStrace(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here:", err)
	}
	if out, err := exec.Command(program, "-f", "-qq", "-e", "trace=none",
		"true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
	return program
}

// traced is a system call in strace's log, from the line where it began to the line where it had
// ended.
type traced struct {
	line       string
	begun, end int
}

var (
	tracedCall = regexp.MustCompile(`^(\d+) +(.*?)( <unfinished \.\.\.>)?$`)
	resumed    = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
)

func readTrace(t *testing.T, log string) (calls []traced) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	open := make(map[string]int) // by thread, where its unfinished call stands in calls
	for n, line := range strings.Split(string(text), "\n") {
		m := tracedCall.FindStringSubmatch(line)
		switch {
		case m == nil:
		case resumed.MatchString(m[2]):
			c := &calls[open[m[1]]]
			c.line, c.end = c.line+resumed.ReplaceAllString(m[2], ""), n
		default:
			open[m[1]] = len(calls)
			calls = append(calls, traced{m[2], n, n})
		}
	}
	return calls
}

// inOrder returns an error unless each of these calls begins when the one before it has ended; of
// each the first that does.
func inOrder(calls []traced, patterns ...string) error {
	after := -1
	for i, pattern := range patterns {
		form := regexp.MustCompile(pattern)
		next := slices.IndexFunc(calls,
			func(c traced) bool { return c.begun > after && form.MatchString(c.line) })
		if next < 0 {
			return fmt.Errorf("no call %s behind the %d before it", pattern, i)
		}
		after = calls[next].end
	}
	return nil
}

// startOrder is the order that a start must have.
var startOrder = []string{
	`^flock\(.*/t\.md\.lock>, LOCK_EX.* = 0`,
	`^read\(.*/t\.md>, .* = [1-9]`,
	`^write\(.*/\.t\.md\.tmp>`,
	`^fsync\(.*/\.t\.md\.tmp>\) += 0`,
	`^flock\(.*/\.relations\.lock>, LOCK_EX.* = 0`,
	`^rename.*/\.t\.md\.tmp", .*/t\.md".* = 0`,
	`^fsync\(.*/\.tickets>\) += 0`,
	`^write\(1<.*jsonrpc.*"id\\":3,`,
}

// What the kernel sees of one start: the ticket is locked before it is read, written beside and
// synced before the relations lock is taken, renamed under it, the folder synced, and only then is
// there an answer.
func TestFaultOrderOfStart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	dir := faultBoard(t, "t")
	log := filepath.Join(t.TempDir(), "log")
	c := faultServer(t, dir, needStrace(t), "-f", "-y", "-s", "64", "-o", log, "-e",
		"trace=openat,read,write,flock,fsync,rename,renameat,renameat2")
	// The first call of a server reads all tickets, for what it is told of the others.
	for _, call := range []struct {
		tool      string
		arguments map[string]any
	}{{"ready", nil}, {"start", map[string]any{"id": "t"}}} {
		if r := faultCall(t, c, call.tool, call.arguments); r.IsError {
			t.Fatal(r.Text)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	calls := readTrace(t, log)
	first := slices.IndexFunc(calls,
		func(c traced) bool {
			return strings.Contains(c.line, `write(1<`) && strings.Contains(c.line, `"id\":2,`)
		})
	if first < 0 {
		t.Fatal("the first call was not answered")
	}
	calls = calls[first+1:]
	if err := inOrder(calls, startOrder...); err != nil {
		t.Fatal(err)
	}
	// Nothing of the ticket was read before it was locked, and there was no answer before this one.
	for pattern, call := range map[string]string{startOrder[0]: `^(openat|read)\(.*/t\.md[>"]`,
		startOrder[6]: `^write\(1<.*"id\\":3,`} {
		if inOrder(calls, call, pattern) == nil {
			t.Errorf("%s comes before %s", call, pattern)
		}
	}

	// The order is one that can be broken.
	for i, c := range calls {
		if strings.HasPrefix(c.line, "fsync") && strings.Contains(c.line, "/.tickets>") {
			calls[i].end = calls[len(calls)-1].end
		}
	}
	if inOrder(calls, startOrder...) == nil {
		t.Error("an answer that does not wait for the sync of the folder is not noticed")
	}
}

// When the disk does not confirm the change, the answer says so, and the next one's is as usual.
func TestFaultAnswerNotDurable(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	dir := faultBoard(t, "t")
	c := faultServer(t, dir, needStrace(t), "-f", "-o", os.DevNull, "-P", dir, "-e", "trace=fsync",
		"-e", "inject=fsync:error=EIO:when=1")
	for _, want := range []bool{false, true} {
		r := faultCall(t, c, "note", map[string]any{"id": "t",
			"text": fmt.Sprintf("durable %v", want)})
		var answer struct{ Durable *bool }
		if err := json.Unmarshal(r.Structured, &answer); err != nil || r.IsError {
			t.Fatalf("%v: %s", err, r.Text)
		}
		said := answer.Durable == nil || *answer.Durable
		// strace counts by thread: each thread that comes to a first fsync of its own fails once.
		for range 50 {
			if said == want {
				break
			}
			r, answer.Durable = faultCall(t, c, "note",
				map[string]any{"id": "t", "text": fmt.Sprintf("durable %v", want)}), nil
			if err := json.Unmarshal(r.Structured, &answer); err != nil || r.IsError {
				t.Fatalf("%v: %s", err, r.Text)
			}
			said = answer.Durable == nil || *answer.Durable
		}
		if said != want || strings.Contains(r.Text, "durable: false") == want {
			t.Errorf("durable is %v, want %v: %s", said, want, r.Text)
		}
		text, err := os.ReadFile(filepath.Join(dir, "t.md"))
		if err != nil || !strings.Contains(string(text), fmt.Sprintf(": durable %v\n", want)) {
			t.Errorf("the note is not there (%v)", err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// A ticket that the disk cannot read (EIO) hides no other, on boards of either size, and is back as
// soon as it can be read.
func TestFaultOneFileCannotBeRead(t *testing.T) {
	if testing.Short() {
		t.Skip("makes every read fail for a while, under strace")
	}
	// strace counts by thread: the first reads of each fail
	const fail = "inject=read:error=EIO:when=1..4"
	if out, err := exec.Command(needStrace(t), "-qq", "-e", "trace=read", "-e", fail, "-P", "/none",
		"true").CombinedOutput(); err != nil {
		t.Skipf("this strace cannot do that: %v: %s", err, out)
	}
	for _, more := range []int{0, 600} {
		dir := faultBoard(t, "bad", "good")
		for n := range more {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%03d.md", n)),
				[]byte("---\nstatus: closed\n---\n"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		c := faultServer(t, dir, needStrace(t), "-f", "-o", os.DevNull, "-P",
			filepath.Join(dir, "bad.md"), "-e", "trace=read", "-e", fail)
		if r := faultCall(t, c, "ready", map[string]any{}); r.IsError ||
			!strings.Contains(r.Text, "good open") || !strings.Contains(r.Text, "bad (because ") ||
			!strings.Contains(r.Text, "input/output error") {
			t.Errorf("%d more: ready says %s", more, r.Text)
		}
		back := false
		for range 100 {
			r := faultCall(t, c, "list", map[string]any{"status": "open"})
			if r.IsError || !strings.Contains(r.Text, "good open") {
				t.Fatalf("%d more: list says %s", more, r.Text)
			}
			if back = strings.Contains(r.Text, "bad open"); back {
				break
			}
		}
		if !back {
			t.Errorf("%d more: the ticket does not come back", more)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A server that meets a limit of its process says so in the system's words, still reads where that
// is possible, and goes on when the limit is gone.
func TestFaultServerGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	dir := faultBoard(t, "t")
	c := faultServer(t, dir)
	note := map[string]any{"id": "t", "text": "a note"}
	if r := faultCall(t, c, "note", note); r.IsError {
		t.Fatal(r.Text)
	}
	for _, test := range []struct {
		resource int
		most     uint64
		words    string
		reads    bool
	}{
		{unix.RLIMIT_FSIZE, 1000, "file too large", true},
		{unix.RLIMIT_NOFILE, 0, "too many open files", false},
	} {
		before, err := os.ReadFile(filepath.Join(dir, "t.md"))
		if err != nil {
			t.Fatal(err)
		}
		var old unix.Rlimit
		if err := unix.Prlimit(c.Cmd.Process.Pid, test.resource, nil, &old); err != nil {
			t.Skip("the limits of the server may not be set here:", err)
		}
		if err := unix.Prlimit(c.Cmd.Process.Pid, test.resource,
			&unix.Rlimit{Cur: test.most, Max: old.Max}, nil); err != nil {
			t.Fatal(err)
		}
		for _, tool := range []string{"note", "start"} {
			if r := faultCall(t, c, tool, map[string]map[string]any{"note": note,
				"start": {"id": "t"}}[tool]); !r.IsError || r.Code != "" ||
				!strings.Contains(r.Text, test.words) {
				t.Errorf("%s: %q (code %q), want an error that says %q", tool, r.Text, r.Code,
					test.words)
			}
		}
		if r := faultCall(t, c, "show", map[string]any{"id": "t"}); r.IsError == test.reads {
			t.Errorf("show: %s", r.Text)
		}
		now, err := os.ReadFile(filepath.Join(dir, "t.md"))
		if err != nil || string(now) != string(before) {
			t.Errorf("the ticket was changed (%v)", err)
		}
		if err := unix.Prlimit(c.Cmd.Process.Pid, test.resource, &old, nil); err != nil {
			t.Fatal(err)
		}
		if r := faultCall(t, c, "note", note); r.IsError {
			t.Errorf("afterwards: %s", r.Text)
		}
	}
	if r := faultCall(t, c, "start", map[string]any{"id": "t"}); r.IsError {
		t.Error(r.Text)
	}
}
