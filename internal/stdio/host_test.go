package stdio_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// deafHost starts a server for a host that does not read what it writes.
func deafHost(t *testing.T) (w *servertest.Wire, unread *os.File) {
	t.Helper()
	unread, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unread.Close() }) // once more than some tests need
	cmd := servertest.On(t, servertest.OpenTickets(t, "alpha"))
	cmd.Stdout = stdout
	w = servertest.Start(t, cmd)
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	return w, unread
}

// A host may write all its calls before it reads the first answer.
func TestHostWritesFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	const calls = 3000
	w, unread := deafHost(t)
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(w.In,
			strings.Repeat(servertest.ToolCall("1", "show", `{"id":"alpha"}`)+"\n", calls))
		sent <- err
	}()
	select {
	case err := <-sent:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(servertest.Soon):
		t.Fatal("nobody reads the server's answers, and it does not read the calls")
	}
	answers := make(chan int)
	go func() {
		n := 0
		for lines := bufio.NewScanner(unread); lines.Scan(); n++ {
		}
		answers <- n
	}()
	_, status := w.End()
	if n := <-answers; n != calls || status != 0 {
		t.Errorf("%d answers to %d calls, status %d", n, calls, status)
	}
}

// What is outstanding is bounded in memory: a host may send very many small requests before it
// reads, and gets an answer to each.
func TestHostWritesVeryMuchFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const part = 5_000
	pings := 30_000
	if longtest.Wanted() {
		pings = 150_000
	}
	w, unread := deafHost(t)
	for range pings / part {
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(w.In,
				strings.Repeat(servertest.Request("1", "ping", "{}")+"\n", part))
			sent <- err
		}()
		select {
		case err := <-sent:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(servertest.Soon):
			t.Fatal("the server does not read on")
		}
	}
	memory := w.PeakMemory()
	t.Logf("%d requests without a reader cost %d KiB", pings, memory)
	if memory > 300<<10 {
		t.Errorf("%d KiB", memory)
	}
	answers := make(chan int)
	go func() {
		n := 0
		for lines := bufio.NewScanner(unread); lines.Scan(); n++ {
		}
		answers <- n
	}()
	_, status := w.End()
	if n := <-answers; n != pings || status != 0 {
		t.Errorf("%d answers, status %d", n, status)
	}
}

