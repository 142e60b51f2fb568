package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/task"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

type waitIn struct {
	Ready   *bool    `json:"ready"`
	ID      []string `json:"id"`
	Since   string   `json:"since"`
	Seconds *int     `json:"seconds"`
	Type    string   `json:"type"`
	Parent  *string  `json:"parent"`
	Tag     string   `json:"tag"`
}

// waitAnswer says whether what was waited for has come, and the cursor to wait on from.
type waitAnswer struct {
	TimedOut bool `json:"timed_out,omitempty"`
	// that can be started now, or have changed; none where only a cursor knows the former ones
	Tickets []row  `json:"tickets"`
	More    int    `json:"more,omitempty"`
	Cursor  string `json:"cursor"`
	Message string `json:"message"`
	place
}

func (a waitAnswer) Text() string {
	lines := []string{a.Message}
	if len(a.Tickets) > 0 {
		lines = append(lines, a.Lines()...)
	}
	if a.More > 0 {
		lines = append(lines, fmt.Sprintf("+%d more", a.More))
	}
	return joinLines(append(lines, "cursor: "+a.Cursor, a.place.Text())...)
}

// Lines are the tickets, or what is known without them, for whoever reads along.
func (a waitAnswer) Lines() []string {
	if len(a.Tickets) == 0 {
		return []string{a.Message}
	}
	var lines []string
	for _, r := range a.Tickets {
		lines = append(lines, r.line())
	}
	return lines
}

// maxWaiting is how many calls may wait in one server. They take half of those that run at once, so
// that others go on.
const maxWaiting = 32

// errEnded ends waits when the host sends no more.
var errEnded = errors.New("the host has closed its end")

// wait waits for work, or for a change, as long as the client bears.
func (c *call) wait(ctx context.Context, in waitIn) (Answer, error) {
	if c.Board.waiting.Add(1) > maxWaiting {
		c.Board.waiting.Add(-1)
		return nil, ticketfs.Refuse(ticketfs.Busy, "end your turn, or call ready now and then",
			"%d calls wait in this server already", maxWaiting)
	}
	defer c.Board.waiting.Add(-1)
	const most = 5
	w, err := c.newWaiter(in, most)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	patience := longestWait(c.client)
	later := task.FromContext(ctx)
	if later != nil {
		patience = longestTask
	}
	if in.Seconds != nil {
		patience = min(patience, time.Duration(*in.Seconds)*time.Second)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-c.Ended:
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	if later != nil && patience > 0 {
		w.sleeps = func(why string) { later(nothingYet(why), patience) }
	}
	limited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	next, holds, err := w.Next(limited)
	if a, ok := next.(waitAnswer); ok && !holds && patience > 0 && later == nil &&
		!errors.Is(context.Cause(ctx), errEnded) {
		a.Message += "; do not call wait again in a loop: end your turn, or run `ticket-mcp wait` in the background"
		next = a
	}
	return next, err
}

// longestTask bounds a wait that is answered as a task: no call hangs on it.
const longestTask = 24 * time.Hour

// longestWait is how long a call may last, by the client that makes it. Most give up after a minute
// and take the server for broken; Codex waits 5 minutes and Gemini CLI 10; Claude Code sends what
// takes long to the background by itself.
func longestWait(client string) time.Duration {
	switch name := fold(client); {
	case strings.HasPrefix(name, "claude-code"), strings.HasPrefix(name, "gemini"):
		return 300 * time.Second
	case strings.HasPrefix(name, "codex"):
		return 240 * time.Second
	}
	return 50 * time.Second
}
