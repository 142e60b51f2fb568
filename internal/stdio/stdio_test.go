package stdio_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// Every request that came before the end of input is answered once, and then the server ends,
// content. The last line needs no newline, lines may end with CR LF, and blank lines are nothing.
func TestPipedCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, test := range []struct {
		name            string
		calls           int
		times           int
		begin, eol, end string
	}{
		{"300 calls", 300, 2, "", "\n", ""},
		{"1000 calls", 1000, 1, "", "\r\n", "\r\n"},
		{"one call", 1, 5, "", "\n", ""},
		{"blank lines", 20, 1, "", "\n\n \t\r\n", "\n \n"},
		{"a byte order mark", 2, 1, "\ufeff", "\n", ""},
		{"a byte order mark on a line of its own", 2, 1, "\ufeff\r\n", "\n", ""},
		{"nothing", 0, 1, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() {
				test.calls, test.times = min(test.calls, 100), 1
			}
			dir := servertest.OpenTickets(t, "alpha")
			for range test.times {
				w := servertest.Start(t, servertest.On(t, dir))
				var lines []string
				for i := range test.calls {
					call := servertest.ToolCall(fmt.Sprint(i), "show", `{"id":"alpha"}`)
					if i%10 == 0 {
						call = servertest.ToolCall(fmt.Sprint(i), "note",
							fmt.Sprintf(`{"id":"alpha","text":"note %d"}`, i))
					}
					lines = append(lines, call)
				}
				if _, err := io.WriteString(w.In,
					test.begin+strings.Join(lines, test.eol)+test.end); err != nil {
					t.Fatal(err)
				}
				rest, status := w.End()
				answers := make(map[string]int)
				for _, m := range rest {
					if answers[string(m.ID)]++; m.Error != nil ||
						bytes.Contains(m.Result, []byte(`"isError":true`)) {
						t.Errorf("%s", m.Line)
					}
				}
				for i := range test.calls {
					if n := answers[fmt.Sprint(i)]; n != 1 {
						t.Errorf("call %d was answered %d times", i, n)
					}
				}
				if len(rest) != test.calls || status != 0 || w.Stderr.String() != "" {
					t.Errorf("%d calls: %d answers, status %d", test.calls, len(rest), status)
				}
			}
		})
	}
}
