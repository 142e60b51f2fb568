package stdio_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// attacks are what a host must not send, and the ids and kinds of the answers, sorted as text.
var attacks = []struct {
	name  string
	lines []string
	want  []string
}{
	{"not JSON", []string{"hello", "{", `{"jsonrpc":"2.0","id":1,"method":"ping"`, "\x00\x01\xff",
		`"text"`, "17", "null"}, []string{
		"null -32600", "null -32700", "null -32700", "null -32700", "null -32700", "null -32700", "null -32700"}},
	{"two messages on a line",
		[]string{servertest.Request("1", "ping", "{}") +
			servertest.Request("2", "ping", "{}")}, []string{"null -32700"}},
	{"a batch", []string{"[" + servertest.Request("1", "ping", "{}") + "," +
		servertest.Request("2", "ping", "{}") + "]", "[]"}, []string{"null -32700", "null -32700"}},
	{"deep nesting", []string{
		strings.Repeat("[", 100_000),
		servertest.Request("1", "tools/call",
			`{"name":"show","arguments":`+strings.Repeat(`{"a":`, 9000)+"1"+strings.Repeat("}",
				9001)),
		servertest.Request("2", "tools/call",
			`{"name":"show","arguments":`+strings.Repeat(`[`, 20_000)+strings.Repeat("]",
				20_000)+"}"),
	}, []string{"1 refused", "null -32700", "null -32700"}},
	{"another version of JSON-RPC", []string{`{"id":1,"method":"ping"}`,
		`{"jsonrpc":"1.0","id":2,"method":"ping"}`, `{"jsonrpc":2,"id":3,"method":"ping"}`},
		[]string{"1 -32600", "2 -32600", "null -32700"}},
	{"unknown methods, and a resource that is not there",
		[]string{servertest.Request("1", "nope", "{}"), servertest.Request("2", "", "{}"),
			servertest.Request("3", "tools/calls", "{}"), servertest.Request("4",
				"notifications/cancelled", "{}"),
			servertest.Request("5", "resources/read",
				`{"uri":"file:///etc/passwd"}`), `{"jsonrpc":"2.0","id":6,"method":7}`, `{"jsonrpc":"2.0","id":8}`},
		[]string{"1 -32601", "2 -32601", "3 -32601", "4 -32601", "5 -32002", "8 -32601",
			"null -32700"}},
	{"unknown notifications", []string{`{"jsonrpc":"2.0","method":"nope"}`,
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"show"}}`}, nil},
	{"cancelling what is not there", []string{
		`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"a":1}}}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`}, []string{"null -32700"}},
	{"answers to nothing", []string{`{"jsonrpc":"2.0","id":1,"result":{}}`,
		`{"jsonrpc":"2.0","id":1,"result":{},"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"result":null}`,
		`{"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"no"}}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}`,
		`{"jsonrpc":"2.0","id":2,"error":"text"}`, `{"id":3,"result":[1]}`, `{"jsonrpc":"1.0","id":4,"error":{}}`}, nil},
	{"ids of all kinds", []string{servertest.Request(`"a"`, "ping", "{}"),
		servertest.Request(`""`, "ping", "{}"), servertest.Request(`"\u00e9\"\\/"`, "ping",
			"{}"), servertest.Request("0", "ping", "{}"),
		servertest.Request("-1", "ping", "{}"), servertest.Request("1.50", "ping",
			"{}"), servertest.Request("1.0", "ping", "{}"), servertest.Request("1e400", "ping", "{}"),
		servertest.Request("9007199254740993", "ping",
			"{}"), servertest.Request("1700000000000000001", "ping", "{}"), servertest.Request("18446744073709551616", "ping", "{}"),
		servertest.Request(`{"b":1,"a":[2]}`, "ping", "{}"), servertest.Request("[1]", "ping",
			"{}"), servertest.Request("true", "ping", "{}")}, []string{
		`"" done`, `"\u00e9\"\\/" done`, `"a" done`, "-1 done", "0 done", "1.0 done", "1.50 done", "1700000000000000001 done", "18446744073709551616 done",
		"1e400 done", "9007199254740993 done", "[1] done", "true done", `{"b":1,"a":[2]} done`}},
	{"the same id twice", []string{servertest.Request("7", "ping", "{}"),
		servertest.Request("7", "nope", "{}"), servertest.Request(`"7"`, "ping",
			"{}")}, []string{`"7" done`, "7 -32601", "7 done"}},
	{"an id that is null or given twice", []string{servertest.Request("null", "ping", "{}"),
		`{"jsonrpc":"2.0","id":1,"ID":2,"method":"ping"}`, `{"id":3, "id" : 4 ,"jsonrpc":"2.0","method":"ping"}`},
		[]string{"2 done", "4 done"}},
	{"params of wrong shape", []string{servertest.Request("1", "tools/call", "[]"),
		servertest.Request("2", "tools/call", `"show"`), servertest.Request("3", "tools/call",
			"null"), servertest.Request("4", "tools/call", "{}"),
		servertest.Request("5", "tools/call", `{"name":7}`), servertest.Request("6", "tools/call",
			`{"name":"show","arguments":[]}`), servertest.Request("7", "tools/call", `{"name":"show","arguments":"alpha"}`),
		servertest.Request("8", "tools/call",
			`{"name":"show","arguments":null}`), servertest.Request("9", "tools/call", `{"name":"show"}`), servertest.Request("10", "tools/list", `{"cursor":7}`),
		servertest.Request("11", "tools/list",
			`{"cursor":"nope"}`), `{"jsonrpc":"2.0","id":12,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":13,"method":"initialize"}`,
		servertest.Request("14", "initialize", `{"protocolVersion":7}`), servertest.Request("15",
			"ping", "[1]"), servertest.Request("16", "tools/call", `{"name":"nope\n","arguments":{}}`)}, []string{
		"1 -32600", "10 -32600", "11 done", "12 done", "13 done", "14 -32600", "15 -32600", "16 -32602", "2 -32600", "3 -32602", "4 -32602", "5 -32600", "6 refused",
		"7 refused", "8 refused", "9 refused"}},
	{"arguments of wrong shape", []string{servertest.ToolCall("1", "show", `{"id":1e400}`),
		servertest.ToolCall("2", "show", `{"ID":"alpha"}`), servertest.ToolCall("3", "show",
			`{"id":"alpha","id":"beta"}`),
		servertest.ToolCall("4", "show", `{"id":"\u0000"}`), servertest.ToolCall("5", "show",
			`{"id":"`+strings.Repeat("x",
				1<<20)+`"}`), servertest.ToolCall("6", "list", `{"limit":9007199254740993}`),
		servertest.ToolCall("7", "show", `{"id":"alpha","offset":-1}`), servertest.ToolCall("8",
			"list", `{"limit":1.5}`)}, []string{
		"1 -32600", "2 refused", "3 refused", "4 refused", "5 refused", "6 refused", "7 refused", "8 refused"}},
	{"modern requests that are not whole", []string{
		servertest.Request("1", "tools/list",
			`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}}}`),
		servertest.Request("2", "tools/list",
			`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`),
		servertest.Request("3", "tools/list",
			`{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}`), servertest.Request("4", "server/discover", "{}"),
		servertest.Request("5", "subscriptions/listen",
			"{}")}, []string{"1 -32022", "2 -32602", "3 done", "4 -32601", "5 -32601"}},
	{"a subscription to what never changes",
		[]string{servertest.Request("1", "subscriptions/listen",
			`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"notifications":{"toolsListChanged":true}}`)},
		[]string{" done", "1 done"}},
}

