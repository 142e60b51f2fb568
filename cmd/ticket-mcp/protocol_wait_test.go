package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

func cancelOf(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":"changed my mind"}}`, id)
}

// At the end of input the server waits for its calls as long as answers come: here longer than it would wait for one.
func TestEndWhileCallsWait(t *testing.T) {
	t.Parallel()
	dir := openTickets(t, "alpha")
	held := flock.New(filepath.Join(dir, "alpha.md.lock"))
	if err := held.Lock(); err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	const wait = stdio.DrainTime * 11 / 20
	w := startWire(t, serverOn(dir, "--lock-timeout", wait.String()))
	const calls = stdio.Workers + 1 // the last one begins to wait when the others have given up
	for i := range calls {
		w.send(toolCall(fmt.Sprint(i), "note", `{"id":"alpha","text":"noted"}`))
	}
	rest, status := w.end()
	if len(rest) != calls || status != 0 || w.stderr.String() != "" {
		t.Errorf("%d answers to %d calls, status %d", len(rest), calls, status)
	}
	for _, m := range rest {
		if !strings.Contains(m.line, `"code":"busy"`) {
			t.Errorf("%s", m.line)
		}
	}
}

// A call that is cancelled while it waits for a lock lets go of what it holds, changes nothing, and is not answered.
func TestCancelledWhileItWaits(t *testing.T) {
	w, relations := waitingCall(t)
	defer relations.Close()
	w.send(cancelOf(`"waits"`))
	// The lock on the ticket is free at once; the one that the call waited for is not.
	w.send(toolCall("1", "note", `{"id":"alpha","text":"noted"}`))
	if m := w.answer("1"); m.kind() != "done" {
		t.Errorf("note: %s", m.line)
	}
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	w.send(toolCall("2", "show", `{"id":"alpha"}`))
	if m := w.answer("2"); !strings.Contains(string(m.Result), `"status":"open"`) {
		t.Errorf("the cancelled call has changed the ticket: %s", m.line)
	}
	// The same id may be used again.
	w.send(toolCall(`"waits"`, "start", `{"id":"alpha"}`))
	if m := w.answer(`"waits"`); m.kind() != "done" {
		t.Errorf("start: %s", m.line)
	}
	if rest, status := w.end(); len(rest) > 0 || status != 0 || w.stderr.String() != "" {
		t.Errorf("answers %v, status %d", rest, status)
	}
}

// A call that is cancelled before its turn comes is not begun.
func TestCancelledBeforeItBegins(t *testing.T) {
	w, relations := waitingCall(t)
	defer relations.Close()
	const crowd = stdio.Workers + 10
	for i := range crowd {
		w.send(toolCall(fmt.Sprint(i), "start", `{"id":"alpha"}`))
	}
	w.send(toolCall(`"late"`, "create", `{"title":"Never wanted"}`), cancelOf(`"late"`), cancelOf(`"waits"`))
	w.lives() // so the server has read it all
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	for i := range crowd {
		if m := w.answer(fmt.Sprint(i)); m.kind() != "done" {
			t.Errorf("start: %s", m.line)
		}
	}
	if rest, status := w.end(); len(rest) > 0 || status != 0 || w.stderr.String() != "" {
		t.Errorf("answers %v, status %d", rest, status)
	}
	if files, err := filepath.Glob(filepath.Join(w.cmd.Dir, ".tickets", "*.md")); err != nil || len(files) != 2 {
		t.Errorf("tickets after a cancelled create: %v %v", files, err)
	}
}

// One of two requests with the same number in different types, or the same text, is cancelled; the other one is not.
func TestCancelledIsOneOfMany(t *testing.T) {
	w, relations := waitingCall(t)
	defer relations.Close()
	w.send(toolCall("7", "start", `{"id":"beta"}`), toolCall(`"7"`, "start", `{"id":"beta"}`), toolCall("7.0", "start", `{"id":"beta"}`), cancelOf("7"), cancelOf(`"waits"`))
	w.lives()
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{`"7"`, "7.0"} {
		if m := w.answer(id); m.kind() != "done" {
			t.Errorf("start: %s", m.line)
		}
	}
	if rest, status := w.end(); len(rest) > 0 || status != 0 {
		t.Errorf("answers %v, status %d", rest, status)
	}
}

// Sixty calls that wait for a lock do not stop others: reads take none, and a note only that of its own ticket.
func TestOthersWhileCallsWait(t *testing.T) {
	w, relations := waitingCall(t)
	defer relations.Close()
	const crowd = 59 // and the one that waits already
	for i := range crowd {
		w.send(toolCall(fmt.Sprint(i), "start", `{"id":"alpha"}`))
	}
	for _, call := range [][2]string{{"show", `{"id":"alpha"}`}, {"list", "{}"}, {"ready", "{}"}, {"note", `{"id":"beta","text":"noted"}`}} {
		w.send(toolCall(`"other"`, call[0], call[1]))
		if m := w.answer(`"other"`); m.kind() != "done" {
			t.Errorf("%s: %s", call[0], m.line)
		}
	}
	w.lives()
	if len(w.unasked) > 0 {
		t.Fatalf("the calls did not wait: %s", w.unasked[0].line)
	}
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	rest, status := w.end()
	if len(rest) != crowd+1 || status != 0 {
		t.Errorf("%d answers, status %d", len(rest), status)
	}
	for _, m := range rest {
		if m.kind() != "done" {
			t.Errorf("start: %s", m.line)
		}
	}
}

// A panic in a tool is a result that says so, and the server goes on: here, of a board without a store.
func TestPanic(t *testing.T) {
	s, err := tools.NewServer(&tools.Board{}, "test", false, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range [][2]string{
		{"ready", "{}"}, {"start", `{"id":"a"}`}, {"start", "{}"}, {"show", `{"id":"a"}`}, {"note", `{"id":"a","text":"x"}`}, {"close", `{"id":"a"}`}, {"release", `{"id":"a"}`},
		{"reopen", `{"id":"a"}`}, {"list", "{}"}, {"create", `{"title":"x"}`}, {"update", `{"id":"a","title":"x"}`}, {"block", `{"id":"a","blocked_by":"b"}`},
		{"unblock", `{"id":"a","blocked_by":"b"}`}, {"repair", "{}"},
	} {
		answer, err := json.Marshal(s.HandleMessage(t.Context(), []byte(toolCall("1", call[0], call[1]))))
		if err != nil || !strings.Contains(string(answer), `"isError":true`) || !strings.Contains(string(answer), call[0]+" failed by a fault in ticket-mcp") {
			t.Errorf("%s: %s %v", call[0], answer, err)
		}
	}
}