// With thousands of calls outstanding that nobody reads the answers of, the server still sees that
// its host is gone, and ends. So much is outstanding in the last case that it has stopped reading.
func TestHostGoesWithMuchOutstanding(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the time that a host has to read")
	}
	if runtime.GOOS == "windows" {
		t.Skip("cannot see there that a host is gone while it does not read")
	}
	t.Parallel()
	sizes := []int{1000, 10_000}
	if longtest.Wanted() {
		sizes = append(sizes, 60_000)
	}
	for _, calls := range sizes {
		t.Run(fmt.Sprint(calls), func(t *testing.T) {
			t.Parallel()
			w := stuckServer(t)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				// An error says that the pipe was closed, below.
				_, _ = io.WriteString(w.In,
					strings.Repeat(servertest.ToolCall("1", "show", `{"id":"large"}`)+"\n", calls))
			}()
			limit := servertest.Soon
			if calls > 10_000 {
				limit = 3 * time.Second // what it does not read within this time it never will
			}
			select {
			case <-sent:
			case <-time.After(limit):
				if calls <= 10_000 {
					t.Error("the server does not read on")
				}
			}
			memory := w.PeakMemory()
			if t.Logf("%d KiB", memory); memory > 600<<10 {
				t.Errorf("%d KiB", memory)
			}
			began := time.Now()
			if _, status := w.End(); status != 1 {
				t.Errorf("status %d", status)
			}
			if took := time.Since(began); took > 4*stdio.DrainTime {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// stuckServer starts a server that has begun to write an answer longer than a pipe holds, which
// nobody reads.
func stuckServer(t *testing.T) *servertest.Wire {
	t.Helper()
	w, unread := deafHost(t)
	// six bytes each, twice
	text := "---\nstatus: open\n---\n# Large\n\n" + strings.Repeat("<", 30<<10)
	if err := os.WriteFile(filepath.Join(w.Cmd.Dir, ".tickets", "large.md"), []byte(text),
		0o666); err != nil {
		t.Fatal(err)
	}
	w.Send(servertest.ToolCall("1", "show", `{"id":"large"}`))
	if _, err := unread.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return w
}

// A server that cannot get rid of its answers ends nevertheless: as an orphan it would hold its
// claims for ever. After the end of input, or a signal, its calls have some time; a second signal
// ends it at once.
func TestHostNeverReads(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the time that a host has to read")
	}
	t.Parallel()
	ended, once, twice := stuckServer(t), stuckServer(t), stuckServer(t)
	if err := ended.In.Close(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" { // where a process cannot be interrupted by another one
		began := time.Now()
		once.Signal(syscall.SIGTERM)
		twice.Signal(os.Interrupt)
		twice.Signal(syscall.SIGTERM)
		if _, status := twice.Exit(); status != 1 || time.Since(began) >= stdio.DrainTime {
			t.Errorf("two signals: status %d after %s", status, time.Since(began))
		}
		if _, status := once.Exit(); status != 1 || time.Since(began) < stdio.DrainTime {
			t.Errorf("one signal: status %d after %s", status, time.Since(began))
		}
	}
	if _, status := ended.Exit(); status != 1 {
		t.Errorf("end of input: status %d", status)
	}
}

// A host that closes the server's standard error does not disturb the calls, though each of them is
// logged.
func TestStderrClosed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	logs, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := servertest.On(t, servertest.OpenTickets(t, "alpha"), "--log-level", "debug")
	cmd.Stderr = stderr
	w := servertest.Start(t, cmd)
	if err := stderr.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		id := fmt.Sprint(i)
		w.Send(servertest.ToolCall(id, "note", `{"id":"alpha","text":"noted"}`))
		if m := w.Answer(id); m.Kind() != "done" {
			t.Errorf("note: %s", m.Line)
		}
		if i == 5 {
			if text, err := bufio.NewReader(logs).ReadString('\n'); err != nil ||
				!strings.Contains(text, "note") {
				t.Errorf("log: %q %v", text, err)
			}
			if err := logs.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rest, status := w.End(); len(rest) > 0 || status != 0 {
		t.Errorf("%d answers too many, status %d", len(rest), status)
	}
}

// A host that closes the server's standard output does not end calls half way: what it sent is done
// until it closes the input.
func TestStdoutClosed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	w, unread := deafHost(t)
	w.Send(servertest.ToolCall("0", "show", `{"id":"alpha"}`))
	if _, err := bufio.NewReader(unread).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := unread.Close(); err != nil {
		t.Fatal(err)
	}
	w.Send("no JSON", servertest.ToolCall("1", "nope", "{}"))
	const notes = 20
	for range notes {
		w.Send(servertest.ToolCall("2", "note", `{"id":"alpha","text":"noted"}`))
	}
	_, status := w.End()
	text, err := os.ReadFile(filepath.Join(w.Cmd.Dir, ".tickets", "alpha.md"))
	if n := strings.Count(string(text), ": noted\n"); err != nil || n != notes || status != 0 {
		t.Errorf("%d of %d notes, %v, status %d", n, notes, err, status)
	}
	if logs := w.Stderr.String(); strings.Count(logs, "\n") != 1 ||
		!strings.Contains(logs, "broken pipe") && runtime.GOOS != "windows" {
		t.Errorf("log: %s", logs)
	}
}

// A signal ends a server that has nothing to do, and one whose call waits for a lock, which is
// answered; a second signal is not needed. The locks' own time is far longer.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted by another one on Windows")
	}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			w := servertest.Start(t, servertest.On(t, servertest.OpenTickets(t)))
			w.Lives()
			w.Signal(s)
			if rest, status := w.Exit(); len(rest) > 0 || status != 0 {
				t.Errorf("%d answers too many, status %d", len(rest), status)
			}
		})
		t.Run(s.String()+" while a call waits", func(t *testing.T) {
			w, relations := waitingCall(t)
			defer relations.Close()
			w.Signal(s)
			rest, status := w.Exit()
			if len(rest) != 1 || string(rest[0].ID) != `"waits"` || rest[0].Kind() != "refused" ||
				status != 0 || w.Stderr.String() != "" {
				t.Errorf("answers %v, status %d", rest, status)
			}
			if text, err := os.ReadFile(filepath.Join(w.Cmd.Dir, ".tickets",
				"alpha.md")); err != nil || strings.Contains(string(text), "in_progress") {
				t.Errorf("the ticket was started after all: %s %v", text, err)
			}
		})
	}
}

// waitingCall starts a server whose call "waits", a start of alpha, has the lock of that ticket and
// waits for the relations lock, which the test holds, as another process would.
func waitingCall(t *testing.T) (w *servertest.Wire, relations *flock.Flock) {
	t.Helper()
	dir := servertest.OpenTickets(t, "alpha", "beta")
	relations = flock.New(filepath.Join(dir, ".relations.lock"))
	if err := relations.Lock(); err != nil {
		t.Fatal(err)
	}
	w = servertest.Start(t, servertest.On(t, dir, "--lock-timeout", "10m"))
	w.Send(servertest.ToolCall(`"waits"`, "start", `{"id":"alpha"}`))
	for deadline := time.Now().Add(servertest.Soon); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "alpha.md.lock")); err == nil {
			return w, relations
		}
		if time.Now().After(deadline) {
			t.Fatal("the call does not begin")
		}
	}
}
