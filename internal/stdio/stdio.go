// Package stdio is the host's pipe: it runs an MCP server on standard input and output. Every
// request is answered once, under the id that it came with, also those that came just before the
// end of input; a message that nobody can take ends nothing. What the calls do is not its business.
package stdio

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"github.com/ticket-mcp/ticket-mcp/internal/task"
)

const (
	// MaxLine is the longest message taken, in bytes. What is longer is answered with an error and
	// skipped, not kept.
	MaxLine = 4 << 20
	// DrainTime is how long the end waits for the next answer: after the end of input, or after a
	// signal.
	DrainTime = 5 * time.Second
	// maxPending and maxHeld bound the requests that have no answer yet, in number and in bytes.
	// Beyond them no more are read. The number is the longest queue that mcp-go can have; when it
	// is full it stops reading as well, and would not see a cancellation.
	maxPending = 10_000
	maxHeld    = 64 << 20
	// Workers is how many calls run at once: calls that wait for a lock must not stop a show.
	Workers = 64
)

// Listen serves until in ends, when every request already received is answered first, or a signal
// comes, when what runs is stopped and answered. A second signal ends the process at once, and so
// does an end that takes too long. mcp-go alone would drop queued calls at the end of input and a
// last line without a newline. ended is called at the end of input, before the answers of what runs
// are waited for.
func Listen(ctx context.Context, s *server.MCPServer, in io.Reader, out io.Writer, ended func(),
	log *slog.Logger) error {
	// a host that closes our standard error must not kill a call half way
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := newPipe(in, out, log)
	p.ended = sync.OnceFunc(ended)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go p.exitInTime(signals, stop)
	hooks := cmp.Or(s.GetHooks(), &server.Hooks{})
	hooks.AddOnRequestInitialization(p.begin)
	p.offerTasks(s, hooks)
	server.WithHooks(hooks)(s)
	stdio := server.NewStdioServer(s)
	server.WithWorkerPoolSize(Workers)(stdio)
	server.WithQueueSize(maxPending)(stdio)
	stdio.SetErrorLogger(slog.NewLogLogger(log.Handler(), slog.LevelWarn))
	err := stdio.Listen(ctx, p, p)
	p.answers.close()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// pipe stands between mcp-go and the real streams. It hands on whole lines, lets the end of input
// through when every request has its answer, and gives requests ids of ours on their way in and
// back theirs on the way out: mcp-go reads numbers as float64, takes 1 and "1" for one request when
// it is cancelled, and mixes up requests that have the same id.
type pipe struct {
	source  io.Reader     // the real input
	in      *bufio.Reader // of source
	begun   bool          // the first line was read
	rest    []byte        // of a line that the reader has not taken yet
	answers *outbox
	tasks   *task.Table // the requests that were answered with a task
	log     *slog.Logger

	mu      sync.Mutex
	fewer   *sync.Cond // told when less is pending
	last    int
	pending map[string]*asked // requests without an answer, by our id as JSON
	held    int               // by pending, in bytes
	pulse   *pulse            // while there are any

	ended    func()        // to be told of the end of input; nil for nobody
	progress chan struct{} // told of answers, and of messages that the host took
	drained  chan struct{} // closed when the end of input is let through
}

func newPipe(in io.Reader, out io.Writer, log *slog.Logger) *pipe {
	p := &pipe{
		source: in, in: bufio.NewReaderSize(in, 64<<10), log: log,
		tasks: task.NewTable(time.Now), pending: make(map[string]*asked), pulse: newPulse(),
		progress: make(chan struct{}, 1), drained: make(chan struct{}),
	}
	p.fewer = sync.NewCond(&p.mu)
	p.answers = newOutbox(out, log, p.progress, p.exitIfOrphan)
	return p
}

// exitInTime stops the server at a signal, and ends the process where that takes too long: mcp-go
// waits for its calls without an end, and a host that does not read its answers would keep us, and
// our claims, alive.
func (p *pipe) exitInTime(signals <-chan os.Signal, stop func()) {
	select {
	case <-signals:
		stop()
	case <-p.drained:
	}
	limit := DrainTime
	if p.answers.stuck(DrainTime) {
		limit = 0 // it has had its time
	}
	select {
	case <-signals:
	case <-time.After(limit):
	}
	os.Exit(1)
}

// exitIfOrphan ends the process when the host does not read and is gone. With so much unread that
// we read no more, we would not see the end of input.
func (p *pipe) exitIfOrphan() {
	if hungUp(p.source) {
		p.log.Warn("the host has gone and left answers unread")
		os.Exit(1)
	}
}

// asked is a request without an answer.
type asked struct {
	id        json.RawMessage // the host's
	size      int             // that it counts for in held
	cancelled bool            // its answer must not be sent
}

// Read gives the next part of the next line.
func (p *pipe) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		line, tooLong, err := p.line()
		if tooLong {
			p.refuse(line)
			continue
		}
		if !p.begun {
			p.begun = true
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if line = p.received(line); line != nil {
				p.rest = append(line, '\n')
				break
			}
		}
		if err != nil {
			if p.ended != nil {
				p.ended()
			}
			p.drain()
			return 0, err
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// line reads one line; of one that is too long only the beginning, which may hold its id.
func (p *pipe) line() (line []byte, tooLong bool, err error) {
	const keep = 64 << 10
	for {
		part, err := p.in.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			tooLong = true
			line = line[:min(len(line), keep)]
		}
		if !tooLong {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// refuse answers a line that is too long, with its id if that is among the first members.
func (p *pipe) refuse(beginning []byte) {
	p.log.Warn("message too long", "limit", MaxLine)
	p.answers.put(fmt.Appendf(nil,
		`{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"the message is longer than %d bytes; send less text in one call"}}`+"\n", idOf(beginning).value, MaxLine))
}

// received gives a line the form in which mcp-go gets it; nil for one that is not for it. A
// subscription keeps its id, which stands in its messages as well, and is not waited for: it is
// answered when it ends, which may be never. It waits while too much is pending.
func (p *pipe) received(line []byte) []byte {
	var e struct {
		JSONRPC       string
		ID            *json.RawMessage
		Method        string
		Params        json.RawMessage
		Result, Error json.RawMessage
	}
	if json.Unmarshal(line, &e) != nil {
		return line
	}
	if e.ID != nil {
		if instead, served := p.serveTask(*e.ID, e.Method, e.Params); served {
			return instead
		}
	}
	if e.Method == "subscriptions/listen" {
		return line
	}
	if e.Result != nil || e.Error != nil {
		return nil // an answer: we ask the host nothing, and an answer is never answered
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Method == "notifications/cancelled" {
		return p.cancel(e.Params, line)
	}
	if e.Method == "" || e.ID == nil {
		return line // no request to mcp-go
	}
	for len(p.pending) >= maxPending || p.held >= maxHeld {
		p.fewer.Wait()
	}
	p.last++
	ours := fmt.Sprintf(`"ticket-mcp %d"`, p.last)
	// mcp-go keeps the line several times over.
	p.pending[ours] = &asked{id: *e.ID, size: 4 * len(line)}
	p.held += 4 * len(line)
	p.pulse.start()
	return withID(line, ours)
}

// cancel marks the requests that a notification cancels, and adds to it the names by which mcp-go
// knows them.
func (p *pipe) cancel(params json.RawMessage, notification []byte) []byte {
	var which struct{ RequestID json.RawMessage }
	if json.Unmarshal(params, &which) != nil {
		return notification
	}
	lines := notification // of a subscription, or too late
	for ours, a := range p.pending {
		if bytes.Equal(a.id, which.RequestID) {
			a.cancelled = true
			lines = slices.Concat(lines, []byte("\n"), cancelOf(ours))
		}
	}
	return lines
}

// cancelOf cancels a request in mcp-go.
func cancelOf(ours string) []byte {
	return fmt.Appendf(nil,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}`, ours)
}

// begin keeps a request from being served that was cancelled while it waited for its turn.
func (p *pipe) begin(_ context.Context, id, _ any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.pending[fmt.Sprintf("%q", id)]; a != nil && a.cancelled {
		return context.Canceled
	}
	return nil
}

// Write sends one message of mcp-go's, unless it answers a cancelled request. What becomes of it is
// not mcp-go's business: it would end at the first message that cannot be written, in the middle of
// other calls.
func (p *pipe) Write(b []byte) (int, error) {
	id := idOf(b)
	p.mu.Lock()
	a := p.pending[string(id.value)]
	p.mu.Unlock()
	switch {
	case a == nil && p.finishTask(string(id.value), b):
		return len(b), nil
	case a == nil:
		p.answers.put(bytes.Clone(b))
		return len(b), nil
	}
	if !p.answered(string(id.value), a) {
		p.answers.put(slices.Concat(b[:id.end-len(id.value)], a.id, b[id.end:]))
	}
	return len(b), nil
}

// answered takes a request from those that are pending, and reports whether it was cancelled.
func (p *pipe) answered(ours string, a *asked) (cancelled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, ours)
	p.held -= a.size
	if len(p.pending) == 0 {
		p.pulse.stop()
	}
	p.fewer.Signal()
	tell(p.progress)
	return a.cancelled
}

// drain waits until every request has its answer and the host has read it, as long as answers come
// and are read.
func (p *pipe) drain() {
	defer close(p.drained)
	for {
		p.mu.Lock()
		left := len(p.pending)
		p.mu.Unlock()
		if left == 0 && p.answers.empty() {
			return
		}
		select {
		case <-p.progress:
		case <-time.After(DrainTime):
			p.log.Warn("gave up on requests at the end of input", "unanswered", left, "unread",
				!p.answers.empty())
			return
		}
		if p.answers.stuck(DrainTime) {
			p.log.Warn("gave up on a host that does not read", "unanswered", left)
			return
		}
	}
}
