package tools_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// hostile are texts that could end a line, a value, a section or a file too early on their way into
// a ticket.
var hostile = append(slices.Clone(texts),
	"two\nlines", "two\r\nlines", "\n\nblank\n\n", "---", "---\nstatus: closed", "x\n---\nx", "# Title", "## Notes", "## Notes\n\n- x", "## Design", "```", "```\n# x",
	"~~~\n## y", "- [x] done", "- [ ] x\n- [ ] x", "\u2028", "a\u2028b", "a\u0085b", "\ufeff", "a\ufeffb", "nul\x00", "bell\a", "\u202e", "\U0010ffff", "\ufffd", "🐛",
	"...", "key: [", "key: {", "'", "\"", "\\", "\\n", "a'b\"c\\d", "? x", "- x", ": x", "#", "0x10", "1e3", ".inf", "y", "on", "2026-01-04T05:22:09Z", "<<: *a", "<<<<<<< ours", "=======", ">>>>>>> theirs",
	strings.Repeat("long ", 2000), strings.Repeat("x", 70000), strings.Repeat("line\n",
		20000), strings.Repeat("y", 1<<20),
)

// textArgument is an argument, of a call for the ticket id.
type textArgument struct {
	tool, id, field string
	said            func(*document.Document) string
}

// textArguments are the arguments that take any text, and what the ticket says of each afterwards;
// nil where a text of many forms is in the body, or a name is reduced.
var textArguments = []textArgument{
	{"create", "", "title", title},
	{"create", "", "assignee", assignee},
	{"create", "", "description", nil},
	{"create", "", "design", nil},
	{"create", "", "acceptance", nil},
	{"update", "a", "title", title},
	{"update", "a", "assignee", assignee},
	{"update", "a", "description", nil},
	{"update", "a", "design", nil},
	{"update", "a", "acceptance", nil},
	{"note", "a", "text", lastNote},
	{"note", "a", "agent", nil},
	{"close", "b", "reason", func(d *document.Document) string { return d.Ticket().CloseReason }},
	{"reopen", "c", "reason", lastNote},
	{"release", "d", "reason", lastNote},
	{"start", "e", "agent", nil},
}

func title(d *document.Document) string    { return d.Ticket().Title }
func assignee(d *document.Document) string { return d.Ticket().Assignee }

// lastNote is the first line of the newest note, without its signature.
func lastNote(d *document.Document) string {
	notes := d.Notes()
	if len(notes) == 0 {
		return ""
	}
	return signature.ReplaceAllString(notes[len(notes)-1], "")
}

// TestTexts: whatever text an agent gives, it is refused as invalid and nothing is written, or the
// ticket says it afterwards and is in everything else what the rules make of it.
func TestTexts(t *testing.T) {
	base := t.TempDir()
	t.Parallel()
	answered := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, base)
		w.layBoard("a open; b in_progress by=me; c closed; d in_progress by=me; e open")
		given := rapid.OneOf(rapid.SampledFrom(hostile), rapid.SampledFrom(hostile),
			rapid.String()).Draw(t, "text")
		before := w.look()
		for _, a := range rapid.Permutation(textArguments).Draw(t, "arguments")[:4] {
			args := map[string]any{}
			switch a.tool {
			case "create":
				args["title"] = "Title"
			case "note":
				args["text"] = "text"
			}
			if a.id != "" {
				args["id"] = a.id
			}
			args[a.field] = given
			r := call(t, w.session("me").board, a.tool, args)
			after := w.look()
			touched, faults := written(before, after)
			if len(faults) > 0 || len(touched) > 1 || r.code != "" && len(touched) > 0 {
				t.Fatalf("%s %s %.100q: %s: wrote %v, %v", a.tool, a.field, given, r.code, touched,
					faults)
			}
			answered[a.tool+" "+string(r.code)]++
			switch r.code {
			case "":
				w.checkText(a.tool, a.field, given, r, before, after, a.said)
			case ticketfs.Invalid:
			default:
				t.Fatalf("%s %s %.100q: %s", a.tool, a.field, given, r.text)
			}
			before = after
		}
	})
	t.Logf("answers: %v", answered)
}

// checkText holds a ticket that was written against what was given.
func (w *world) checkText(tool, field, given string, r reply, before, after look,
	said func(*document.Document) string) {
	w.t.Helper()
	id := r.str("id")
	d, err := document.Parse(id, []byte(after.files[id+".md"].content))
	if err != nil {
		w.t.Fatalf("%s %s %.100q made %s unreadable: %v", tool, field, given, id, err)
	}
	want := strings.ToValidUTF8(strings.TrimSpace(given), "\ufffd")
	if said != nil && want != "" {
		first, _, _ := strings.Cut(want, "\n") // is all that is looked at of a note
		if got := said(d); got != want && got != strings.TrimSpace(first) {
			w.t.Fatalf("%s %s %.100q: %s says %.100q", tool, field, given, id, got)
		}
	}
	was, is := before.state.Tickets[id], after.state.Tickets[id]
	status := map[string]spec.Status{"create": spec.Open, "close": spec.Closed, "reopen": spec.Open,
		"release": spec.Open, "start": spec.InProgress}[tool]
	if status == "" {
		status = was.Status
	}
	if is.Status != status || tool != "create" &&
		(is.Parent != was.Parent || is.Type != was.Type || is.Priority != was.Priority ||
			is.Created != was.Created ||
			field != "title" && is.Title != was.Title || tool+field != "updateassignee" &&
			is.Assignee != was.Assignee) {
		w.t.Fatalf("%s %s %.100q: %+v became %+v", tool, field, given, was, is)
	}
	if tool == "create" && field != "title" && is.Title != "Title" {
		w.t.Fatalf("create %s %.100q: the title is %q", field, given, is.Title)
	}
	if len(is.Notes) < len(was.Notes) && tool != "update" {
		w.t.Fatalf("%s %s %.100q: lost notes: %q became %q", tool, field, given, was.Notes,
			is.Notes)
	}
	if !utf8.ValidString(after.files[id+".md"].content) {
		w.t.Fatalf("%s %s %.100q: not UTF-8", tool, field, given)
	}
}
