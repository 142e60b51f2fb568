package history_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// recorder starts sessions on a board and writes down what they are asked and what they answer.
type recorder struct {
	program string
	dir     string // the board
	began   time.Time

	mu      sync.Mutex
	entries []entry
	door    chan struct{} // of those who meet, nil before the first has come
	waiting int
}

func (r *recorder) now() int64 { return int64(time.Since(r.began)) }

func (r *recorder) record(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
}

// session is a server process and a client that takes calls from several goroutines at once, as the subagents of a real
// session make them.
type session struct {
	key string
	cmd *exec.Cmd

	mu      sync.Mutex
	in      io.WriteCloser
	calls   int
	waiting map[int]chan json.RawMessage
	gone    chan struct{} // closed when the process will answer no more
}

// keyOf is the key of a client's session id, computed here once more so that the program is not asked who it is.
func keyOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[:12]
}

// join starts a server process for the session of a client. It is killed when ctx ends.
func (r *recorder) join(ctx context.Context, id string, args ...string) (*session, error) {
	s := &session{key: keyOf(id), waiting: make(map[int]chan json.RawMessage), gone: make(chan struct{})}
	// On a slow machine a crowd waits long. That is not judged, but a lock that is never free is.
	s.cmd = exec.CommandContext(ctx, r.program, append([]string{"--dir", r.dir, "--lock-timeout", "1m"}, args...)...)
	s.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "TICKET_MCP_") || strings.HasPrefix(variable, "CLAUDE_")
	}), "CLAUDE_CODE_SESSION_ID="+id, "GORACE=atexit_sleep_ms=10") // the race detector holds a process back for a second
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go s.listen(bufio.NewReader(out))
	_, err = s.ask("initialize", map[string]any{
		"protocolVersion": "2025-06-18", "capabilities": struct{}{}, "clientInfo": map[string]string{"name": "history", "version": "1"},
	})
	if err == nil {
		_, err = io.WriteString(s.in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shake hands: %w", err), s.cmd.Process.Kill(), s.wait())
	}
	return s, nil
}

// listen hands each answer to whoever waits for it.
func (s *session) listen(out *bufio.Reader) {
	defer close(s.gone)
	for {
		line, err := out.ReadBytes('\n')
		if err != nil {
			return
		}
		var head struct{ ID int }
		if json.Unmarshal(line, &head) != nil {
			continue // then the call stays without an answer, which the test notices by its time-out
		}
		s.mu.Lock()
		wait := s.waiting[head.ID]
		delete(s.waiting, head.ID)
		s.mu.Unlock()
		if wait != nil {
			wait <- line
		}
	}
}

// ask sends a request and waits for its answer. An error: there is none, and the process has ended.
func (s *session) ask(method string, params any) (json.RawMessage, error) {
	answer := make(chan json.RawMessage, 1)
	if err := s.send(method, params, answer); err != nil {
		return nil, err
	}
	select {
	case line := <-answer:
		return line, nil
	case <-s.gone:
	}
	select {
	case line := <-answer: // it came right before the end
		return line, nil
	default:
		return nil, errors.New("the server ended")
	}
}

func (s *session) send(method string, params any, answer chan json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": s.calls, "method": method, "params": params})
	if err != nil {
		return err
	}
	s.waiting[s.calls] = answer
	_, err = s.in.Write(append(line, '\n'))
	return err
}

// wait closes the input of the process, which ends it, and waits for its end.
func (s *session) wait() error {
	_ = s.in.Close() // an error says that it is closed, which is all we want
	<-s.gone
	return s.cmd.Wait()
}

// leave ends a session as its client does; kill ends it at once. Both write down between which moments it ended.
func (r *recorder) leave(s *session, lane int) error { return r.end(s, lane, s.wait) }

func (r *recorder) kill(s *session, lane int) error {
	return r.end(s, lane, func() error {
		err := s.cmd.Process.Kill()
		_ = s.wait() // says only that it was killed
		return err
	})
}

func (r *recorder) end(s *session, lane int, how func() error) error {
	e := entry{op: spec.UserInput{Verb: death}, session: s.key, lane: lane, sent: r.now()}
	err := how()
	e.got = r.now()
	r.record(e)
	return err
}

// call makes one call and writes it down.
func (r *recorder) call(s *session, lane int, op spec.UserInput) entry {
	e := entry{op: op, session: s.key, lane: lane, sent: r.now()}
	line, err := s.tool(op)
	e.got = r.now()
	if err != nil {
		e.got = never
	} else {
		e.read(line)
	}
	r.record(e)
	return e
}

func (s *session) tool(op spec.UserInput) (json.RawMessage, error) {
	name := strings.Fields(string(op.Verb))[0] // "start next" is start
	return s.ask("tools/call", map[string]any{"name": name, "arguments": argumentsOf(op)})
}
