package tools_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// What hosts and bridges make of arguments is understood: each call is the same as the other one.
func TestUnderstood(t *testing.T) {
	for _, same := range []struct{ tool, args, plain string }{
		{"list", `null`, `{}`},
		{"list", `{"status":null,"type":null,"priority":null,"parent":null,"assignee":null,"tag":null,"query":null,"limit":null,"cursor":null,"blocked":null,"mine":null,"sort":null}`, `{}`},
		{"list", `{"status":"","type":"","parent":"","assignee":"","tag":" ","query":"","cursor":"","sort":""}`, `{}`},
		{"list", `{"limit":1.0}`, `{"limit":1}`},
		{"list", `{"limit":"1"}`, `{"limit":1}`},
		{"list", `{"limit":" 1.0 "}`, `{"limit":1}`},
		{"list", `{"priority":"P1"}`, `{"priority":1}`},
		{"list", `{"priority":"high"}`, `{"priority":1}`},
		{"list", `{"priority":"Critical"}`, `{"priority":0}`},
		{"list", `{"priority":0.0}`, `{"priority":0}`},
		{"list", `{"blocked":"true"}`, `{"blocked":true}`},
		{"list", `{"mine":"False"}`, `{"mine":false}`},
		{"list", `{"toolCallId":"x","task_progress":"- [ ] a","tool_call_id":"y","_meta":{"a":1}}`,
			`{}`},
		{"ready", `{"limit":"3","tag":null}`, `{"limit":3}`},
		{"show", `{"id":"a","offset":"0"}`, `{"id":"a"}`},
		{"repair", `{"dry_run":"true"}`, `{"dry_run":true}`},
		{"repair", `{"dry_run":null}`, `{}`},
		{"plan", `{"dry_run":"true","tickets":"[{\"name\":\"x\",\"title\":\"X\",\"priority\":\"low\",\"parent\":null,\"blocked_by\":\"a\"}]"}`,
			`{"dry_run":true,"tickets":[{"name":"x","title":"X","priority":3,"blocked_by":["a"]}]}`},
	} {
		w := testWorld(t)
		w.layBoard("a open priority=1; b open; c in_progress blocked=a")
		b := w.session("me").board
		got, want := call(t, b, same.tool, json.RawMessage(same.args)), call(t, b, same.tool,
			json.RawMessage(same.plain))
		if got.code != "" || got.text != want.text {
			t.Errorf("%s %s:\n%s\nwant, as for %s:\n%s", same.tool, same.args, got.text, same.plain,
				want.text)
		}
	}
}

// The same for what is written.
func TestUnderstoodWrites(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	b := w.session("me").board
	r := call(t, b, "create",
		json.RawMessage(`{"title":"x","priority":"P0","blocked_by":"[\"a\",\"b\"]","assignee":"","hold":null,"tags":"one","parent":""}`))
	shown := call(t, b, "show", map[string]any{"id": r.str("id")})
	for _, want := range []string{"P0", "blocked by: a ", "blocked by: b "} {
		if !strings.Contains(shown.text, want) {
			t.Errorf("%q is not in\n%s", want, shown.text)
		}
	}
	if r := call(t, b, "update",
		json.RawMessage(`{"id":"a","assignee":"Ada","parent":null,"title":null}`)); r.code != "" {
		t.Error(r.text)
	}
	if r := call(t, b, "update", json.RawMessage(`{"id":"a","assignee":""}`)); r.code != "" ||
		call(t, b, "show", map[string]any{"id": "a"}).str("assignee") != "" {
		t.Errorf("an empty assignee clears none: %s", r.text)
	}
}

// An empty id is none: the next ready ticket is started.
func TestUnderstoodEmptyID(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open")
	if r := call(t, w.session("me").board, "start",
		json.RawMessage(`{"id":"","agent":null}`)); r.str("id") != "a" {
		t.Error(r.text)
	}
}

// What agents mean is not guessed, but they are led on. No text shows what a value is in Go.
func TestLedOn(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open")
	b := w.session("me").board
	for _, wrong := range []struct{ tool, args, hint string }{
		{"update", `{"id":"a","status":"closed"}`,
			"start, close, reopen and release change the status"},
		{"update", `{"id":"a","notes":"x"}`, "note appends to the notes"},
		{"create", `{"title":"x","depends_on":["a"]}`, "use blocked_by"},
		{"create", `{"title":"x","blockedBy":["a"]}`, "use blocked_by"},
		{"create", `{"title":"x","parent_id":"a"}`, "use parent"},
		{"update", `{"id":"a","blocked_by":["a"]}`, "block makes a ticket wait for another"},
		{"close", `{"ticket_id":"a"}`, "use id"},
		{"close", `{"ID":"a"}`, "use id"},
		{"create", `{"title":"x","labels":["a"]}`, "use tags"},
		{"list", `{"whatever":1}`, "list takes assignee?"},
		{"list", `{"limit":"many"}`, "limit must be a whole number, not a text"},
		{"list", `{"limit":5.5}`, "limit must be a whole number, not one with a fraction"},
		{"create", `{"title":"x","priority":"urgent"}`,
			"priority must be 0, the highest, to 4, or one of P0 to P4, critical, high, medium, low"},
		{"update", `{"id":"a","priority":"P7"}`,
			"priority must be 0, the highest, to 4, or one of P0 to P4, critical, high, medium, low"},
		{"list", `{"limit":{}}`, "limit must be a whole number, not an object"},
		{"list", `{"blocked":7}`, "blocked must be true or false, not a number"},
		{"create", `{"title":["x"]}`, "title must be a text, not a list"},
		{"plan", `{"tickets":[{"name":"x","title":"X","depends_on":["a"]}]}`, "use blocked_by"},
		{"plan", `{"tickets":[{"name":"x","title":"X","priority":9}]}`,
			"ticket x: priority must be at most 4"},
		{"plan", `{"tickets":[{"title":"X"}]}`, "name is missing"},
		{"plan", `{"tickets":[7]}`, "must be an object, not a number"},
	} {
		r := call(t, b, wrong.tool, json.RawMessage(wrong.args))
		if r.code != ticketfs.Invalid || !strings.Contains(r.text, wrong.hint) {
			t.Errorf("%s %s: %s, want %q", wrong.tool, wrong.args, r.text, wrong.hint)
		}
		for _, word := range []string{"Go value", "map[", "json:", "string", "integer", "boolean",
			"float", "interface", "struct"} {
			if strings.Contains(r.text, word) {
				t.Errorf("%s %s: %s: has %q", wrong.tool, wrong.args, r.text, word)
			}
		}
	}
}
