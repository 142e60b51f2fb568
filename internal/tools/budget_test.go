package tools_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

const (
	maxRows = 8000 // bytes of list and ready by default: 2,000 tokens
	// bytes of text of any answer: some hosts cut what is longer, without a word
	maxShown = 32 << 10
)

// sized calls a tool and checks how long its answer is, as text and as structured content.
func sized(t tb, w *world, tool string, args map[string]any, maxText, maxStructured int) reply {
	t.Helper()
	r := call(t, w.session("me").board, tool, args)
	structured, err := json.Marshal(r.fields)
	must(t, err)
	if len(r.text) > maxText || r.fields != nil && len(structured) > maxStructured {
		t.Errorf("%s %v: %d bytes of text, %d of structured content; at most %d, %d", tool, args,
			len(r.text), len(structured), maxText, maxStructured)
	}
	t.Logf("%s %v: %d bytes of text, %d of structured content", tool, args, len(r.text),
		len(structured))
	return r
}

// longID begins ids of nearly the 64 characters that an id may have.
var longID = strings.Repeat("t", 55)

// crowd is a board of many tickets that are long in one way.
type crowd struct {
	name    string
	tickets int
	id      string // how the ids begin
	ticket  spec.Ticket
	broken  int    // files that cannot be read
	over    string // why list or ready is known not to keep to its budget here, to be repaired
}

var crowds = []crowd{
	{name: "1,000 titles of 500 characters", tickets: 1000,
		ticket: spec.Ticket{Title: strings.Repeat("Long ", 100)}},
	{name: "wide characters", tickets: 100, ticket: spec.Ticket{Title: strings.Repeat("漢", 500)}},
	{name: "wider characters", tickets: 100, ticket: spec.Ticket{Title: strings.Repeat("🐛", 500)}},
	{name: "characters that JSON escapes", tickets: 100,
		ticket: spec.Ticket{Title: strings.Repeat(`"<&>`, 125)}},
	{name: "all of a row is long", tickets: 100, id: longID, ticket: spec.Ticket{
		Title: strings.Repeat("Long ", 100), Parent: longID +
			"-epic", Assignee: strings.Repeat("Ada ", 50),
		Status: spec.InProgress, Holder: strings.Repeat("a", 32) + "@" + keyOf("gone"),
	}},
	{name: "many files cannot be read", tickets: 100, broken: 100,
		ticket: spec.Ticket{Title: strings.Repeat("Long ", 100)}},
}

// TestListsAreShort: list and ready keep to their budget, whatever the tickets.
func TestListsAreShort(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	body := strings.Repeat("Twenty kilobytes of words, as agents write them. ", 420)
	for _, c := range crowds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := testWorld(t)
			w.mark("gone", spec.Dead)
			w.lay(longID+"-epic", spec.Ticket{Status: spec.InProgress, Holder: claimOf("gone"),
				Title: "x", Type: "epic", Priority: 4}, style{})
			for i := range c.tickets {
				of := c.ticket
				of.Type, of.Priority, of.Created, of.Status = "feature", 1, began.Unix(), cmp.Or(of.Status, spec.Open)
				id := fmt.Sprintf("%st%04d", c.id, i)
				w.write(id+".md", ticketText(id, of, style{})+body)
			}
			for i := range c.broken {
				w.write(fmt.Sprintf("%s-m%03d.md", longID, i),
					"---\nstatus: "+strings.Repeat("opne", 100)+"\n---\n")
			}
			known(t, c.over, func(t tb) {
				for _, tool := range []string{"list", "ready"} {
					r := sized(t, w, tool, map[string]any{}, maxRows, maxRows)
					if more, _ := r.fields["more"].(float64); len(r.ids("tickets")) == 0 ||
						more == 0 {
						t.Errorf("%s names %d tickets and %v more", tool, len(r.ids("tickets")),
							more)
					}
				}
			})
		})
	}
}

