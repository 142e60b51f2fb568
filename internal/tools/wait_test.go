package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// onceMore is a board as a new process has it.
func onceMore(dir string) *tools.Board {
	return &tools.Board{
		Store:   ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout),
		Session: session.New("", time.Now), Now: time.Now, Agent: "me",
	}
}

// waited is an answer of wait.
type waited struct {
	Tickets []struct{ ID string }
	Cursor  string
}

// next waits once, as a new process, for what is new since a cursor.
func next(t *testing.T, dir, cursor, what string) (w waited, holds bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	args := map[string]any{"since": cursor}
	if what == "any" {
		args["ready"] = false
	}
	text, err := json.Marshal(args)
	must(t, err)
	waiter, err := onceMore(dir).NewWaiter(ctx, text, math.MaxInt)
	must(t, err)
	defer waiter.Close()
	answer, holds, err := waiter.Next(ctx)
	must(t, err)
	text, err = json.Marshal(answer)
	must(t, err)
	must(t, json.Unmarshal(text, &w))
	return w, holds
}

// TestWaitTellsEachTicketOnce: a chain of waits, each in a process of its own and only by the
// cursor of the one before, tells of each ticket that becomes ready, once, whatever the moment at
// which it does.
func TestWaitTellsEachTicketOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	w := testWorld(t)
	const tickets = 40
	made := make(chan string, tickets)
	go func() {
		defer close(made)
		b := onceMore(w.dir)
		for range tickets {
			time.Sleep(rand.N(4 * time.Millisecond))
			answer, err := b.Call(context.Background(), "create",
				json.RawMessage(`{"title":"New"}`))
			if err != nil {
				t.Error(err)
				return
			}
			text, err := json.Marshal(answer)
			if err != nil {
				t.Error(err)
				return
			}
			var created struct{ ID string }
			if err := json.Unmarshal(text, &created); err != nil {
				t.Error(err)
			}
			made <- created.ID
		}
	}()
	told := make(map[string]int)
	for cursor := ""; len(told) < tickets; {
		answer, holds := next(t, w.dir, cursor, "ready")
		if !holds {
			t.Fatalf("%d of %d tickets were told", len(told), tickets)
		}
		for _, ticket := range answer.Tickets {
			told[ticket.ID]++
		}
		cursor = answer.Cursor
	}
	for id := range made {
		if told[id] != 1 {
			t.Errorf("%s was told %d times", id, told[id])
		}
	}
}

// TestWaitForAnyChange: each change makes another cursor, in any process; no change, none.
func TestWaitForAnyChange(t *testing.T) {
	w := testWorld(t)
	b := onceMore(w.dir)
	change := func(tool, args string) {
		t.Helper()
		_, err := b.Call(t.Context(), tool, json.RawMessage(args))
		must(t, err)
	}
	w.write("t1.md", "---\nstatus: open\n---\n# One\n")
	look := func() string {
		t.Helper()
		answer, err := onceMore(w.dir).Call(t.Context(), "wait",
			json.RawMessage(`{"ready":false,"seconds":0}`))
		must(t, err)
		text, err := json.Marshal(answer)
		must(t, err)
		var seen waited
		must(t, json.Unmarshal(text, &seen))
		return seen.Cursor
	}
	cursor := look()
	for _, step := range [][2]string{
		{"note", `{"id":"t1","text":"x"}`}, {"start", `{"id":"t1"}`}, {"close",
			`{"id":"t1"}`}, {"create", `{"title":"Two"}`}, {"reopen", `{"id":"t1"}`},
	} {
		if again := look(); again != cursor {
			t.Errorf("before %s: another cursor without a change", step[0])
		}
		change(step[0], step[1])
		answer, holds := next(t, w.dir, cursor, "any")
		if !holds || answer.Cursor == cursor {
			t.Errorf("%s is no change", step[0])
		}
		cursor = answer.Cursor
	}
}

// TestWaitShowsThatItsConversationLives: while it lasts, as a call does when it comes: by a file
// that stands where others look, also when somebody removed that, and whose time is fresh.
func TestWaitShowsThatItsConversationLives(t *testing.T) {
	w := testWorld(t)
	w.write("t1.md", "---\nstatus: open\n---\n# One\n")
	b := onceMore(w.dir)
	var later atomic.Int64 // what its clock is ahead
	b.Session.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	call := func(tool, args string) {
		t.Helper()
		_, err := b.Call(t.Context(), tool, json.RawMessage(args))
		must(t, err)
	}
	call("start", `{"id":"t1"}`)
	ctx, cancel := context.WithCancel(t.Context())
	waiter, err := b.NewWaiter(ctx, json.RawMessage(`{"tag":"none"}`), 1)
	must(t, err)
	defer waiter.Close()
	slots := filepath.Join(w.dir, session.Folder, "*.lock")
	must(t, os.Remove(slotOf(t, slots)))
	later.Store(int64(time.Hour))
	waited := make(chan error)
	go func() {
		_, _, err := waiter.Next(ctx)
		waited <- err
	}()
	for deadline := time.Now().Add(30 * time.Second); ; {
		files, err := filepath.Glob(slots)
		must(t, err)
		if len(files) == 1 {
			if info, err := os.Stat(files[0]); err == nil &&
				time.Until(info.ModTime()) > time.Minute {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("files of the conversation, which waits: %v", files)
		}
		w.write("t2.md", "---\nstatus: closed\n---\n# Two\n") // it looks
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v", err)
	}
}

func slotOf(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("slots: %v", files)
	}
	return files[0]
}
