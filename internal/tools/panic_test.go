package tools_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// A panic in a tool is a result that says so, and the server goes on: here, of a board without a
// store.
func TestPanic(t *testing.T) {
	s, err := tools.NewServer(&tools.Board{}, tools.Offer{Version: "test"},
		slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range [][2]string{
		{"ready", "{}"}, {"start", `{"id":"a"}`}, {"start", "{}"}, {"show", `{"id":"a"}`}, {"note",
			`{"id":"a","text":"x"}`}, {"close", `{"id":"a"}`}, {"release", `{"id":"a"}`},
		{"reopen", `{"id":"a"}`}, {"list", "{}"}, {"create", `{"title":"x"}`}, {"update",
			`{"id":"a","title":"x"}`}, {"block", `{"id":"a","blocked_by":"b"}`},
		{"unblock", `{"id":"a","blocked_by":"b"}`}, {"repair", "{}"},
	} {
		answer, err := json.Marshal(s.HandleMessage(t.Context(),
			[]byte(servertest.ToolCall("1", call[0], call[1]))))
		if err != nil || !strings.Contains(string(answer), `"isError":true`) ||
			!strings.Contains(string(answer), call[0]+" failed by a fault in ticket-mcp") ||
			!strings.Contains(string(answer), "report it at https://") {
			t.Errorf("%s: %s %v", call[0], answer, err)
		}
	}
}
