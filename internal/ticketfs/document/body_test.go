package document

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var bodyEdits = []struct {
	name, in string
	edits    []Edit
	want     string
}{
	{"note", "# T\n\n## Notes\n\n- a\n", []Edit{AppendNote("b")}, "# T\n\n## Notes\n\n- a\n- b\n"},
	{"notes in order", "# T\n\n## Notes\n\n- a\n", []Edit{AppendNote("b"), AppendNote("c")},
		"# T\n\n## Notes\n\n- a\n- b\n- c\n"},
	{"first note", "# T\n\nText.\n", []Edit{AppendNote("a")}, "# T\n\nText.\n\n## Notes\n\n- a\n"},
	{"first note without last newline", "# T\n\nText.", []Edit{AppendNote("a")},
		"# T\n\nText.\n\n## Notes\n\n- a"},
	{"first note keeps blank lines", "# T\n\n\n", []Edit{AppendNote("a")},
		"# T\n\n## Notes\n\n- a\n\n\n"},
	{"note in no body", "", []Edit{AppendNote("a")}, "## Notes\n\n- a\n"},
	{"note in blank body", "\n", []Edit{AppendNote("a")}, "\n## Notes\n\n- a\n"},
	{"note in empty section", "# T\n\n## Notes\n", []Edit{AppendNote("a")},
		"# T\n\n## Notes\n\n- a\n"},
	{"note in empty section without newline", "# T\n\n## Notes", []Edit{AppendNote("a")},
		"# T\n\n## Notes\n\n- a\n"},
	{"note in empty section before another", "## Notes\n\n\n## X\n", []Edit{AppendNote("a")},
		"## Notes\n\n- a\n\n## X\n"},
	{"note before another section", "## Notes\n\n- a\n\n## X\nx\n", []Edit{AppendNote("b")},
		"## Notes\n\n- a\n- b\n\n## X\nx\n"},
	{"note before another title", "## notes \n- a\n# X\n## Notes\n", []Edit{AppendNote("b")},
		"## notes \n- a\n- b\n# X\n## Notes\n"},
	{"note of lines", "## Notes\n\n- a\n", []Edit{AppendNote("\nb\r\n\n  c\n## d\n")},
		"## Notes\n\n- a\n- b\n\n    c\n  ## d\n"},
	{"note with open code", "## Notes\n\n## X\n",
		[]Edit{AppendNote("see\n```sh\n# c"),
			AppendNote("d")}, "## Notes\n\n- see\n  ```sh\n  # c\n  ```\n- d\n\n## X\n"},
	{"note that opens code", "## Notes\n", []Edit{AppendNote("~~~~\nb"), AppendNote("d")},
		"## Notes\n\n- ~~~~\n  b\n  ~~~~\n- d\n"},
	{"note behind open code", "# T\n```\n## Notes", []Edit{AppendNote("a"), AppendNote("b")},
		"# T\n```\n## Notes\n```\n\n## Notes\n\n- a\n- b"},
	{"note behind open code of a note", "## Notes\n- ```\n  # x\n", []Edit{AppendNote("b")},
		"## Notes\n- ```\n  # x\n  ```\n- b\n"},
	{"note keeps blanks of others", "## Notes\n- a  \n", []Edit{AppendNote("b")},
		"## Notes\n- a  \n- b\n"},

	{"title", "\n# T\nx\n# T\n", []Edit{SetTitle(" New ")}, "\n# New\nx\n# T\n"},
	{"title without newline", "# T", []Edit{SetTitle("New")}, "# New"},
	{"equal title", "#  T  \n", []Edit{SetTitle("T")}, "#  T  \n"},
	{"no title", "x\n", []Edit{SetTitle("T")}, "# T\n\nx\n"},
	{"no title, blank line", "\nx\n", []Edit{SetTitle("T")}, "# T\n\nx\n"},
	{"no title, no body", "", []Edit{SetTitle("T")}, "# T\n"},
	{"title in code", "```\n# X\n```\n## Y\n", []Edit{SetTitle("T")},
		"# T\n\n```\n# X\n```\n## Y\n"},
	{"title with marks", "# T #\n", []Edit{SetTitle("#1: ## x")}, "# #1: ## x\n"},

	{"section", "# T\n\n## Design\n\nold\nlines\n\n\n## X\n",
		[]Edit{SetSection("Design",
			"\nnew\n\n- lines\n\n")}, "# T\n\n## Design\n\nnew\n\n- lines\n\n\n## X\n"},
	{"equal section", "## Design\na\n\n", []Edit{SetSection("design", "a\n")}, "## Design\na\n\n"},
	{"section without last newline", "## Design\na", []Edit{SetSection("Design", "b")},
		"## Design\nb"},
	{"empty section", "## Design\n## X\n", []Edit{SetSection("Design", "a")},
		"## Design\n\na\n\n## X\n"},
	{"empty section at the end", "## Design", []Edit{SetSection("Design", "a")},
		"## Design\n\na\n"},
	{"new section", "# T\n\nx\n", []Edit{SetSection("Design", "a"),
		SetSection("Acceptance Criteria",
			"- [ ] b")}, "# T\n\nx\n\n## Design\n\na\n\n## Acceptance Criteria\n\n- [ ] b\n"},
	{"new section before notes", "# T\n\n## Notes\n\n- a\n", []Edit{SetSection("Design", "b")},
		"# T\n\n## Design\n\nb\n\n## Notes\n\n- a\n"},
	{"new section behind notes", "## Notes\n\n- a\n\n## X\n", []Edit{SetSection("Design", "b")},
		"## Notes\n\n- a\n\n## X\n\n## Design\n\nb\n"},
	{"section emptied", "# T\n\n## Design\n\na\n\n## X\n", []Edit{SetSection("Design", "")},
		"# T\n\n## Design\n\n## X\n"},
	{"last section emptied", "# T\n\n## Design\n\na\n", []Edit{SetSection("Design", "")},
		"# T\n\n## Design\n"},
	{"section with code", "## Design\n```\n## X\n```\nold\n## Y\n",
		[]Edit{SetSection("Design", "```\n## Z")}, "## Design\n```\n## Z\n```\n## Y\n"},
	{"section in code", "```\n## Design\n```\n", []Edit{SetSection("Design", "a")},
		"```\n## Design\n```\n\n## Design\n\na\n"},
	{"deeper headings are text", "## Design\n### X\nx\n## Y\n",
		[]Edit{SetSection("Design", "### Z\nz")}, "## Design\n### Z\nz\n## Y\n"},
	{"indented text", "## Design\n\n    code\n", []Edit{SetSection("Design", "    more\n  x")},
		"## Design\n\n    more\n  x\n"},

	{"section with its own heading", "# T\n",
		[]Edit{SetSection("Acceptance Criteria", "## Acceptance Criteria\n\n- [ ] a\n"),
			SetSection("Design", "\n### design: ##\nd")},
		"# T\n\n## Acceptance Criteria\n\n- [ ] a\n\n## Design\n\nd\n"},
	{"description with the title", "# T\n", []Edit{SetSection("", "# T\n\nd\n")}, "# T\n\nd\n"},
	{"description with its heading", "# T\n",
		[]Edit{SetSection("",
			"## Description\nd\n\n### Context\nc")}, "# T\n\nd\n\n### Context\nc\n"},
	{"only its own heading", "## Design\n\nd\n", []Edit{SetSection("Design", "# Design")},
		"## Design\n"},
	{"description", "# T\n\nold\n\n## Design\n\nd\n", []Edit{SetSection("", "new")},
		"# T\n\nnew\n\n## Design\n\nd\n"},
	{"description, none yet", "# T\n", []Edit{SetSection("", "new")}, "# T\n\nnew\n"},
	{"description, none yet, sections", "# T\n\n## Design\n", []Edit{SetSection("", "new")},
		"# T\n\nnew\n\n## Design\n"},
	{"description, no title", "old\n\n## Design\n", []Edit{SetSection("", "new")},
		"new\n\n## Design\n"},
	{"description, no title, sections", "## Design\n", []Edit{SetSection("", "new")},
		"new\n\n## Design\n"},
	{"description, nothing", "", []Edit{SetSection("", "new")}, "new\n"},
	{"description, second title", "# T\na\n# U\nb\n", []Edit{SetSection("", "new")},
		"# T\nnew\n# U\nb\n"},
	{"description emptied", "# T\n\nold\n\n## Design\n", []Edit{SetSection("", "")},
		"# T\n\n## Design\n"},
	{"title and description", "", []Edit{SetTitle("T"), SetSection("", "new")}, "# T\n\nnew\n"},

	{"tick", "- [ ] a\n- [ ] b\n- [ ] b\n", []Edit{Tick("b")}, "- [ ] a\n- [x] b\n- [ ] b\n"},
	{"untick", "- [ ] a\n- [x] b\n- [X] b\n", []Edit{Untick("b"), Untick("b")},
		"- [ ] a\n- [ ] b\n- [ ] b\n"},
	{"tick a pasted line", "- [ ] a\n", []Edit{Tick("- [ ] a ")}, "- [x] a\n"},
	{"tick and untick", "- [ ] a\n- [x] b\n", []Edit{Tick("a"), Untick("b")}, "- [x] a\n- [ ] b\n"},
	{"tick both", "- [ ] b\n- [ ] b\n", []Edit{Tick("b"), Tick("b")}, "- [x] b\n- [x] b\n"},
	{"tick ticked", "- [x] b\n  * [ ]  b  \n", []Edit{Tick(" b")}, "- [x] b\n  * [x]  b  \n"},
	{"tick not in code", "~~~\n- [ ] a\n~~~\n- [ ] a", []Edit{Tick("a")},
		"~~~\n- [ ] a\n~~~\n- [x] a"},
	{"tick not in code of a list", "1. x\n   ```sh\n- [ ] a\n     ```\n- [ ] a\n",
		[]Edit{Tick("a")}, "1. x\n   ```sh\n- [ ] a\n     ```\n- [x] a\n"},
	{"code behind a list mark", "- ```\n  # x\n  ```\n- [ ] a\n", []Edit{Tick("a"), SetTitle("T")},
		"# T\n\n- ```\n  # x\n  ```\n- [x] a\n"},
	{"inline code is no fence", "```a```\n- [ ] a\n", []Edit{Tick("a")}, "```a```\n- [x] a\n"},
	{"longer fence closes", "````\n```\n# x\n`````  \n- [ ] a\n", []Edit{Tick("a")},
		"````\n```\n# x\n`````  \n- [x] a\n"},

	{"with the front matter", "# T\n", []Edit{Set("status", "closed"), AppendNote("a")},
		"# T\n\n## Notes\n\n- a\n"},
}

