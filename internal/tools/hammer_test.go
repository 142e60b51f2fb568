package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// TestCallsAtOnce: conversations of one process ask and change all that there is at the same time,
// and an editor's hand removes, spoils and restores files meanwhile. What one call reads from memory
// others bring up to date under it; no answer may fail or contradict itself because of that.
func TestCallsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	const conversations = 8
	calls := 120
	if servertest.UnderRace() {
		calls = 30
	}
	w := testWorld(t)
	w.layBoard(`e1 open; e2 open parent=e1; e3 in_progress; a open parent=e2 by=; b open parent=e1;
		c open; d open; f open; g open parent=e3; h open`)
	now := func() time.Time { return began }
	w.session("me").board.Now = now // a world's clock is for one goroutine
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s, err := tools.NewServer(w.session("me").board, tools.Offer{Version: "test"},
		slog.New(failOnError{t}))
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var callers, editor sync.WaitGroup
	for n := range conversations {
		callers.Go(func() {
			h := &hammer{t, s, rand.New(rand.NewPCG(seed, uint64(n))), n % 4}
			for range calls {
				tool, args := h.draw()
				h.call(tool, args)
				h.call("ready", `{}`) // which moves what the others read
			}
		})
	}
	editor.Go(func() { editFiles(ctx, w.dir, rand.New(rand.NewPCG(seed, conversations))) })
	callers.Wait()
	stop()
	editor.Wait()
}

// failOnError is a log that fails the test on each error: a panic in a tool is one.
type failOnError struct{ t *testing.T }

func (h failOnError) Enabled(context.Context, slog.Level) bool { return true }
func (h failOnError) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h failOnError) WithGroup(string) slog.Handler            { return h }

func (h failOnError) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		r.Attrs(func(a slog.Attr) bool {
			h.t.Errorf("%s: %s", r.Message, a)
			return true
		})
	}
	return nil
}

// hammer is one conversation.
type hammer struct {
	t    *testing.T
	s    *server.MCPServer
	rand *rand.Rand
	name int
}

var hammered = []string{"e1", "e2", "e3", "a", "b", "c", "d", "f", "g", "h"}

func (h *hammer) id() string { return hammered[h.rand.IntN(len(hammered))] }

// draw is a call of any tool.
func (h *hammer) draw() (tool, args string) {
	id, other := h.id(), h.id()
	named := map[string]string{
		"start":   `{"id":"` + id + `"}`,
		"show":    `{"id":"` + id + `"}`,
		"note":    `{"id":"` + id + `","text":"x"}`,
		"close":   `{"id":"` + id + `","next":true}`,
		"release": `{"id":"` + id + `"}`,
		"reopen":  `{"id":"` + id + `"}`,
		"block":   `{"id":"` + id + `","blocked_by":"` + other + `"}`,
		"unblock": `{"id":"` + id + `","blocked_by":"` + other + `"}`,
		"history": `{"id":"` + id + `"}`,
		"wait":    `{"ready":false,"seconds":0}`,
		"plan": `{"plan":"p` + other + `","dry_run":true,"tickets":[{"name":"x","title":"X","parent":"` +
			id + `"},{"name":"y","title":"Y","blocked_by":["x","` + other + `"]}]}`,
	}
	calls := [][2]string{
		{"ready", `{}`}, {"ready", `{"limit":1}`}, {"ready", `{"parent":"` + id + `"}`}, {"start", `{}`}, {"list", `{}`},
		{"list", `{"blocked":true}`}, {"list", `{"query":"ticket zzz"}`}, {"wait", `{"seconds":0}`},
		{"repair", `{"dry_run":true}`}, {"repair", `{}`}, {"close", `{"id":"` + id +
			`","resolution":"dropped","children":true}`},
		{"update", `{"id":"` + id + `","hold":"Ada: which?"}`}, {"update", `{"id":"` + id + `","hold":""}`},
		{"update", `{"id":"` + id + `","parent":"` + other + `"}`}, {"update", `{"id":"` + id +
			`","parent":""}`},
	}
	for tool, args := range named {
		calls = append(calls, [2]string{tool, args}, [2]string{tool, args})
	}
	drawn := calls[h.rand.IntN(len(calls))]
	return drawn[0], drawn[1]
}

// absurd is what an answer says only when it was put together of two moments.
var absurd = regexp.MustCompile(`waits for ;|waits for $|on hold; \w+: ;`)

func (h *hammer) call(tool, args string) {
	request := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,
		"arguments":%s,"_meta":{"ticket-mcp/session":"s%d"}}}`, tool, args, h.name)
	text, err := json.Marshal(h.s.HandleMessage(h.t.Context(), []byte(request)))
	var m struct {
		Result struct {
			Content           []struct{ Text string }
			StructuredContent json.RawMessage
			IsError           bool
			Meta              struct{ Code string } `json:"_meta"`
		}
	}
	if err := json.Unmarshal(text, &m); err != nil || len(m.Result.Content) != 1 {
		h.t.Errorf("%s %s: %s %v", tool, args, text, err)
		return
	}
	said := m.Result.Content[0].Text
	switch {
	case err != nil, absurd.MatchString(said), m.Result.IsError && m.Result.Meta.Code == "":
		h.t.Errorf("%s %s: %s %v", tool, args, said, err)
	case !m.Result.IsError:
		if faults := answerFaults(tool, m.Result.StructuredContent, said); len(faults) > 0 {
			h.t.Errorf("%s %s: %q\n%s", tool, args, faults, said)
		}
		h.startable(tool, m.Result.StructuredContent)
	}
}

// startable: what ready offers is open, or left by the dead, and it names some of it.
func (h *hammer) startable(tool string, answer json.RawMessage) {
	var a struct {
		Tickets []struct{ ID, Status, Holder string }
		More    int
	}
	if tool != "ready" {
		return
	}
	must(h.t, json.Unmarshal(answer, &a))
	if len(a.Tickets) == 0 && a.More > 0 {
		h.t.Errorf("ready offers %d tickets and names none", a.More)
	}
	for _, r := range a.Tickets {
		if r.Status != "open" && !strings.HasSuffix(r.Holder, "which is dead") {
			h.t.Errorf("ready offers %s, which is %s", r.ID, r.Status)
		}
	}
}

// editFiles replaces one file after another, as an editor does that knows of no locks: by what
// another status, relation or hold makes of it, by what is no ticket, or by nothing.
func editFiles(ctx context.Context, dir string, r *rand.Rand) {
	temp := filepath.Join(dir, "editor.tmp")
	for ctx.Err() == nil {
		path := filepath.Join(dir, hammered[r.IntN(len(hammered))]+".md")
		one, other := hammered[r.IntN(len(hammered))], hammered[r.IntN(len(hammered))]
		front := []string{"status: open", "status: closed", "status: closed",
			"status: in_progress", "status: open\nparent: " + one,
			"status: open\nblocked-by: [" + one + "]", "status: open\nblocked-by: [" + other + "]",
			"status: in_progress\nblocked-by: [" + other + "]\nparent: " + one,
			"status: in_progress\nhold: wait", "status: todo", ""}[r.IntN(11)]
		if front == "" {
			_ = os.Remove(path)
		} else if os.WriteFile(temp, []byte("---\n"+front+"\n---\n# Ticket\n"), 0o666) == nil {
			_ = os.Rename(temp, path)
		}
	}
}
