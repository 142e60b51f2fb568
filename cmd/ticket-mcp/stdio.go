package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/mark3labs/mcp-go/server"
)

const (
	// maxLine is the longest message taken, in bytes. What is longer is answered with an error and skipped, not kept.
	maxLine = 4 << 20
	// drainTime bounds the wait for answers after standard input has ended.
	drainTime = 5 * time.Second
	// workers is how many calls run at once: calls that wait for a lock must not stop a show.
	workers = 64
)

// listen serves until in ends, when every request already received is answered first, or a signal comes. A second signal ends
// the process at once. mcp-go alone would drop queued calls at the end of input and a last line without a newline.
func listen(ctx context.Context, s *server.MCPServer, in io.Reader, out io.Writer, log *slog.Logger) error {
	signal.Ignore(syscall.SIGPIPE) // a host that closes our standard error must not kill a call half way
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		stop()
		select {
		case <-signals:
		case <-time.After(drainTime):
		}
		os.Exit(1)
	}()
	p := &pipe{in: bufio.NewReaderSize(in, 64<<10), out: out, pending: make(map[string]int), dropped: make(map[string]bool), idle: make(chan struct{}, 1), log: log}
	stdio := server.NewStdioServer(s)
	server.WithWorkerPoolSize(workers)(stdio)
	server.WithQueueSize(10000)(stdio)
	stdio.SetErrorLogger(slog.NewLogLogger(log.Handler(), slog.LevelWarn))
	err := stdio.Listen(ctx, p, p)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// pipe stands between mcp-go and the real streams: it hands on whole lines, counts the requests that came and the answers that
// went, and lets the end of input through when they are equal.
type pipe struct {
	in   *bufio.Reader
	rest []byte // of a line that the reader has not taken yet
	log  *slog.Logger

	mu      sync.Mutex
	out     io.Writer
	pending map[string]int  // requests without an answer, by id
	dropped map[string]bool // requests that were cancelled: their answer must not be sent
	ended   bool
	idle    chan struct{} // told when the last answer went after the end
}

// Read gives the next part of the next line.
func (p *pipe) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		line, tooLong, err := p.line()
		if tooLong {
			p.refuse(line)
			continue
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			p.received(line)
			p.rest = append(line, '\n')
			break
		}
		if err != nil {
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
		if len(line)+len(part) > maxLine {
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

// refuse answers a line that is too long.
func (p *pipe) refuse(beginning []byte) {
	p.log.Warn("message too long", "limit", maxLine)
	answer := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"the message is longer than %d bytes; send less text in one call"}}`+"\n", idAtStart(beginning), maxLine)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.out, answer); err != nil {
		p.log.Warn("write answer", "err", err)
	}
}

// idAtStart looks for the id among the first members of a message that is cut off; null when it is not there.
func idAtStart(beginning []byte) string {
	d := json.NewDecoder(bytes.NewReader(beginning))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "null"
	}
	for {
		key, err := d.Token()
		if err != nil {
			return "null"
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return "null"
		}
		if key == "id" {
			return string(value)
		}
	}
}

// envelope is what tells requests from answers and notifications.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// received counts a request, or notes that one was cancelled. A subscription is answered when it ends, which may be never.
func (p *pipe) received(line []byte) {
	var e envelope
	if json.Unmarshal(line, &e) != nil || e.Method == "" || e.Method == "subscriptions/listen" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Method == "notifications/cancelled" {
		var cancelled struct {
			RequestID json.RawMessage `json:"requestId"`
		}
		if json.Unmarshal(e.Params, &cancelled) == nil && p.pending[canonicalID(cancelled.RequestID)] > 0 {
			p.dropped[canonicalID(cancelled.RequestID)] = true
		}
	}
	if len(e.ID) > 0 && string(e.ID) != "null" {
		p.pending[canonicalID(e.ID)]++
	}
}

// canonicalID is an id as mcp-go gives it back: it reads numbers as float64.
func canonicalID(id json.RawMessage) string {
	var v any
	if json.Unmarshal(id, &v) != nil {
		return string(id)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return string(id)
	}
	return string(text)
}

// Write sends one message of mcp-go's.
func (p *pipe) Write(b []byte) (int, error) {
	var e envelope
	isAnswer := json.Unmarshal(b, &e) == nil && e.Method == "" && len(e.ID) > 0
	p.mu.Lock()
	defer p.mu.Unlock()
	id := canonicalID(e.ID)
	n, err := len(b), error(nil)
	if isAnswer && p.dropped[id] {
		delete(p.dropped, id)
	} else {
		n, err = p.out.Write(b)
	}
	if isAnswer {
		if p.pending[id]--; p.pending[id] <= 0 {
			delete(p.pending, id)
		}
		if p.ended && len(p.pending) == 0 {
			select {
			case p.idle <- struct{}{}:
			default:
			}
		}
	}
	return n, err
}

// drain waits until every request has its answer, at most drainTime.
func (p *pipe) drain() {
	p.mu.Lock()
	p.ended = true
	empty := len(p.pending) == 0
	p.mu.Unlock()
	if empty {
		return
	}
	select {
	case <-p.idle:
	case <-time.After(drainTime):
		p.log.Warn("gave up on unanswered requests at the end of input")
	}
}