func TestApplyToBody(t *testing.T) {
	for _, tt := range bodyEdits {
		for _, variant := range []struct{ name, lineBreak string }{{"", "\n"}, {"crlf", "\r\n"}} {
			t.Run(tt.name+"/"+variant.name, func(t *testing.T) {
				lines := func(text string) string {
					return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n",
						variant.lineBreak)
				}
				front := lines("---\nstatus: open\n---\n")
				d := mustParse(t, "", front+lines(tt.in))
				got, err := d.Apply(tt.edits...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(lines(tt.want), got.Body()); diff != "" {
					t.Error(diff)
				}
				if _, ok := got.Field("status"); !ok || len(tt.edits) == 1 &&
					got.FrontMatter() != d.FrontMatter() {
					t.Errorf("front matter changed: %q", got.FrontMatter())
				}
			})
		}
	}
}

func TestBodyBehindFenceWithoutNewline(t *testing.T) {
	d := mustParse(t, "x", nasty["ends at fence"])
	got, err := d.Apply(SetTitle("T"), AppendNote("a"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(nasty["ends at fence"]+"\n# T\n\n## Notes\n\n- a\n",
		string(got.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestNew(t *testing.T) {
	now := time.Now()
	got, err := New(Ticket{ID: "null", Title: " It's: # new ", Created: now, Type: "bug",
		Priority: 1, Assignee: "Ada: L.", Parent: "1e3",
		BlockedBy: []Blocker{{ID: "a"},
			{ID: "b.c"}}}, "Some text.\r\n\n- x\n\n", "```\n## code", "- [ ] done\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "---\nschema_version: 1\nid: \"null\"\nstatus: open\nblocked-by: [a, b.c]\ncreated: " +
		now.UTC().Format(time.RFC3339) +
		"\ntype: bug\npriority: 1\nassignee: \"Ada: L.\"\nparent: 1e3\n---\n# It's: # new\n\nSome text.\n\n- x\n\n## Design\n\n```\n## code\n```\n\n## Acceptance Criteria\n\n- [ ] done\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}

	got, err = New(Ticket{ID: "x", Title: "T", Created: now, Priority: DefaultPriority,
		BlockedBy: []Blocker{}}, "", "", "")
	want = "---\nschema_version: 1\nid: x\nstatus: open\nblocked-by: []\ncreated: " +
		now.UTC().Format(time.RFC3339) + "\npriority: 2\n---\n# T\n"
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestNewAsUpdate: what update takes for a section, create takes, and update replaces all of what create wrote.
func TestNewAsUpdate(t *testing.T) {
	for _, text := range []string{"plain", "### Context\n\nc", "```\n## code\n```",
		"## Context\n\nc", "c\n\n# Top", "## Design\n\nd", "## Description\nd", "# T\nd",
		"## Acceptance Criteria\n- [ ] a", "# Acceptance:\n- [ ] a", "\n\n", "```\nopen"} {
		for i, name := range []string{"", "Design", "Acceptance Criteria"} {
			texts := [3]string{}
			texts[i] = text
			content, newErr := New(Ticket{ID: "t", Title: "T", Priority: 2}, texts[0], texts[1],
				texts[2])
			bare, err := New(Ticket{ID: "t", Title: "T", Priority: 2}, "", "", "")
			if err != nil {
				t.Fatal(err)
			}
			updated, err := mustParse(t, "t", string(bare)).Apply(SetSection(name, text))
			if (newErr == nil) != (err == nil) {
				t.Fatalf("%q as %q: create %v, update %v", text, name, newErr, err)
			}
			if err != nil {
				if newErr.Error() != err.Error() {
					t.Errorf("%q as %q: create says %v, update %v", text, name, newErr, err)
				}
				continue
			}
			created := mustParse(t, "t", string(content))
			if strings.TrimSpace(text) != "" && created.Body() != updated.Body() {
				t.Errorf("%q as %q: created %q, updated %q", text, name, created.Body(),
					updated.Body())
			}
			again, err := created.Apply(SetSection(name, text))
			if err != nil || strings.TrimSpace(text) != "" && again.Body() != created.Body() {
				t.Errorf("%q as %q again: %v, %q", text, name, err, again.Body())
			}
			gone, err := created.Apply(SetSection(name, "other"))
			if err != nil || strings.Contains(gone.Body(), strings.TrimSpace(text)) &&
				strings.TrimSpace(text) != "" {
				t.Errorf("%q as %q replaced: %v, %q", text, name, err, gone.Body())
			}
		}
	}
}

func TestNewOfAllFields(t *testing.T) {
	at := time.Date(2026, 1, 4, 5, 22, 9, 0, time.UTC)
	got, err := New(Ticket{ID: "x", Title: "T", Created: at, BlockerKey: KeyDeps,
		BlockedBy: []Blocker{{ID: "a"}}, Type: "proposal",
		Tags: []string{"api",
			"a, b"}, Links: []string{"c"}, ExternalRef: "gh-12", PlanRef: "p/one", Hold: "waits for Ada", HoldUntil: at},
		"", "", "", Set("x-source", "{\"a\": 1}"), SetList("x-list", "a", "b"))
	want := "---\nschema_version: 1\nid: x\nstatus: open\nhold: waits for Ada\nhold-until: 2026-01-04T05:22:09Z\ndeps: [a]\nlinks: [c]\n" +
		"created: 2026-01-04T05:22:09Z\ntype: proposal\npriority: 0\nexternal-ref: gh-12\nplan-ref: p/one\ntags: [api, \"a, b\"]\n" +
		"x-source: \"{\\\"a\\\": 1}\"\nx-list: [a, b]\n---\n# T\n"
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestNewRefuses(t *testing.T) {
	ticket := func(change func(*Ticket)) Ticket {
		t := Ticket{ID: "x", Title: "T", Created: time.Now()}
		change(&t)
		return t
	}
	for want, in := range map[string]Ticket{
		"a title must be one line of text":            ticket(func(t *Ticket) { t.Title = " " }),
		"id is no ticket id":                          ticket(func(t *Ticket) { t.ID = "../x" }),
		"priority must be":                            ticket(func(t *Ticket) { t.Priority = 5 }),
		"parent is no ticket id":                      ticket(func(t *Ticket) { t.Parent = "a b" }),
		"an item of blocked-by is no":                 ticket(func(t *Ticket) { t.BlockedBy = []Blocker{{ID: "a b"}} }),
		"invalid UTF-8":                               ticket(func(t *Ticket) { t.Title = "\xff" }),
		"a new ticket cannot hold all of these":       ticket(func(t *Ticket) { t.ClaimedBy = "me" }),
		"a new ticket cannot hold all of these field": ticket(func(t *Ticket) { t.Assignee = "\xff" }),
		"a title must be one line of tex":             ticket(func(t *Ticket) { t.Title = "a\nb" }),
	} {
		if got, err := New(in, "", "", ""); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %q, %v; want %s", got, err, want)
		}
	}
	if got, err := New(ticket(func(*Ticket) {}), strings.Repeat("x", MaxFile), "", ""); err == nil {
		t.Errorf("%d bytes", len(got))
	}
}
