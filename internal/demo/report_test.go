package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

const text = `---
id: t
status: closed
close-reason: tests pass
---
# Log in

## Notes

- 2026-11-26T14:32:07Z builder: half of it works
- 2026-11-26T14:33:07Z tester: all of it works
`

var (
	answered = []change{{"create", "planner", "t", "Log in"}, {"start", "builder", "t", ""},
		{"note", "builder", "t", "half of it works"},
		{"start", "tester", "t", ""}, {"note", "tester", "t", "all of it works"}, {"close",
			"tester", "t", "tests pass"}}
	kept = []journal.Row{row("create", "planner"), row("start", "builder"), row("note", "builder"),
		row("start", "tester"), row("note", "tester"), row("close", "tester")}
)

func row(tool, who string) journal.Row {
	return journal.Row{Ticket: "t", Cause: journal.Cause{Tool: tool, Actor: who + "@5f3a9c21d0e4"}}
}

// TestFaults: a report finds what was answered and is not there.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		rows       []journal.Row
		made       []change
		want       string
	}{
		{"nothing", text, kept, answered, ""},
		{"a note lost", strings.ReplaceAll(text, "half of it works", "x"), kept, answered,
			`lost from the file: note "half of it works" by builder`},
		{"a title lost", strings.ReplaceAll(text, "# Log in", "# Other"), kept, answered,
			`lost from the file: create "Log in" by planner`},
		{"a reason lost", strings.ReplaceAll(text, "tests pass", "no"), kept, answered,
			`lost from the file: close "tests pass" by tester`},
		{"a row lost", text, kept[:5], answered, "no row of a close by tester"},
		{"closed twice", text, kept, append(answered, answered[5]), "closed 2 times"},
		{"never closed", text, kept, answered[:5], "closed 0 times"},
		{"past the locks", text, append(kept,
			journal.Row{Ticket: "t",
				Cause: journal.Cause{Tool: journal.Outside}}), answered, "past the locks"},
	} {
		doc, err := document.Parse("t", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(faults("t", doc, c.rows, c.made), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestReportIsHonest: a fault, or a ticket that is not closed, is no success.
func TestReportIsHonest(t *testing.T) {
	for _, c := range []struct {
		report Report
		kept   bool
	}{
		{Report{Tickets: 2, Closed: 2}, true},
		{Report{Tickets: 2, Closed: 1}, false},
		{Report{Tickets: 2, Closed: 2, Faults: []string{"t: lost"}}, false},
	} {
		c.report.Took = time.Second
		var out strings.Builder
		if err := c.report.Print(&out); err != nil {
			t.Fatal(err)
		}
		if c.report.Kept() != c.kept || strings.Contains(out.String(),
			"BROKEN") != (len(c.report.Faults) > 0) {
			t.Errorf("%+v: %s", c.report, out.String())
		}
	}
}
