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
	sites   []site // where the processes are started, when that is not the same for all
	began   time.Time
	// lag is how long after the end of a session it may still seem to live, and what it sent last
	// may have its effect.
	lag time.Duration

	mu      sync.Mutex
	entries []entry
	apart   map[string]time.Duration // the clocks of sessions, by their keys
	door    chan struct{}            // of those who meet, nil before the first has come
	waiting int
}

func (r *recorder) now() int64 { return int64(time.Since(r.began)) }

func (r *recorder) record(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
}

// clockOf writes down how far the clock of a session is off.
func (r *recorder) clockOf(key string, apart time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.apart == nil {
		r.apart = make(map[string]time.Duration)
	}
	r.apart[key] = apart
}

// session is a conversation that a server process serves. A process may serve several.
type session struct {
	*process
	key string
	// of each call: what names the conversation, nil where the environment of the process does
	meta map[string]any
}

// process is a server and a client that takes calls from several goroutines at once, as the
// subagents of a real session make them.
type process struct {
	cmd *exec.Cmd

	mu      sync.Mutex
	input   io.WriteCloser
	calls   int
	waiting map[int]chan json.RawMessage
	gone    chan struct{} // closed when the process will answer no more
}

// keyOf is the key of a client's session id, computed here once more so that the program is not
// asked who it is.
func keyOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[:12]
}

// in is another conversation with the same process.
func (s *session) in(conversation string) *session {
	return &session{process: s.process, key: keyOf(conversation),
		meta: map[string]any{"ticket-mcp/session": conversation}}
}

// site is a place in which server processes are started.
type site struct {
	args, env []string
	start     func(*exec.Cmd) error
	apart     time.Duration // how far its clock is off
}

// here is a site on this machine.
func here(args ...string) site { return site{args: args, start: (*exec.Cmd).Start} }

// at is the site of the sessions of a place in a play.
func (r *recorder) at(place int) site {
	if len(r.sites) > 0 {
		return r.sites[place%len(r.sites)]
	}
	return r.home()
}

// home is the site of a board on this machine. On a slow machine a crowd waits long. That is not
// judged, but a lock that is never free is.
func (r *recorder) home(args ...string) site {
	return here(append([]string{"--dir", r.dir, "--lock-timeout", "1m"}, args...)...)
}

// join starts a server process for the session of a client. It is killed when ctx ends.
func (r *recorder) join(ctx context.Context, id string, args ...string) (*session, error) {
	return r.joinAt(ctx, r.home(args...), id)
}

func (r *recorder) joinAt(ctx context.Context, where site, id string) (*session, error) {
	s := &session{key: keyOf(id), process: &process{waiting: make(map[int]chan json.RawMessage),
		gone: make(chan struct{})}}
	s.cmd = exec.CommandContext(ctx, r.program, where.args...)
	s.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "TICKET_MCP_") || strings.HasPrefix(variable, "CLAUDE_")
	}), "CLAUDE_CODE_SESSION_ID="+id, "GORACE=atexit_sleep_ms=10") // the race detector holds a process back for a second
	s.cmd.Env = append(s.cmd.Env, where.env...)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := where.start(s.cmd); err != nil {
		return nil, err
	}
	r.clockOf(s.key, where.apart)
	go s.listen(bufio.NewReader(out))
	_, err = s.ask("initialize", map[string]any{
		"protocolVersion": "2025-06-18", "capabilities": struct{}{}, "clientInfo": map[string]string{"name": clientName, "version": "1"},
	})
	if err == nil {
		_, err = io.WriteString(s.input,
			`{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shake hands: %w", err), s.cmd.Process.Kill(), s.wait())
	}
	return s, nil
}

// listen hands each answer to whoever waits for it.
func (p *process) listen(out *bufio.Reader) {
	defer close(p.gone)
	for {
		line, err := out.ReadBytes('\n')
		if err != nil {
			return
		}
		var head struct{ ID int }
		if json.Unmarshal(line, &head) != nil {
			// then the call stays without an answer, which the test notices by its time-out
			continue
		}
		p.mu.Lock()
		wait := p.waiting[head.ID]
		delete(p.waiting, head.ID)
		p.mu.Unlock()
		if wait != nil {
			wait <- line
		}
	}
}

// ask sends a request and waits for its answer. An error: there is none, and the process has ended.
func (p *process) ask(method string, params any) (json.RawMessage, error) {
	answer := make(chan json.RawMessage, 1)
	if err := p.send(method, params, answer); err != nil {
		return nil, err
	}
	select {
	case line := <-answer:
		return line, nil
	case <-p.gone:
	}
	select {
	case line := <-answer: // it came right before the end
		return line, nil
	default:
		return nil, errors.New("the server ended")
	}
}

func (p *process) send(method string, params any, answer chan json.RawMessage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": p.calls, "method": method,
		"params": params})
	if err != nil {
		return err
	}
	p.waiting[p.calls] = answer
	_, err = p.input.Write(append(line, '\n'))
	return err
}

// wait closes the input of the process, which ends it, and waits for its end.
func (p *process) wait() error {
	_ = p.input.Close() // an error says that it is closed, which is all we want
	<-p.gone
	return p.cmd.Wait()
}

// leave ends the process of a session as its client does; kill ends it at once. Both write down
// between which moments the session ended, and the others that the process served.
func (r *recorder) leave(s *session, lane int, others ...*session) error {
	return r.end(lane, s.wait, append(others, s)...)
}

func (r *recorder) kill(s *session, lane int, others ...*session) error {
	return r.end(lane, func() error {
		err := s.cmd.Process.Kill()
		_ = s.wait() // says only that it was killed
		return err
	}, append(others, s)...)
}

func (r *recorder) end(lane int, how func() error, sessions ...*session) error {
	sent := r.now()
	err := how()
	got := r.now() + int64(r.lag)
	for _, s := range sessions {
		r.record(entry{op: spec.UserInput{Verb: death}, session: s.key, lane: lane, sent: sent,
			got: got})
	}
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
	for _, part := range e.parts() {
		r.record(part)
	}
	return e
}

func (s *session) tool(op spec.UserInput) (json.RawMessage, error) {
	name := strings.Fields(string(op.Verb))[0] // "start next" is start
	params := map[string]any{"name": name, "arguments": argumentsOf(op)}
	if s.meta != nil {
		params["_meta"] = s.meta
	}
	return s.ask("tools/call", params)
}
