package tools_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// These tests are section 7 of the design where it is about what agents are called, and told. The
// rules are in seeds.

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
	says(r, "taken over from "+claimOf("gone"), "since 2026-01-04T04:22:09Z", "the second",
		"the last", "held by: sub@"+me.key)
	if last := strings.Index(r.str("message"), "last notes"); last < 0 ||
		strings.Contains(r.str("message"), "the first") {
		t.Errorf("the last notes are not in the message: %s", r.str("message"))
	}
	since := "since " + began.Format(time.RFC3339)
	r = call(t, me.board, "start", map[string]any{"id": "a", "agent": "sub"})
	says(r, "already yours", "sub@"+me.key, since)
	r = call(t, me.board, "start", map[string]any{"id": "a", "agent": "other sub"})
	says(r, "claimed: a is held by sub@"+me.key, since, "(this session)",
		"work on it without start, or let sub release it first")
	r = call(t, me.board, "close", map[string]any{"id": "a", "agent": "other sub"})
	says(r, "claimed: a is held by sub@"+me.key, "let sub close it, or leave agent out")
	// A name that is shown otherwise, given as it is shown.
	call(t, me.board, "start", map[string]any{"id": "c", "agent": "sub/1 x"})
	r = call(t, me.board, "close", map[string]any{"id": "c", "agent": "sub-1-x"})
	says(r, "claimed: c is held by sub-1-x@"+me.key, "if you are the agent that started it, "+
		`give the name as at its start, "sub/1 x", or leave agent out`)
	call(t, me.board, "release", map[string]any{"id": "c", "agent": "sub/1 x"})
	r = call(t, you.board, "start", map[string]any{"id": "a", "takeover": true})
	says(r, "claimed: a is held by sub@"+me.key, since, "(alive, last called just now, pid ",
		"; ready instead: b, c")
	r = call(t, you.board, "list", map[string]any{"status": "in_progress"})
	says(r, "held by sub@"+me.key+", alive, last called just now, pid ")
	r = call(t, me.board, "list", map[string]any{"status": "in_progress"})
	says(r, "held by sub@"+me.key+", mine")

	w.now = w.now.Add(3 * time.Hour)
	r = call(t, you.board, "start", map[string]any{"id": "a"})
	says(r, "(alive, last called 3 h ago, pid ")
	r = call(t, you.board, "show", map[string]any{"id": "a"})
	says(r, "holder: alive", "last called: "+began.Format(time.RFC3339), "holder's pid: ")
	if r.str("last_called") != began.Format(time.RFC3339) ||
		r.fields["holder_pid"] != float64(os.Getpid()) {
		t.Errorf("last_called %s, holder_pid %v", r.str("last_called"), r.fields["holder_pid"])
	}
	call(t, me.board, "ready", map[string]any{}) // any call
	r = call(t, you.board, "list", map[string]any{"status": "in_progress"})
	says(r, ", alive, last called just now, pid ")

	w.die(me)
	r = call(t, you.board, "ready", map[string]any{})
	says(r, "2 tickets ready; 1 more in 10 s, unless its holder, which just died, comes back")
	w.now = w.now.Add(2500 * time.Millisecond)
	r = call(t, you.board, "start", map[string]any{"id": "a"})
	says(r, "claimed: a is held by sub@"+me.key,
		"(dead); its client may be restarting it: retry in 8 s")
	w.now = w.now.Add(7500 * time.Millisecond)
	r = call(t, you.board, "ready", map[string]any{})
	says(r, "a in_progress", "held by sub@"+me.key+", which is dead")
	r = call(t, you.board, "start", map[string]any{"id": "a"})
	says(r, "taken over from sub@"+me.key)

	ada := w.session("Ada-Lovelace@person")
	call(t, ada.board, "start", map[string]any{"id": "b"})
	r = call(t, you.board, "start", map[string]any{"id": "b", "takeover": true})
	says(r, "claimed: b is held by Ada-Lovelace (a person) "+began.Format("since 2006-01-02"))
	r = call(t, you.board, "list", map[string]any{"status": "in_progress"})
	says(r, "held by Ada-Lovelace, a person")
	r = call(t, you.board, "show", map[string]any{"id": "b"})
	says(r, "holder: a person")
	r = call(t, ada.board, "show", map[string]any{"id": "b"})
	says(r, "holder: mine")
}