// bodies are texts that are hard to cut: where a character begins is not where a kilobyte does.
func bodies() map[string]string {
	lines := ""
	for i := range 3000 {
		lines += fmt.Sprintf("line %d of a long body\n", i)
	}
	return map[string]string{
		"short":          "Few words.\n",
		"empty":          "",
		"lines":          lines,
		"wide":           strings.Repeat("漢字", 20000),
		"wider":          "x" + strings.Repeat("🐛", 20000),
		"crlf":           strings.ReplaceAll(lines, "\n", "\r\n"),
		"combined":       strings.Repeat("e\u0301", 30000),
		"quotes":         strings.Repeat("\"<&>\\", 20000),
		"no line at all": strings.Repeat("y", 1<<20-1000),
	}
}

// TestShowReadsOn: an answer of show is bounded, and reading on by its offsets gives the body, byte
// by byte.
func TestShowReadsOn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := testWorld(t)
			w.write("a.md", "---\nstatus: open\n---\n"+body)
			readOn(t, w, "a", body)
		})
	}
}

// readOn reads a body in pieces and compares.
func readOn(t *testing.T, w *world, id, body string) {
	t.Helper()
	got, args := "", map[string]any{"id": id}
	for pieces := 1; ; pieces++ {
		r := call(t, w.session("me").board, "show", args)
		if r.code != "" || len(r.text) > maxShown || !utf8.ValidString(r.text) {
			t.Fatalf("show %v: %d bytes, %.200s", args, len(r.text), r.text)
		}
		got += r.str("body")
		next, _ := r.fields["next_offset"].(float64)
		if next == 0 {
			break
		}
		if int(next) != len(got) || !strings.Contains(r.text, fmt.Sprintf("offset %d", len(got))) {
			t.Fatalf("after %d bytes: next_offset %v", len(got), next)
		}
		if pieces > len(body)/1024+1 {
			t.Fatalf("after %d pieces only %d of %d bytes", pieces, len(got), len(body))
		}
		args["offset"] = len(got)
	}
	if got != body {
		t.Errorf("read %d bytes, which are not the %d of the body", len(got), len(body))
	}
	if r := call(t, w.session("me").board, "show",
		map[string]any{"id": id, "offset": len(body) + 1}); r.code != "invalid" {
		t.Errorf("an offset behind the end: %s", r.text)
	}
}

// TestShowIsBounded: also where all that surrounds the body is as long as it may be.
func TestShowIsBounded(t *testing.T) {
	w := testWorld(t)
	title := strings.Repeat("🐛", 500)
	body := "\n" + strings.Repeat("漢", 30000) + "\n## Notes\n" +
		strings.Repeat("- "+strings.Repeat("note ", 300)+"\n", 10)
	a := spec.Ticket{
		Status: spec.InProgress, Holder: claimOf("gone"), Title: title, Type: "epic", Priority: 1,
		CloseReason: strings.Repeat("r", 40000), Assignee: strings.Repeat("x",
			1000), Parent: "parent",
	}
	w.mark("gone", spec.Dead)
	w.lay("parent", spec.Ticket{Status: spec.InProgress, Holder: claimOf("gone"), Title: title,
		Type: "epic", Priority: 1}, style{})
	for i := range 50 {
		of := spec.Ticket{Status: spec.Open, Title: title, Type: "task", Priority: 1}
		id := strings.Repeat("b", 60)
		done := of
		done.Status = spec.Closed
		w.lay(fmt.Sprint(id, "-b", i), done, style{})
		a.BlockedBy = append(a.BlockedBy, fmt.Sprint(id, "-b", i))
		of.Parent = "the-ticket"
		w.lay(fmt.Sprint(id, "-c", i), of, style{})
		of.Parent, of.BlockedBy = "", []string{"the-ticket"}
		w.lay(fmt.Sprint(id, "-d", i), of, style{})
		w.write(fmt.Sprint(id, "-m", i, ".md"),
			"---\nstatus: the-ticket"+strings.Repeat("x", 1000)+"\n---\n")
	}
	w.write("the-ticket.md", ticketText("the-ticket", a, style{lists: mapList})+body)
	sized(t, w, "show", map[string]any{"id": "the-ticket"}, maxShown, 2*maxShown)
	sized(t, w, "start", map[string]any{"id": "the-ticket"}, maxShown, 2*maxShown)
}

