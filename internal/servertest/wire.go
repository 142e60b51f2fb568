package servertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// Soon is how long a test waits for what has to come at once, within a second that is: a loaded
// machine may need longer.
const Soon = 30 * time.Second

// Wire is a running ticket-mcp whose lines a test writes and reads itself, as no client library
// would let it.
type Wire struct {
	t       *testing.T
	Cmd     *exec.Cmd
	In      io.WriteCloser
	out     chan Message // what it wrote; closed when its standard output ends
	Stderr  Output
	waited  bool
	pinged  int
	Unasked []Message // read while another answer was waited for
}

// Message is a line that the server wrote.
type Message struct {
	Line   string
	ID     json.RawMessage
	Method string
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

// Output is a buffer that a process writes into while a test reads it.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// OpenTickets makes a board of open tickets with these ids.
func OpenTickets(t *testing.T, ids ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		text := fmt.Sprintf("---\nstatus: open\ncreated: 2026-01-04T05:22:09Z\n---\n# Ticket %s\n",
			id)
		if err := os.WriteFile(filepath.Join(dir, id+".md"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// On is the command of a server on a board, with these flags and a default environment. A server
// under the race detector need not sleep for a second at its end.
func On(t testing.TB, dir string, flags ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(Program(t), append([]string{"--dir", dir}, flags...)...)
	cmd.Dir, cmd.Env = filepath.Dir(dir), append(client.Environment(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// Start starts a server. Its standard output and error are the test's own business if the command
// has them already.
func Start(t *testing.T, cmd *exec.Cmd) *Wire {
	t.Helper()
	w := &Wire{t: t, Cmd: cmd, out: make(chan Message, 1<<14)}
	if cmd.Stderr == nil {
		cmd.Stderr = &w.Stderr
	}
	var err error
	if w.In, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	read := func() { close(w.out) }
	if cmd.Stdout == nil {
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		read = func() { w.read(stdout) }
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error says that it is gone
		for range w.out {
		}
		if !w.waited {
			_ = cmd.Wait() // killed
		}
		if t.Failed() {
			t.Logf("stderr of the server: %s", w.Stderr.String())
		}
	})
	go read()
	return w
}

// read takes what the server writes. Nothing but the protocol may be there: one object of JSON-RPC
// on each line.
func (w *Wire) read(stdout io.Reader) {
	defer close(w.out)
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var m struct {
				JSONRPC string
				Message
			}
			if bad := json.Unmarshal([]byte(line), &m); bad != nil || m.JSONRPC != "2.0" ||
				!strings.HasSuffix(line, "}\n") {
				w.t.Errorf("on standard output: %.200q: %v", line, bad)
			}
			m.Line = strings.TrimSuffix(line, "\n")
			w.out <- m.Message
		}
		if err != nil {
			return
		}
	}
}

// Send writes lines, as they are.
func (w *Wire) Send(lines ...string) {
	w.t.Helper()
	if _, err := io.WriteString(w.In, strings.Join(lines, "\n")+"\n"); err != nil {
		w.t.Fatalf("write to the server: %v", err)
	}
}

// Answer waits for the answer to a request.
func (w *Wire) Answer(id string) Message {
	w.t.Helper()
	for i, m := range w.Unasked {
		if string(m.ID) == id {
			w.Unasked = append(w.Unasked[:i:i], w.Unasked[i+1:]...)
			return m
		}
	}
	late := time.After(Soon)
	for {
		select {
		case m, open := <-w.out:
			if !open {
				w.t.Fatalf("the server ended without an answer to %s", id)
			}
			if string(m.ID) == id {
				return m
			}
			w.Unasked = append(w.Unasked, m)
		case <-late:
			w.t.Fatalf("no answer to %s after %s; others: %d", id, Soon, len(w.Unasked))
		}
	}
}

// Lives checks that the server still answers.
func (w *Wire) Lives() {
	w.t.Helper()
	w.pinged++
	id := fmt.Sprintf(`"ping %d"`, w.pinged)
	began := time.Now()
	w.Send(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`)
	if m := w.Answer(id); m.Error != nil {
		w.t.Errorf("ping: %s", m.Line)
	}
	if took := time.Since(began); took > time.Second {
		w.t.Logf("an answer took %s", took)
	}
}

// End closes the server's input and returns what it still wrote and its exit status.
func (w *Wire) End() (rest []Message, status int) {
	w.t.Helper()
	if err := w.In.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		w.t.Fatal(err)
	}
	return w.Exit()
}

// Exit waits for the end of the server.
func (w *Wire) Exit() (rest []Message, status int) {
	w.t.Helper()
	rest, w.Unasked, w.waited = w.Unasked, nil, true
	end := make(chan error, 1)
	go func() {
		for m := range w.out {
			rest = append(rest, m)
		}
		end <- w.Cmd.Wait()
	}()
	select {
	case err := <-end:
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			w.t.Fatal(err)
		}
		return rest, w.Cmd.ProcessState.ExitCode()
	case <-time.After(2*stdio.DrainTime + Soon):
		w.t.Fatal("the server does not end")
	}
	return nil, -1
}

func Request(id, method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, method, params)
}

func ToolCall(id, tool, arguments string) string {
	return Request(id, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, arguments))
}

// Kind says in a word what an answer is.
func (m Message) Kind() string {
	switch {
	case m.Error != nil:
		return strconv.Itoa(m.Error.Code)
	case bytes.Contains(m.Result, []byte(`"isError":true`)):
		return "refused"
	}
	return "done"
}

// AnswersUntilPing sends lines and a ping, waits for the answer to the ping and as many other
// answers as are wanted, and returns those. Nothing that comes later is missed: the end of the test
// looks for it.
func (w *Wire) AnswersUntilPing(lines []string, n int) []Message {
	w.t.Helper()
	w.Send(lines...)
	w.Lives()
	late := time.After(Soon)
	for len(w.Unasked) < n {
		select {
		case m, open := <-w.out:
			if !open {
				w.t.Fatal("the server ended")
			}
			w.Unasked = append(w.Unasked, m)
		case <-late:
			w.t.Fatalf("%d answers instead of %d to %.200q", len(w.Unasked), n, lines)
		}
	}
	got := w.Unasked
	w.Unasked = nil
	return got
}

var vmHWM = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// PeakMemory is the most memory that the server had at any time, in KiB, where the system tells.
func (w *Wire) PeakMemory() int {
	w.t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.Cmd.Process.Pid))
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := strconv.Atoi(string(vmHWM.FindSubmatch(status)[1]))
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Signal sends the server a signal.
func (w *Wire) Signal(s os.Signal) {
	w.t.Helper()
	if err := w.Cmd.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
}
