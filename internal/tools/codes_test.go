package tools_test

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// unanswered are the codes that no test on a real disk can bring about, with the reason.
var unanswered = map[string]string{
	"unsafe_fs": "needs a filesystem whose flock(2) excludes nobody",
}

// TestCodes: every code of a refusal is answered in some test here.
func TestCodes(t *testing.T) {
	answered := map[string]bool{}
	for _, s := range seeds {
		for line := range strings.Lines(s.steps) {
			if _, expected, found := strings.Cut(line, " -> "); found {
				answered[strings.Fields(expected)[0]] = true
			}
		}
	}
	answered[string(busy(t).code)] = true
	answered[string(held(t).code)] = true
	for _, call := range []string{`start`, `list`} {
		answered[string(noStore(t, call).code)] = true
	}
	answered[string(shared(t).code)] = true
	constants := codeConstants(t)
	for _, code := range constants {
		if why := unanswered[code]; answered[code] == (why != "") {
			t.Errorf("%s is answered: %v; unanswered: %q", code, answered[code], why)
		}
	}
	for code := range answered {
		if code != "ok" && !slices.Contains(constants, code) {
			t.Errorf("%s is no code of ticketfs", code)
		}
	}
}

// held is the answer to a start of a ticket that waits for a person.
func held(t *testing.T) reply {
	t.Helper()
	w := testWorld(t)
	b := w.session("me").board
	created := call(t, b, "create", map[string]any{"title": "x", "hold": "which way?"})
	return call(t, b, "start", map[string]any{"id": created.fields["id"]})
}

// codeConstants are the values of the constants of type ticketfs.Code.
func codeConstants(t *testing.T) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "ticketfs", "refusal.go"),
		nil, parser.SkipObjectResolution)
	must(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			for _, value := range spec.Values {
				code, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				must(t, err)
				codes = append(codes, code)
			}
		}
		return true
	})
	if len(codes) < 15 {
		t.Fatalf("found only %v", codes)
	}
	return codes
}

// busy is what a call answers while another process holds the ticket.
func busy(t *testing.T) reply {
	t.Helper()
	w := testWorld(t)
	w.layBoard("a open; b open")
	other := w.session("you").board.Store
	var r reply
	err := other.WithTicketLock(t.Context(), filepath.Join(w.dir, "a.md"),
		func([]byte) ([]byte, error) {
			s := w.session("me")
			s.board.Store.LockTimeout = 20 * time.Millisecond
			before := w.look()
			r = call(t, s.board, "note", map[string]any{"id": "a", "text": "x"})
			if diff, _ := written(before, w.look()); len(diff) > 0 {
				t.Errorf("wrote %v", diff)
			}
			// Others are not in the way, and reading never waits.
			for _, free := range []struct{ tool, id string }{{"note", "b"}, {"show", "a"}} {
				args := map[string]any{"id": free.id}
				if free.tool == "note" {
					args["text"] = "x"
				}
				if r := call(t, s.board, free.tool, args); r.code != "" {
					t.Errorf("%s %s beside a held lock: %s", free.tool, free.id, r.text)
				}
			}
			return nil, nil
		})
	must(t, err)
	if !strings.Contains(r.text, "a.md.lock") {
		t.Errorf("busy does not name the lock: %s", r.text)
	}
	return r
}

// noStore is what a call answers where there is no ticket folder.
func noStore(t *testing.T, tool string) reply {
	t.Helper()
	w := testWorld(t)
	must(t, os.Remove(w.dir))
	return call(t, w.session("me").board, tool, map[string]any{})
}

// shared is what a call answers on a board whose tickets are not files.
func shared(t *testing.T) reply {
	t.Helper()
	w := testWorld(t)
	w.layBoard("a open")
	must(t, board.WriteShared(w.dir, board.NewShared(board.Etcd)))
	before := w.look()
	r := call(t, w.session("me").board, "note", map[string]any{"id": "a", "text": "x"})
	if diff, _ := written(before, w.look()); len(diff) > 0 {
		t.Errorf("wrote %v", diff)
	}
	if want := "unreachable: shared board; install ticket-mcp-etcd"; r.text != want {
		t.Errorf("answers %s, want %s", r.text, want)
	}
	return r
}

// TestRefusalsOnTheWire: a refusal is a result with isError and its code in _meta, never a protocol
// error, also when the arguments make no sense. And a success passes the protocol as it is.
func TestRefusalsOnTheWire(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open blocked=a; c closed")
	b := w.session("me").board
	_, c, _ := connect(t, b, false)
	for _, tt := range []struct {
		tool string
		args any
		code ticketfs.Code // "" = success
	}{
		{"start", map[string]any{"id": "b"}, ticketfs.Blocked},
		{"start", map[string]any{"id": "c"}, ticketfs.WrongStatus},
		{"start", map[string]any{"id": "none"}, ticketfs.NotFound},
		{"start", map[string]any{"id": 7}, ticketfs.Invalid},
		{"start", []string{"a"}, ticketfs.Invalid},
		{"start", "a", ticketfs.Invalid},
		{"start", map[string]any{"id": "a"}, ""},
		{"list", nil, ""},
	} {
		request := mcp.CallToolRequest{}
		request.Params.Name, request.Params.Arguments = tt.tool, tt.args
		result, err := c.CallTool(context.Background(), request)
		if err != nil {
			t.Errorf("%s %v: a protocol error: %v", tt.tool, tt.args, err)
			continue
		}
		text := result.Content[0].(mcp.TextContent).Text
		if result.IsError != (tt.code != "") {
			t.Errorf("%s %v: isError %v: %s", tt.tool, tt.args, result.IsError, text)
			continue
		}
		if tt.code == "" {
			structured, err := json.Marshal(result.StructuredContent)
			must(t, err)
			if faults := answerFaults(tt.tool, structured, text); len(faults) > 0 {
				t.Errorf("%s %v: %v", tt.tool, tt.args, faults)
			}
			continue
		}
		if code := result.Meta.AdditionalFields["code"]; code != string(tt.code) ||
			!strings.HasPrefix(text, string(tt.code)+": ") || result.StructuredContent != nil {
			t.Errorf("%s %v: code %v, structured %v: %s", tt.tool, tt.args, code,
				result.StructuredContent, text)
		}
	}
	if got := w.look().state.Tickets["a"].Holder; got != w.keyNow(b) {
		t.Errorf("a is held by %q", got)
	}
}
