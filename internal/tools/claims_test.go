package tools_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// These tests are section 7 of the design where it is about what agents are called, and told. The rules are in seeds.

// TestHolderIsSaid: what an agent reads about who holds what.
func TestHolderIsSaid(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open; c open")
	w.write("a.md", ticketText("a", spec.Ticket{
		Status: spec.InProgress, Holder: claimOf("gone"), Title: "A", Type: "task", Priority: 2,
		Notes: []string{"the first", "the second", "the third", "the last"},
	}, style{}))
	me, you := w.session("me"), w.session("you")
	w.settle(me)
	says := func(r reply, all ...string) {
		t.Helper()
		for _, text := range all {
			if !strings.Contains(r.text, text) {
				t.Errorf("does not say %q: %s", text, r.text)
			}
		}
	}
	r := call(t, me.board, "start", map[string]any{"id": "a", "agent": "sub"})
	says(r, "taken over from "+claimOf("gone"), "since 2026-01-04T04:22:09Z", "the second", "the last", "held by: sub@"+me.key)
	if last := strings.Index(r.str("message"), "last notes"); last < 0 || strings.Contains(r.str("message"), "the first") {
		t.Errorf("the last notes are not in the message: %s", r.str("message"))
	}
	r = call(t, me.board, "start", map[string]any{"id": "a", "agent": "other sub"})
	says(r, "already yours", "sub@"+me.key, "since "+began.Format(time.RFC3339))
	r = call(t, you.board, "start", map[string]any{"id": "a", "takeover": true})
	says(r, "claimed: a is held by sub@"+me.key, "since "+began.Format(time.RFC3339), "(alive)", "; ready instead: b, c")
	r = call(t, you.board, "list", map[string]any{"status": "in_progress"})
	says(r, "held by sub@"+me.key+", alive")
	r = call(t, me.board, "list", map[string]any{"status": "in_progress"})
	says(r, "held by sub@"+me.key+", mine")
	w.die(me)
	r = call(t, you.board, "ready", map[string]any{})
	says(r, "a in_progress", "held by sub@"+me.key+", which is dead")
	r = call(t, you.board, "start", map[string]any{"id": "a"})
	says(r, "taken over from sub@"+me.key)
}

// TestAnyAgentOfTheSession: subagents share the session; their names are for the record.
func TestAnyAgentOfTheSession(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	me := w.session("me")
	call(t, me.board, "start", map[string]any{"id": "a", "agent": "planner"})
	call(t, me.board, "note", map[string]any{"id": "a", "text": "halfway", "agent": "worker"})
	content := w.look().files["a.md"].content
	if !strings.Contains(content, "claimed-by: planner@"+me.key) || !strings.Contains(content, " worker@"+me.key+": halfway") {
		t.Error(content)
	}
	if r := call(t, me.board, "close", map[string]any{"id": "a", "agent": "worker"}); r.code != "" {
		t.Error(r.text)
	}
}

// TestAgentNames: a name is reduced to what can stand in a claim, whatever a client or a model gives.
func TestAgentNames(t *testing.T) {
	for given, want := range map[string]string{
		"planner":                  "planner",
		"Claude Code/1.2 (review)": "Claude-Code-1.2-review",
		"a@b":                      "a-b",
		"x: y\n- z":                "x-y---z",
		"ünï":                      "n",
		"漢字":                       "agent",
		" ":                        "me", // the session's own
		"":                         "me",
		"--..--":                   "agent",
		strings.Repeat("long", 20): strings.Repeat("long", 8),
		`"quoted" # comment`:       "quoted-comment",
		"@" + keyOf("gone"):        keyOf("gone"),
		"null":                     "null",
	} {
		w := testWorld(t)
		w.layBoard("a open")
		me := w.session("me")
		if r := call(t, me.board, "start", map[string]any{"id": "a", "agent": given}); r.code != "" {
			t.Fatalf("%q: %s", given, r.text)
		}
		d, err := document.Parse("a", []byte(w.look().files["a.md"].content))
		must(t, err)
		if got := d.Ticket().ClaimedBy; got != want+"@"+me.key {
			t.Errorf("agent %q: claimed-by %q, want %s@%s", given, got, want, me.key)
		}
		if r := call(t, me.board, "start", map[string]any{"id": "a"}); !strings.Contains(r.text, "already yours") {
			t.Errorf("agent %q: its own claim is not recognized: %s", given, r.text)
		}
	}
}

// TestClientName: without another name, the claim bears the client's.
func TestClientName(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open")
	b := w.session("me").board
	b.Agent = ""
	_, c, _ := connect(t, b, false)
	request := mcp.CallToolRequest{}
	request.Params.Name, request.Params.Arguments = "start", map[string]any{"id": "a"}
	result, err := c.CallTool(t.Context(), request)
	must(t, err)
	if text := result.Content[0].(mcp.TextContent).Text; !strings.Contains(text, "held by Test-Client@"+b.Session.Key()) {
		t.Error(text)
	}
}

// TestEachSeesForItself: how long a dead owner's ticket is passed over begins when a process comes by it, not when another does.
// Coming by is to ask what is ready, or to be told so with a refusal.
func TestEachSeesForItself(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a in_progress by=gone; b in_progress by=third")
	me, you, other := w.session("me"), w.session("you"), w.session("other")
	w.checkReady(you, w.look())
	if r := call(t, other.board, "start", map[string]any{"id": "b"}); !strings.Contains(r.text, "ready instead: a") {
		t.Error(r.text)
	}
	call(t, me.board, "show", map[string]any{"id": "a"})
	call(t, me.board, "list", map[string]any{})
	w.now = w.now.Add(restartGrace)
	w.do(me, spec.UserInput{Verb: spec.StartNext}) // not_found: it sees the death for the first time
	w.do(you, spec.UserInput{Verb: spec.StartNext})
	if got := w.look().state.Tickets["a"].Holder; got != you.key {
		t.Errorf("a is held by %q", got)
	}
}

// TestOwnersAreSessions: it is the session that died, whichever of its agents' names stands in a claim. Another ticket of one that
// was seen dead is not passed over for 10 s more.
func TestOwnersAreSessions(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a in_progress by=gone type=bug")
	w.lay("b", spec.Ticket{Status: spec.InProgress, Holder: "reviewer@" + keyOf("gone"), Title: "B", Type: "task", Priority: 2}, style{})
	me := w.session("me")
	w.do(me, spec.UserInput{Verb: spec.StartNext, Type: new("bug")}) // not_found: sees that the session is dead
	w.now = w.now.Add(restartGrace)
	w.do(me, spec.UserInput{Verb: spec.StartNext, Type: new("task")})
	if got := w.look().state.Tickets["b"].Holder; got != me.key {
		t.Errorf("b is held by %q", got)
	}
}
