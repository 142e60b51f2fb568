package tools_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// facts are all that structured content may say, by tool: the fields of objects, of lists and rows
// in them. What is missing here was said by no answer of the tests, so that nobody would know
// whether the text says it too. `durable`, `journaled` and `warning` are not here: they need a disk
// that fails, or another filesystem; nor is the client of a row, which a server knows.
var facts = map[string]string{
	"ready": "board message more problems/id problems/reason tickets/assignee tickets/holder tickets/id tickets/parent tickets/priority tickets/status tickets/tags tickets/title tickets/type",
	"start": "assignee blocked_by/id blocked_by/reason blocked_by/status blocked_by/title blocks/id blocks/status blocks/title board body " +
		"claimed_at claimed_by created history holder id message parent/id parent/status parent/title priority status tags title type",
	"show": "assignee blocked_by/id blocked_by/reason blocked_by/status blocked_by/title blocks/id blocks/status blocks/title board body " +
		"children/id children/status children/title claimed_at claimed_by close_reason closed closed_by created evidence history holder id next_offset parent/id parent/status parent/title priority status tags title type unseen",
	"note":    "board id message status title",
	"close":   "board id message open_boxes status title unblocked/assignee unblocked/id unblocked/parent unblocked/priority unblocked/status unblocked/tags unblocked/title unblocked/type",
	"release": "board id message status title",
	"reopen":  "board id message status title",
	"list": "board message more nearest/id nearest/status nearest/title next_cursor problems/id problems/reason tickets/assignee tickets/children tickets/holder tickets/id " +
		"tickets/open_children tickets/parent tickets/priority tickets/status tickets/tags tickets/title tickets/type tickets/waits_for",
	"create":  "board id message status title",
	"update":  "board id message status title",
	"block":   "board id message status title",
	"unblock": "board id message status title",
	"history": "board message more next rows/by rows/changed rows/from rows/id rows/reason rows/row rows/time rows/to rows/tool unread",
	"wait": "board cursor message more tickets/assignee tickets/holder tickets/id tickets/parent tickets/priority tickets/status tickets/tags tickets/title tickets/type " +
		"timed_out",
	"repair": "board found/id found/kind found/repair found/repaired found/what message",
}