// TestNamesAreForTheRecord: a note says which agent wrote it, also of a ticket that another one
// holds.
func TestNamesAreForTheRecord(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	me := w.session("me")
	call(t, me.board, "start", map[string]any{"id": "a", "agent": "planner"})
	call(t, me.board, "note", map[string]any{"id": "a", "text": "halfway", "agent": "worker"})
	content := w.look().files["a.md"].content
	if !strings.Contains(content, "claimed-by: planner@"+me.key) ||
		!strings.Contains(content, " worker@"+me.key+": halfway") {
		t.Error(content)
	}
}

// TestAgentNames: a name is reduced to what can stand in a claim, whatever a client or a model
// gives.
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
		if r := call(t, me.board, "start", map[string]any{"id": "a",
			"agent": given}); r.code != "" {
			t.Fatalf("%q: %s", given, r.text)
		}
		d, err := document.Parse("a", []byte(w.look().files["a.md"].content))
		must(t, err)
		if got := d.Ticket().ClaimedBy; got != want+"@"+me.key {
			t.Errorf("agent %q: claimed-by %q, want %s@%s", given, got, want, me.key)
		}
		if r := call(t, me.board, "start", map[string]any{"id": "a",
			"agent": given}); !strings.Contains(r.text, "already yours") {
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
	if text := result.Content[0].(mcp.TextContent).Text; !strings.Contains(text,
		"held by Test-Client@"+keyOf("me")) {
		t.Error(text)
	}
}

