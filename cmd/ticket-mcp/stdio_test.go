package main

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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// soon is how long a test waits for what has to come at once, within a second that is: a loaded machine may need longer.
const soon = 30 * time.Second

// wire is a running ticket-mcp whose lines a test writes and reads itself, as no client library would let it.
type wire struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     chan message // what it wrote; closed when its standard output ends
	stderr  output
	waited  bool
	pinged  int
	unasked []message // read while another answer was waited for
}

// message is a line that the server wrote.
type message struct {
	line   string
	ID     json.RawMessage
	Method string
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

// output is a buffer that a process writes into while a test reads it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// openTickets makes a board of open tickets with these ids.
func openTickets(t *testing.T, ids ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		text := fmt.Sprintf("---\nstatus: open\ncreated: 2026-01-04T05:22:09Z\n---\n# Ticket %s\n", id)
		if err := os.WriteFile(filepath.Join(dir, id+".md"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serverOn is the command of a server on a board, with these flags and a default environment. A server under the race detector
// need not sleep for a second at its end.
func serverOn(dir string, flags ...string) *exec.Cmd {
	cmd := exec.Command("ticket-mcp", append([]string{"--dir", dir}, flags...)...)
	cmd.Dir, cmd.Env = filepath.Dir(dir), append(client.Environment(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// startWire starts a server. Its standard output and error are the test's own business if the command has them already.
func startWire(t *testing.T, cmd *exec.Cmd) *wire {
	t.Helper()
	w := &wire{t: t, cmd: cmd, out: make(chan message, 1<<14)}
	if cmd.Stderr == nil {
		cmd.Stderr = &w.stderr
	}
	var err error
	if w.in, err = cmd.StdinPipe(); err != nil {
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
			t.Logf("stderr of the server: %s", w.stderr.String())
		}
	})
	go read()
	return w
}

// read takes what the server writes. Nothing but the protocol may be there: one object of JSON-RPC on each line.
func (w *wire) read(stdout io.Reader) {
	defer close(w.out)
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var m struct {
				JSONRPC string
				message
			}
			if bad := json.Unmarshal([]byte(line), &m); bad != nil || m.JSONRPC != "2.0" || !strings.HasSuffix(line, "}\n") {
				w.t.Errorf("on standard output: %.200q: %v", line, bad)
			}
			m.line = strings.TrimSuffix(line, "\n")
			w.out <- m.message
		}
		if err != nil {
			return
		}
	}
}

// send writes lines, as they are.
func (w *wire) send(lines ...string) {
	w.t.Helper()
	if _, err := io.WriteString(w.in, strings.Join(lines, "\n")+"\n"); err != nil {
		w.t.Fatalf("write to the server: %v", err)
	}
}

// answer waits for the answer to a request.
func (w *wire) answer(id string) message {
	w.t.Helper()
	for i, m := range w.unasked {
		if string(m.ID) == id {
			w.unasked = append(w.unasked[:i:i], w.unasked[i+1:]...)
			return m
		}
	}
	late := time.After(soon)
	for {
		select {
		case m, open := <-w.out:
			if !open {
				w.t.Fatalf("the server ended without an answer to %s", id)
			}
			if string(m.ID) == id {
				return m
			}
			w.unasked = append(w.unasked, m)
		case <-late:
			w.t.Fatalf("no answer to %s after %s; others: %d", id, soon, len(w.unasked))
		}
	}
}

// lives checks that the server still answers.
func (w *wire) lives() {
	w.t.Helper()
	w.pinged++
	id := fmt.Sprintf(`"ping %d"`, w.pinged)
	began := time.Now()
	w.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`)
	if m := w.answer(id); m.Error != nil {
		w.t.Errorf("ping: %s", m.line)
	}
	if took := time.Since(began); took > time.Second {
		w.t.Logf("an answer took %s", took)
	}
}

// end closes the server's input and returns what it still wrote and its exit status.
func (w *wire) end() (rest []message, status int) {
	w.t.Helper()
	if err := w.in.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		w.t.Fatal(err)
	}
	return w.exit()
}

// exit waits for the end of the server.
func (w *wire) exit() (rest []message, status int) {
	w.t.Helper()
	rest, w.unasked, w.waited = w.unasked, nil, true
	end := make(chan error, 1)
	go func() {
		for m := range w.out {
			rest = append(rest, m)
		}
		end <- w.cmd.Wait()
	}()
	select {
	case err := <-end:
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			w.t.Fatal(err)
		}
		return rest, w.cmd.ProcessState.ExitCode()
	case <-time.After(2*stdio.DrainTime + soon):
		w.t.Fatal("the server does not end")
	}
	return nil, -1
}

func request(id, method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, method, params)
}

func toolCall(id, tool, arguments string) string {
	return request(id, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, arguments))
}

// Every request that came before the end of input is answered once, and then the server ends, content. The last line needs no
// newline, lines may end with CR LF, and blank lines are nothing.
func TestPipedCalls(t *testing.T) {
	for _, test := range []struct {
		name     string
		calls    int
		times    int
		eol, end string
	}{
		{"300 calls", 300, 5, "\n", ""},
		{"1000 calls", 1000, 1, "\r\n", "\r\n"},
		{"one call", 1, 5, "\n", ""},
		{"blank lines", 20, 1, "\n\n \t\r\n", "\n \n"},
		{"nothing", 0, 1, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := openTickets(t, "alpha")
			for range test.times {
				w := startWire(t, serverOn(dir))
				var lines []string
				for i := range test.calls {
					call := toolCall(fmt.Sprint(i), "show", `{"id":"alpha"}`)
					if i%10 == 0 {
						call = toolCall(fmt.Sprint(i), "note", fmt.Sprintf(`{"id":"alpha","text":"note %d"}`, i))
					}
					lines = append(lines, call)
				}
				if _, err := io.WriteString(w.in, strings.Join(lines, test.eol)+test.end); err != nil {
					t.Fatal(err)
				}
				rest, status := w.end()
				answers := make(map[string]int)
				for _, m := range rest {
					if answers[string(m.ID)]++; m.Error != nil || bytes.Contains(m.Result, []byte(`"isError":true`)) {
						t.Errorf("%s", m.line)
					}
				}
				for i := range test.calls {
					if n := answers[fmt.Sprint(i)]; n != 1 {
						t.Errorf("call %d was answered %d times", i, n)
					}
				}
				if len(rest) != test.calls || status != 0 || w.stderr.String() != "" {
					t.Errorf("%d calls: %d answers, status %d", test.calls, len(rest), status)
				}
			}
		})
	}
}
