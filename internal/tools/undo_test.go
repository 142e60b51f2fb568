package tools_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// TestUndoKeepsTheRules: whatever was done, and whoever's part of it is undone, no rule between
// tickets is broken; a dry run writes nothing, and what is refused stays as it was.
func TestUndoKeepsTheRules(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	dir := t.TempDir()
	undone, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, dir)
		operate := func(verb spec.Verb) func(*rapid.T) {
			return func(t *rapid.T) {
				w.now = w.now.Add(time.Second)
				s, u := drawOp(t, w, verb)
				w.do(s, u)
			}
		}
		undo := func(t *rapid.T) {
			s := w.session(pick(t, people, "who undoes"))
			if s.board == nil {
				w.begin(s)
			}
			wish := tools.UndoWish{By: pick(t, []string{"one", "two", "s1", "s2", "Ada"}, "by"),
				Since: pick(t, []string{"3s", "1h"}, "since")}
			before := w.look()
			if _, err := s.board.Undo(context.Background(), wish); err != nil {
				t.Fatal(err)
			}
			w.unwritten(before, "a dry run")
			wish.Do = true
			answer, err := s.board.Undo(context.Background(), wish)
			if err != nil {
				t.Fatal(err)
			}
			after := w.look()
			written, _ := written(before, after)
			for _, ticket := range answer.Tickets {
				if ticket.Reason != "" && slices.Contains(written, ticket.ID) {
					t.Errorf("%s was written, though not undone: %s", ticket.ID, ticket.Reason)
				}
			}
			if bad := spec.Invariants(after.state); len(bad) > 0 {
				t.Errorf("after %+v: %q\n%s\nbefore:\n%s\nand now:\n%s", wish, bad, answer.Text(),
					before.dump(), after.dump())
			}
			undone += len(answer.Tickets) - answer.Refused
			refused += answer.Refused
		}
		actions := map[string]func(*rapid.T){
			"start": operate(spec.Start), "close": operate(spec.Close), "block": operate(spec.Block), "create": operate(spec.Create),
			"reopen": operate(spec.Reopen), "update": operate(spec.Update), "unblock": operate(spec.Unblock), "release": operate(spec.Release),
			"undo": undo,
		}
		for range 3 {
			operate(spec.Create)(t)
		}
		t.Repeat(actions)
		undo(t)
	})
	t.Logf("%d undone, %d refused", undone, refused)
	if undone == 0 || refused == 0 {
		t.Error("nothing was undone, or nothing refused")
	}
}