// TestOneLookForAll: ten seconds begin when anybody comes by a dead owner's ticket, and are over
// for all.
func TestOneLookForAll(t *testing.T) {
	for name, look := range map[string]func(w *world, you *actor){
		"ready":      func(w *world, you *actor) { call(w.t, you.board, "ready", map[string]any{}) },
		"start":      func(w *world, you *actor) { call(w.t, you.board, "start", map[string]any{"id": "a"}) },
		"start next": func(w *world, you *actor) { call(w.t, you.board, "start", map[string]any{}) },
		"a refusal": func(w *world, you *actor) {
			w.settle(w.session("other"))
			call(w.t, you.board, "start", map[string]any{"id": "b"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a in_progress by=fresh; b in_progress by=other")
			me := w.session("me")
			call(t, me.board, "show", map[string]any{"id": "a"})
			call(t, me.board, "list", map[string]any{})
			w.now = w.now.Add(time.Minute) // to show what there is begins nothing
			look(w, w.session("you"))
			w.now = w.now.Add(9 * time.Second)
			w.do(me, spec.UserInput{Verb: spec.Start, ID: "a"}) // claimed
			w.now = w.now.Add(time.Second)
			w.do(me, spec.UserInput{Verb: spec.Start, ID: "a"})
			if got := w.look().state.Tickets["a"].Holder; got != me.key {
				t.Errorf("a is held by %q", got)
			}
		})
	}
}

// TestOwnersAreSessions: it is the session that died, whichever of its agents' names stands in a
// claim. Another ticket of one that was seen dead is not passed over for 10 s more.
func TestOwnersAreSessions(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a in_progress by=fresh type=bug; b in_progress by=fresh/reviewer")
	me := w.session("me")
	// not_found: sees that the session is dead
	w.do(me, spec.UserInput{Verb: spec.StartNext, Type: new("bug")})
	w.now = w.now.Add(10 * time.Second)
	w.do(me, spec.UserInput{Verb: spec.StartNext, Type: new("task")})
	if got := w.look().state.Tickets["b"].Holder; got != me.key {
		t.Errorf("b is held by %q", got)
	}
}

// TestConversationsOfOneServer: each conversation that the host names is a holder of its own, in
// whatever form the host names it.
func TestConversationsOfOneServer(t *testing.T) {
	for host, meta := range map[string]func(name string) map[string]any{
		"codex": func(name string) map[string]any {
			return map[string]any{"x-codex-turn-metadata": map[string]any{"session_id": name,
				"turn_id": "1"}}
		},
		"codex text": func(name string) map[string]any {
			return map[string]any{"x-codex-turn-metadata": `{"session_id":"` + name + `"}`}
		},
		"opencode": func(name string) map[string]any { return map[string]any{"sessionID": name} },
		"vscode": func(name string) map[string]any {
			return map[string]any{"vscode.conversationId": name, "vscode.requestId": "r"}
		},
		"chatgpt": func(name string) map[string]any { return map[string]any{"openai/session": name} },
		"own":     func(name string) map[string]any { return map[string]any{"ticket-mcp/session": name} },
	} {
		t.Run(host, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a open; b open")
			_, c, _ := connect(t, w.session("me").board, false)
			as := func(name, tool, id string) string {
				request := mcp.CallToolRequest{}
				request.Params.Name, request.Params.Arguments = tool, map[string]any{"id": id}
				if name != "" {
					request.Params.Meta = mcp.NewMetaFromMap(meta(name))
				}
				result, err := c.CallTool(t.Context(), request)
				must(t, err)
				return result.Content[0].(mcp.TextContent).Text
			}
			for _, tt := range []struct{ name, tool, id, says string }{
				{"s1", "start", "a", "held by me@" + keyOf("s1")},
				{"s2", "start", "a", "claimed: a is held by me@" + keyOf("s1")},
				{"", "start", "a", "claimed: a is held by me@" + keyOf("s1")},
				{"s2", "close", "a", "claimed: "},
				{"s1", "start", "a", "already yours"},
				{"", "start", "b", "held by me@" + keyOf("me")},
				{"s1", "release", "b", "claimed: "},
				{"s1", "close", "a", "a is closed"},
				{"", "close", "b", "b is closed"},
			} {
				if text := as(tt.name, tt.tool, tt.id); !strings.Contains(text, tt.says) {
					t.Errorf("%s of %s by %q does not say %q: %s", tt.tool, tt.id, tt.name, tt.says,
						text)
				}
			}
		})
	}
}

// TestForce: a person can release what somebody else holds, and that stands in the ticket. No agent
// can.
func TestForce(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a in_progress by=me/sub; b in_progress by=far; c open; d in_progress by=Bob@person; e in_progress by=Ada@person")
	me, ada := w.session("me"), w.session("Ada@person")
	if _, err := me.board.ReleaseByForce(t.Context(), "b",
		"x"); ticketfs.CodeOf(err) != ticketfs.Invalid {
		t.Errorf("an agent: %v", err)
	}
	before := w.look()
	if _, err := ada.board.ReleaseByForce(t.Context(), "c",
		"x"); ticketfs.CodeOf(err) != ticketfs.WrongStatus {
		t.Errorf("an open ticket: %v", err)
	}
	if touched, faults := written(before, w.look()); len(touched) > 0 || len(faults) > 0 {
		t.Errorf("a refusal wrote %v %v", touched, faults)
	}
	for _, tt := range []struct{ id, reason, note string }{
		{"a", "the server hangs", "Ada@person: released: by force from sub@" + me.key +
			": the server hangs"},
		{"b", "", "Ada@person: released: by force from far@" + keyOf("far") + "\n"},
		{"d", "on holiday", "Ada@person: released: by force from Bob@person: on holiday"},
		{"e", "mine anyway", "Ada@person: released: mine anyway"},
	} {
		_, err := ada.board.ReleaseByForce(t.Context(), tt.id, tt.reason)
		must(t, err)
		content := w.look().files[tt.id+".md"].content
		if !strings.Contains(content, "status: open") || strings.Contains(content, "claimed-by") ||
			!strings.Contains(content, tt.note) {
			t.Errorf("%s: no %q in\n%s", tt.id, tt.note, content)
		}
	}
	if r := call(t, me.board, "close", map[string]any{"id": "a",
		"agent": "sub"}); r.code != ticketfs.WrongStatus {
		t.Errorf("the former holder closes: %s", r.text)
	}
}