// TestEveryAnswerIsBounded: where one ticket has to do with many others.
func TestEveryAnswerIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	const many = 400
	w := testWorld(t)
	me := w.session("me")
	w.settle(me)
	w.mark("gone", spec.Dead)
	hub := spec.Ticket{Status: spec.InProgress, Holder: claimOf("me"), Title: "Hub", Type: "task",
		Priority: 1}
	waiter := spec.Ticket{Status: spec.Open, Title: "Waiter", Type: "task", Priority: 1}
	epic := spec.Ticket{Status: spec.InProgress, Holder: claimOf("me"), Title: "Epic", Type: "epic",
		Priority: 1}
	w.lay("hub", hub, style{})
	w.lay("epic", epic, style{})
	for i := range many {
		id := fmt.Sprintf("t%04d", i)
		ticket := spec.Ticket{Status: spec.Open, Title: strings.Repeat("Long ", 50), Type: "task",
			Priority: 2, BlockedBy: []string{"hub"}}
		if i%2 == 0 {
			ticket.Parent = "epic"
		}
		w.lay(id, ticket, style{})
		chain := spec.Ticket{Status: spec.Closed, Title: "Chain", Type: "task", Priority: 2}
		if i > 0 {
			chain.Status, chain.BlockedBy = spec.Open, []string{fmt.Sprintf("u%04d", i-1)}
		}
		w.lay(fmt.Sprintf("u%04d", i), chain, style{})
		waiter.BlockedBy = append(waiter.BlockedBy, id)
	}
	w.lay("waiter", waiter, style{})
	for _, c := range []struct {
		tool string
		args map[string]any
		code spec.Code
		over string
	}{
		{"show", map[string]any{"id": "hub"}, "", ""},
		{"start", map[string]any{"id": "waiter"}, spec.Blocked, ""},
		{"close", map[string]any{"id": "epic"}, spec.OpenChildren, ""},
		{"block", map[string]any{"id": "u0001", "blocked_by": fmt.Sprintf("u%04d", many-1)},
			spec.Cycle, ""},
		{"start", map[string]any{"id": "none"}, spec.NotFound, ""},
		{"repair", map[string]any{}, "", ""},
		{"close", map[string]any{"id": "hub"}, "", ""},
	} {
		known(t, c.over, func(tb tb) {
			if r := sized(tb, w, c.tool, c.args, maxShown,
				2*maxShown); spec.Code(r.code) != c.code {
				t.Errorf("%s %v: %.500s", c.tool, c.args, r.text)
			}
		})
	}
}

// TestRepairIsBounded: on a board where everything is broken.
func TestRepairIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("lays 2,000 files")
	}
	w := testWorld(t)
	for i := range 1000 {
		long := fmt.Sprintf("%s%04d", strings.Repeat("m", 60), i)
		w.write(long+".md", "---\nstatus: "+strings.Repeat("opne", 100)+"\n---\n<<<<<<< ours\n")
		w.lay(fmt.Sprintf("t%04d", i), spec.Ticket{Status: spec.Open, Title: "x", Type: "task",
			Priority: 2, BlockedBy: []string{long + "x"}, Parent: long[:63]}, style{})
	}
	r := sized(t, w, "repair", map[string]any{}, maxShown, 2*maxShown)
	if more, _ := r.fields["more"].(float64); len(r.ids("found")) == 0 ||
		len(r.ids("found"))+int(more) != 3000 {
		t.Errorf("repair names %d and %v more", len(r.ids("found")), more)
	}
}