// Whatever a host sends, the server answers what can be answered, with the id as the host wrote it,
// and goes on; nothing of it delays the end.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	w := servertest.Start(t, servertest.On(t, servertest.OpenTickets(t, "alpha")))
	for _, attack := range attacks {
		var got []string
		for _, m := range w.AnswersUntilPing(attack.lines, len(attack.want)) {
			got = append(got, fmt.Sprintf("%s %s", m.ID, m.Kind()))
		}
		slices.Sort(got)
		if diff := cmp.Diff(attack.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", attack.name, diff)
		}
	}
	rest, status := w.End()
	for _, m := range rest {
		t.Errorf("left over: %.300s", m.Line)
	}
	if status != 0 || w.Stderr.String() != "" {
		t.Errorf("status %d", status)
	}
}

// Each attack at once with the end of input: each gets its answers, and the server does not wait
// for any that never come.
func TestAttacksAtTheEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	var lines []string
	want := 0
	for _, attack := range attacks {
		lines = append(lines, attack.lines...)
		want += len(attack.want)
	}
	w := servertest.Start(t, servertest.On(t, servertest.OpenTickets(t, "alpha")))
	if _, err := io.WriteString(w.In, strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
	rest, status := w.End()
	if len(rest) != want || status != 0 || w.Stderr.String() != "" {
		t.Errorf("%d answers, want %d; status %d", len(rest), want, status)
	}
}