// TestLongAgentNames: two agents whose names look the same in a claim are two.
func TestLongAgentNames(t *testing.T) {
	long := "research-agent-for-the-parser-of-the-front-matter-"
	for _, names := range [][2]string{{long + "1", long + "2"}, {"漢字", "漢語"}, {"a b", "a/b"}} {
		w := testWorld(t)
		w.layBoard("a open; b open")
		me := w.session("me")
		var group sync.WaitGroup
		won := make([]reply, 2)
		for i, name := range names { // at once: the one who comes second must know of the first
			group.Go(func() { won[i] = callQuietly(me.board, "start", fmt.Sprintf(`{"id":"a","agent":%q}`, name)) })
		}
		group.Wait()
		if (won[0].code == "") == (won[1].code == "") {
			t.Errorf("%q both started it: %s, %s", names, won[0].text, won[1].text)
		}
		loser := names[0]
		if won[0].code == "" {
			loser = names[1]
		}
		for _, tool := range []string{"start", "close", "release"} {
			if r := call(t, me.board, tool, map[string]any{"id": "a",
				"agent": loser}); r.code != ticketfs.Claimed {
				t.Errorf("%s by %q: %s", tool, loser, r.text)
			}
		}
		if r := call(t, me.board, "close", map[string]any{"id": "a"}); r.code != "" {
			t.Error(r.text)
		}
	}
}

// TestTheNameOfTheSession: an agent of the session's own name is the session itself.
func TestTheNameOfTheSession(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	me := w.session("me")
	for _, tt := range []struct {
		tool, id, agent, code string
	}{
		{"start", "a", "", ""},
		{"start", "a", "me", ""},
		{"close", "a", "me", ""},
		{"start", "b", "sub", ""},
		{"start", "b", "me", "claimed"},
		{"release", "b", "me", ""},
	} {
		if r := call(t, me.board, tt.tool, map[string]any{"id": tt.id,
			"agent": tt.agent}); string(r.code) != tt.code {
			t.Errorf("%s %s as %q: %s", tt.tool, tt.id, tt.agent, r.text)
		}
	}
}

// TestHoldThatIsOver: a hold whose date has come keeps nobody from the ticket. The answers say so
// in their text as well as in their structured content.
func TestHoldThatIsOver(t *testing.T) {
	w := testWorld(t)
	held := spec.Ticket{Status: spec.Open, Title: "T", Type: "task", Created: began.Unix() - 9,
		Hold: "for Grace", HoldUntil: began.Unix() - 1}
	w.lay("over", held, style{})
	held.HoldUntil = began.Unix() + 60
	w.lay("waits", held, style{})
	b := w.session("me").board
	for id, want := range map[string]any{"over": true, "waits": nil} {
		if got := call(t, b, "show", map[string]any{"id": id}).fields["hold_over"]; got != want {
			t.Errorf("show %s: hold_over %v, want %v", id, got, want)
		}
	}
	if r := call(t, b, "start", map[string]any{"id": "over"}); r.fields["hold_over"] != true {
		t.Errorf("start: %s %s", r.code, r.text)
	}
	if r := call(t, b, "start", map[string]any{"id": "waits"}); r.code != ticketfs.OnHold {
		t.Errorf("start: %s %s", r.code, r.text)
	}
}