// TestFacts: every tool answers, says all that it can say, and says it in the text as well (call
// sees to that).
func TestFacts(t *testing.T) {
	w := testWorld(t)
	w.mark("gone", spec.Dead)
	me := w.session("me")
	me.board.WorkDir = t.TempDir() // so that answers name the board
	odd := "Odd: \"quotes\" <b>&amp; ünï 漢字 \u202eoverride\u200b\ttab " +
		strings.Repeat("long ", 30)
	for id, ticket := range map[string]spec.Ticket{
		"first": {Status: spec.Open, Title: odd, Assignee: "Ada", Parent: "epic",
			BlockedBy: []string{"k"}, Notes: []string{"one"}, Tags: []string{"api", "ui"}},
		"second": {Status: spec.Open, Title: "B", BlockedBy: []string{"first"}, Parent: "epic",
			Assignee: "Bob\u200b B.", Tags: []string{"docs"}},
		"epic": {Status: spec.InProgress, Title: "E", Holder: claimOf("gone")},
		"k": {Status: spec.Closed, Title: odd, CloseReason: "done at last", Parent: "missing",
			BlockedBy: []string{"none", "epic"}},
		"open": {Status: spec.Open, Title: "", CloseReason: "left over", Parent: "epic"},
		"dead": {Status: spec.InProgress, Title: "D", Holder: claimOf("gone")},
	} {
		ticket.Type, ticket.Priority, ticket.Created = "feature", 3, began.Unix()
		w.lay(id, ticket, style{lists: mapList})
	}
	w.write("mm.md", "---\nstatus: [\nparent: epic\n---\n")
	w.write("long.md", "---\nstatus: open\n---\n# L\n"+strings.Repeat("word ", 10000))
	said := map[string]map[string]bool{}
	ask := func(tool string, args map[string]any) reply {
		t.Helper()
		r := call(t, me.board, tool, args)
		if r.code != "" {
			t.Fatalf("%s %v: %s", tool, args, r.text)
		}
		if said[tool] == nil {
			said[tool] = map[string]bool{}
		}
		leaves("", r.fields, func(path string, _ any) {
			said[tool][regexp.MustCompile(`/[0-9]+`).ReplaceAllString(path, "")[1:]] = true
		})
		if _, mutates := r.fields["found"]; !mutates && r.fields["tickets"] == nil &&
			r.fields["rows"] == nil && (r.str("id") == "" || r.fields["title"] == nil) {
			t.Errorf("%s does not echo id and title: %v", tool, r.fields)
		}
		return r
	}
	ask("ready", map[string]any{"limit": 1})
	ask("ready", map[string]any{})
	ask("list", map[string]any{"limit": 3})
	ask("list", map[string]any{})
	ask("list", map[string]any{"query": "long nothing"})
	for _, id := range []string{"first", "k", "epic", "open", "long"} {
		ask("show", map[string]any{"id": id})
	}
	ask("repair", map[string]any{})
	ask("start", map[string]any{"id": "first", "agent": "sub agent"})
	ask("note", map[string]any{"id": "first", "text": "two\nlines", "agent": "sub"})
	ask("update", map[string]any{
		"id": "first", "title": odd[:60], "type": "bug", "priority": 1, "assignee": "", "description": "New.", "design": "D.", "acceptance": "- [ ] x\n- [ ] y", "tick": []string{"x"},
	})
	ask("block", map[string]any{"id": "open", "blocked_by": "first"})
	ask("unblock", map[string]any{"id": "open", "blocked_by": "first"})
	ask("release", map[string]any{"id": "first", "reason": "later", "agent": "sub agent"})
	ask("start", map[string]any{"id": "first"})
	ask("close", map[string]any{"id": "first", "reason": "done", "agent": "sub",
		"evidence": []string{"go test ./..."}})
	ask("show", map[string]any{"id": "first"})
	ask("reopen", map[string]any{"id": "first", "reason": "not quite"})
	ask("create", map[string]any{"title": odd[:60], "description": "Words.", "design": "D.",
		"acceptance": "- [ ] x", "type": "chore", "priority": 4, "parent": "epic", "blocked_by": []string{"first", "second"}, "assignee": "Ada"})
	ask("repair", map[string]any{"dry_run": false})
	ask("show", map[string]any{"id": "first"})
	ask("history", map[string]any{"limit": 3})
	ask("history", map[string]any{"limit": 3, "since": "2d"})
	ask("history", map[string]any{"id": "first", "by": "me", "since": "1h"})
	for i := range 5 {
		ask("create", map[string]any{"title": "Many", "priority": 4, "assignee": "Ada",
			"parent": "epic", "tags": []string{fmt.Sprint("tag", i)}})
	}
	cursor := ask("wait", map[string]any{}).str("cursor")
	ask("wait", map[string]any{"since": cursor, "seconds": 0})
	ask("wait", map[string]any{"tag": "tag0"})
	must(t, os.Mkdir(filepath.Join(w.dir, journal.Folder, "long.jsonl"), 0o755))
	ask("history", map[string]any{"id": "long"})

	for tool := range files(t) {
		for _, fact := range strings.Fields(facts[tool]) {
			if !said[tool][fact] {
				t.Errorf("%s never said %s; it said %v", tool, fact,
					slices.Sorted(maps.Keys(said[tool])))
			}
		}
	}
	for tool, said := range said {
		for fact := range said {
			if !slices.Contains(strings.Fields(facts[tool]), fact) {
				t.Errorf("%s says %s, which facts does not know", tool, fact)
			}
		}
	}
}