// A line of more than 4 MiB is answered with an error, with its id if that is among the first
// members, and not kept in memory.
func TestLongLines(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 90 MB")
	}
	w := servertest.Start(t, servertest.On(t, servertest.OpenTickets(t, "alpha")))
	fill := func(n int) string { return strings.Repeat("x", n) }
	w.Lives()
	before := w.PeakMemory()
	w.Send(`{"jsonrpc":"2.0","id":"fifty","method":"tools/call","params":"` + fill(50<<20) + `"}`)
	if m := w.Answer(`"fifty"`); m.Error == nil {
		t.Errorf("a line of 50 MiB: %.300s", m.Line)
	}
	cost := w.PeakMemory() - before
	t.Logf("a line of 50 MiB cost %d KiB", cost)
	most := 32 << 10
	if servertest.UnderRace() {
		most *= 2 // for its shadow
	}
	if int(cost) > most {
		t.Errorf("a line of 50 MiB cost %d KiB", cost)
	}
	note := servertest.ToolCall("1", "note", `{"id":"alpha","text":""}`)
	longest := strings.Replace(note, `"text":""`, `"text":"`+fill(stdio.MaxLine-len(note)-1)+`"`, 1)
	w.Send(longest)
	if m := w.Answer("1"); m.Kind() != "refused" || !bytes.Contains(m.Result, []byte("invalid")) {
		t.Errorf("a line of %d bytes with its newline: %.300s", len(longest)+1, m.Line)
	}
	for _, test := range []struct{ id, line string }{
		{"2", strings.Replace(longest, `"id":1`, `"id":2`, 1) + " "},
		{`"three"`, `{"jsonrpc":"2.0","id":"three","method":"tools/call","params":"` +
			fill(stdio.MaxLine)},
		{"4", `{ "method":"tools/call", "id": 4, "jsonrpc":"2.0","params":["` +
			fill(stdio.MaxLine)},
		{`{"a":1}`, `{"id":{"a":1},"x":"` + fill(stdio.MaxLine)},
		{"null", `{"jsonrpc":"2.0","method":"tools/call","params":"` + fill(stdio.MaxLine) +
			`","id":5}`},
		{"null", fill(stdio.MaxLine + 1)},
		{"null", `{"id":` + strings.Repeat("1", stdio.MaxLine)},
		{"null", strings.Repeat("[", stdio.MaxLine+1)},
	} {
		w.Send(test.line)
		if m := w.Answer(test.id); m.Error == nil || m.Error.Code != -32600 ||
			!strings.Contains(m.Error.Message, strconv.Itoa(stdio.MaxLine)) {
			t.Errorf("%.80s: %.300s", test.line, m.Line)
		}
		w.Lives()
	}
	// The end of input in the middle of such a line.
	if _, err := io.WriteString(w.In, `{"id":9,"x":"`+fill(stdio.MaxLine)); err != nil {
		t.Fatal(err)
	}
	rest, status := w.End()
	if len(rest) != 1 || string(rest[0].ID) != "9" || rest[0].Error == nil || status != 0 {
		t.Errorf("%d answers at the end, status %d", len(rest), status)
	}
}
