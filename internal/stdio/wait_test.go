package stdio_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

func cancelOf(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":"changed my mind"}}`, id)
}

// At the end of input the server waits for its calls as long as answers come: here longer than it
// would wait for one.
func TestEndWhileCallsWait(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for longer than the end waits for one answer")
	}
	t.Parallel()
	dir := servertest.OpenTickets(t, "alpha")
	held := flock.New(filepath.Join(dir, "alpha.md.lock"))
	if err := held.Lock(); err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	const wait = stdio.DrainTime * 11 / 20
	w := servertest.Start(t, servertest.On(t, dir, "--lock-timeout", wait.String()))
	const calls = stdio.Workers + 1 // the last one begins to wait when the others have given up
	for i := range calls {
		w.Send(servertest.ToolCall(fmt.Sprint(i), "note", `{"id":"alpha","text":"noted"}`))
	}
	rest, status := w.End()
	if len(rest) != calls || status != 0 || w.Stderr.String() != "" {
		t.Errorf("%d answers to %d calls, status %d", len(rest), calls, status)
	}
	for _, m := range rest {
		if !strings.Contains(m.Line, `"code":"busy"`) {
			t.Errorf("%s", m.Line)
		}
	}
}

// A call that is cancelled while it waits for a lock releases what it holds, changes nothing, and
// is not answered.
func TestCancelledWhileItWaits(t *testing.T) {
	w, relations := waitingCall(t)
	defer relations.Close()
	w.Send(cancelOf(`"waits"`))
	// The lock on the ticket is free at once; the one that the call waited for is not.
	w.Send(servertest.ToolCall("1", "note", `{"id":"alpha","text":"noted"}`))
	if m := w.Answer("1"); m.Kind() != "done" {
		t.Errorf("note: %s", m.Line)
	}
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	w.Send(servertest.ToolCall("2", "show", `{"id":"alpha"}`))
	if m := w.Answer("2"); !strings.Contains(string(m.Result), `"status":"open"`) {
		t.Errorf("the cancelled call has changed the ticket: %s", m.Line)
	}
	// The same id may be used again.
	w.Send(servertest.ToolCall(`"waits"`, "start", `{"id":"alpha"}`))
	if m := w.Answer(`"waits"`); m.Kind() != "done" {
		t.Errorf("start: %s", m.Line)
	}
	if rest, status := w.End(); len(rest) > 0 || status != 0 || w.Stderr.String() != "" {
		t.Errorf("answers %v, status %d", rest, status)
	}
}

// A call that is cancelled before its turn comes is not begun.
func TestCancelledBeforeItBegins(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	w, relations := waitingCall(t)
	defer relations.Close()
	const crowd = stdio.Workers + 10
	for i := range crowd {
		w.Send(servertest.ToolCall(fmt.Sprint(i), "start", `{"id":"alpha"}`))
	}
	w.Send(servertest.ToolCall(`"late"`, "create", `{"title":"Never wanted"}`), cancelOf(`"late"`),
		cancelOf(`"waits"`))
	w.Lives() // so the server has read it all
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	for i := range crowd {
		if m := w.Answer(fmt.Sprint(i)); m.Kind() != "done" {
			t.Errorf("start: %s", m.Line)
		}
	}
	if rest, status := w.End(); len(rest) > 0 || status != 0 || w.Stderr.String() != "" {
		t.Errorf("answers %v, status %d", rest, status)
	}
	if files, err := filepath.Glob(filepath.Join(w.Cmd.Dir, ".tickets", "*.md")); err != nil ||
		len(files) != 2 {
		t.Errorf("tickets after a cancelled create: %v %v", files, err)
	}
}

// One of two requests with the same number in different types, or the same text, is cancelled; the
// other one is not.
func TestCancelledIsOneOfMany(t *testing.T) {
	w, relations := waitingCall(t)
	defer relations.Close()
	w.Send(servertest.ToolCall("7", "start", `{"id":"beta"}`),
		servertest.ToolCall(`"7"`, "start", `{"id":"beta"}`), servertest.ToolCall("7.0", "start",
			`{"id":"beta"}`), cancelOf("7"), cancelOf(`"waits"`))
	w.Lives()
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{`"7"`, "7.0"} {
		if m := w.Answer(id); m.Kind() != "done" {
			t.Errorf("start: %s", m.Line)
		}
	}
	if rest, status := w.End(); len(rest) > 0 || status != 0 {
		t.Errorf("answers %v, status %d", rest, status)
	}
}

// Sixty calls that wait for a lock do not stop others: reads take none, and a note only that of its
// own ticket.
func TestOthersWhileCallsWait(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	w, relations := waitingCall(t)
	defer relations.Close()
	const crowd = 59 // and the one that waits already
	for i := range crowd {
		w.Send(servertest.ToolCall(fmt.Sprint(i), "start", `{"id":"alpha"}`))
	}
	for _, call := range [][2]string{{"show", `{"id":"alpha"}`}, {"list", "{}"}, {"ready", "{}"},
		{"note", `{"id":"beta","text":"noted"}`}} {
		w.Send(servertest.ToolCall(`"other"`, call[0], call[1]))
		if m := w.Answer(`"other"`); m.Kind() != "done" {
			t.Errorf("%s: %s", call[0], m.Line)
		}
	}
	w.Lives()
	if len(w.Unasked) > 0 {
		t.Fatalf("the calls did not wait: %s", w.Unasked[0].Line)
	}
	if err := relations.Unlock(); err != nil {
		t.Fatal(err)
	}
	rest, status := w.End()
	if len(rest) != crowd+1 || status != 0 {
		t.Errorf("%d answers, status %d", len(rest), status)
	}
	for _, m := range rest {
		if m.Kind() != "done" {
			t.Errorf("start: %s", m.Line)
		}
	}
}
