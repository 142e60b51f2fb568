package tools_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// nonsense are calls that no board can make sense of: each is `invalid`, whatever the board, and
// writes nothing, not even a lock.
var nonsense = []struct{ tool, args string }{
	{"none", `{}`},
	{"", `{}`},
	{"Start", `{"id":"t1"}`},
	{"start ", `{"id":"t1"}`},

	{"start", `[]`},
	{"start", `"t1"`},
	{"start", `7`},
	{"start", `{`},
	{"start", `{"id":"t1"} {"id":"t2"}`},
	{"start", `{"id":7}`},
	{"start", `{"id":["t1"]}`},
	{"start", `{"id":{}}`},
	{"start", `{"id":"t 1"}`},
	{"start", `{"id":"t1\n2"}`},
	{"start", `{"id":"t1\u0000"}`},
	{"start", `{"id":"../.tickets/t1"}`},
	{"start", `{"id":"/etc/passwd"}`},
	{"start", `{"id":"t1","takeover":"yes"}`},
	{"start", `{"id":"t1","takeover":1}`},
	{"start", `{"ID":"t1"}`},
	{"start", `{"id":"t1","force":true}`},
	{"start", `{"type":"Bug"}`},
	{"start", `{"id":"t1","agent":7}`},

	{"close", `{}`},
	{"close", `{"id":"t1","reason":7}`},
	{"close", `{"id":"t1","unblocked":[]}`},
	{"reopen", `{}`},
	{"reopen", `{"id":"t1","reason":["x"]}`},
	{"reopen", `{"id":"t1","agents":"x"}`},
	{"release", `{"reason":"x"}`},
	{"release", `{"id":""}`},
	{"block", `{"id":"t1"}`},
	{"block", `{"blocked_by":"t1"}`},
	{"block", `{"id":"t1","blocked_by":["t2"]}`},
	{"block", `{"id":"t1","blocked_by":""}`},
	{"block", `{"id":"t1","blockedBy":"t2"}`},
	{"unblock", `{"id":"t1"}`},
	{"unblock", `{"id":"t1","blocked_by":"../t2"}`},
	{"note", `{"id":"t1"}`},
	{"note", `{"id":"t1","text":""}`},
	{"note", `{"id":"t1","text":" \n\t"}`},
	{"note", `{"id":"t1","text":7}`},
	{"note", `{"id":"t1","text":"` + strings.Repeat("x", 20001) + `"}`},

	{"create", `{}`},
	{"create", `{"title":""}`},
	{"create", `{"title":"  "}`},
	{"create", `{"title":"two\nlines"}`},
	{"create", `{"title":"two\u2028lines"}`},
	{"create", `{"title":7}`},
	{"create", `{"title":"` + strings.Repeat("x", 201) + `"}`},
	{"create", `{"title":"x","priority":-1}`},
	{"create", `{"title":"x","priority":5}`},
	{"create", `{"title":"x","priority":1.5}`},
	{"create", `{"title":"x","priority":99999999999999999999}`},
	{"create", `{"title":"x","type":"story"}`},
	{"create", `{"title":"x","status":"closed"}`},
	{"create", `{"title":"x","id":"mine"}`},
	{"create", `{"title":"x","blocked_by":[7]}`},
	{"create", `{"title":"x","blocked_by":["t1","t1"]}`},
	{"create", `{"title":"x","blocked_by":[` + strings.Repeat(`"t1",`, 100) + `"t2"]}`},

	{"update", `{}`},
	{"update", `{"id":"t1"}`},
	{"update", `{"id":"t1","status":"closed"}`},
	{"update", `{"id":"t1","title":" "}`},
	{"update", `{"id":"t1","title":null}`},
	{"update", `{"id":"t1","priority":9}`},
	{"update", `{"id":"t1","blocked_by":["t2"]}`},

	{"list", `{"status":"started"}`},
	{"list", `{"status":["open"]}`},
	{"list", `{"limit":0}`},
	{"list", `{"limit":201}`},
	{"list", `{"limit":-1}`},
	{"list", `{"cursor":"t1"}`},
	{"list", `{"cursor":"YWZ0ZXI6Li4vdDE"}`}, // after:../t1
	{"list", `{"cursor":7}`},
	{"list", `{"priority":true}`},
	{"list", `{"query":7}`},
	{"ready", `{"type":"any"}`},
	{"ready", `{"status":"open"}`},
	{"show", `{}`},
	{"show", `{"id":"t1","offset":-1}`},
	{"show", `{"id":".."}`},
	{"wait", `{"id":"t1","ready":true}`},
	{"wait", `{"id":["../t1"]}`},
	{"wait", `{"id":["t1"],"ready":true}`},
	{"wait", `{"id":["t1"],"type":"bug"}`},
	{"wait", `{"since":"yesterday"}`},
	{"wait", `{"seconds":"long"}`},
	{"wait", `{"agent":"x"}`},
	{"history", `{"id":"../t1"}`},
	{"history", `{"since":"yesterday evening"}`},
	{"history", `{"since":7}`},
	{"history", `{"limit":1001}`},
	{"history", `{"ticket":"t1"}`},
	{"repair", `{"dryRun":false}`},
	{"repair", `{"fix":true}`},
}

// nonsense calls with arguments that must be refused.
func (w *world) nonsense(s *actor, c struct{ tool, args string }) {
	w.t.Helper()
	if s.board == nil {
		w.begin(s)
	}
	before := w.look()
	answer, err := s.board.Call(context.Background(), c.tool, json.RawMessage(c.args))
	if ticketfs.CodeOf(err) != ticketfs.Invalid || refusalFault(err) != "" || answer != nil {
		w.t.Fatalf("%s %.200s: answer %v, error %v", c.tool, c.args, answer, err)
	}
	if len(err.Error()) > 1500 {
		w.t.Fatalf("%s %.200s: a refusal of %d bytes", c.tool, c.args, len(err.Error()))
	}
	w.unwritten(before, c.tool+" "+c.args)
}

func TestNonsense(t *testing.T) {
	w := testWorld(t)
	w.layBoard("t1 open; t2 open")
	for _, c := range nonsense {
		w.nonsense(w.session("me"), c)
	}
}
