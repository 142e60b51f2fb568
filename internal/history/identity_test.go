package history_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// Who is who: sessions whose server is started again, and sessions that seem to be one.

// table is a board with tickets that any number of sessions may come to, for tests that make one
// call after the other.
type table struct {
	*recorder
	t *testing.T
}

func newTable(t *testing.T, board map[string]spec.Ticket) table {
	t.Helper()
	return tableFor(t, realServer(t), board)
}

func tableFor(t *testing.T, program string, board map[string]spec.Ticket) table {
	t.Helper()
	r := &recorder{program: program, dir: filepath.Join(t.TempDir(), ".tickets"), began: time.Now()}
	if err := layOut(r.dir, board, ""); err != nil {
		t.Fatal(err)
	}
	return table{r, t}
}

func (b table) sit(id string, args ...string) *session {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.t.Context(), playTime)
	b.t.Cleanup(end)
	s, err := b.join(ctx, id, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// says makes a call and wants one of these outcomes.
func (b table) says(s *session, op spec.UserInput, want ...string) entry {
	b.t.Helper()
	e := b.call(s, 0, op)
	if !slices.Contains(want, outcome(e)) {
		b.t.Errorf("want %v: %s", want, e)
	}
	return e
}

// outcome is an answer in a word: "done", "already", "taken over", or a code.
func outcome(e entry) string {
	switch {
	case e.done() && e.result.AlreadyYours:
		return "already"
	case e.done() && e.result.TakenOver:
		return "taken over"
	case e.done():
		return "done"
	}
	return string(e.result.Code)
}

func (b table) rises(s *session) {
	b.t.Helper()
	if err := b.leave(s, 0); err != nil {
		b.t.Error(err)
	}
}

func start(id string) spec.UserInput { return spec.UserInput{Verb: spec.Start, ID: id} }
func takeOver(id string) spec.UserInput {
	return spec.UserInput{Verb: spec.Start, ID: id,
		Takeover: true}
}
func finish(id string) spec.UserInput  { return spec.UserInput{Verb: spec.Close, ID: id} }
func release(id string) spec.UserInput { return spec.UserInput{Verb: spec.Release, ID: id} }

// A server that its client starts again is the same session: it holds what the session held.
func TestRestart(t *testing.T) {
	b := newTable(t, loose(2))
	other := b.sit("other")
	first := b.sit("client")
	b.says(first, start("t00"), "done")
	b.says(first, start("t01"), "done")
	b.says(other, takeOver("t00"), "claimed")
	b.rises(first)

	second := b.sit("client") // after a clean end
	b.says(second, start("t00"), "already")
	b.says(other, takeOver("t00"), "claimed")
	if err := b.kill(second, 0); err != nil {
		t.Fatal(err)
	}

	third := b.sit("client") // after a kill, and without a start before the close
	b.says(third, finish("t01"), "done")
	b.says(other, takeOver("t00"), "claimed") // the close has shown that the session lives

	// The next server comes while the last one still drains. Before its first claim it is the same
	// session as soon as that ends.
	fourth := b.sit("client")
	b.says(fourth, takeOver("t00"), "claimed")
	b.rises(third)
	b.says(fourth, start("t00"), "already")
	b.says(other, takeOver("t00"), "claimed")
	b.rises(fourth)
	fifth := b.sit("client")
	b.says(fifth, release("t00"), "done")
	b.says(other, start("t00"), "done")
	b.rises(fifth)
	b.rises(other)
}

// Servers that live at the same time and were given one session id are different sessions.
func TestTwins(t *testing.T) {
	const twins = 6
	b := newTable(t, loose(twins))
	sessions := make([]*session, twins)
	keys := make([]string, twins)
	var group sync.WaitGroup
	for i := range sessions {
		sessions[i] = b.sit("twin")
	}
	for i, s := range sessions {
		group.Go(func() { keys[i] = b.claim(s, ticketID(i)) })
	}
	group.Wait()
	if distinct := slices.Compact(slices.Sorted(slices.Values(keys))); len(distinct) != twins ||
		!slices.Contains(keys, keyOf("twin")) {
		t.Errorf("twins claim as %v; want %d keys, one of them %s", keys, twins, keyOf("twin"))
	}
	for i, s := range sessions {
		s.key = keys[i]
		for j := range sessions {
			if id := ticketID(j); i != j {
				b.says(s, takeOver(id), "claimed")
				b.says(s, finish(id), "claimed")
				b.says(s, release(id), "claimed")
			}
		}
	}
	for i, s := range sessions {
		b.says(s, finish(ticketID(i)), "done")
		b.rises(s)
	}
}

// claim starts a ticket and returns the key that the claim in the file names.
func (b table) claim(s *session, id string) string {
	if _, err := s.tool(start(id)); err != nil {
		b.t.Error(err)
	}
	var h history
	if err := h.readFiles(b.dir); err != nil {
		b.t.Error(err)
	}
	if h.after[id].Status != spec.InProgress {
		b.t.Errorf("%s: %+v", id, h.after[id])
	}
	return h.after[id].Holder
}
