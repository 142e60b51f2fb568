package document

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// nasty are files that programs which take a ticket for lines of `key: value` get wrong. All are
// well-formed.
var nasty = map[string]string{
	"plain": "---\nschema_version: 1\nid: x\nstatus: open\nblocked-by: []\ncreated: 2026-01-04T05:22:09Z\ntype: bug\npriority: 1\nassignee: Ada\n---\n# Title\n\nText.\n",
	"crlf":  "---\r\nid: x\r\nstatus: open\r\nblocked-by:\r\n  - a\r\n  - b\r\npriority: 3\r\n---\r\n# Title\r\n\r\nText.\r\n",
	"bom":   "\ufeff---\nid: x\nstatus: open\n---\n# Title\n",

	"no last newline": "---\nid: x\nstatus: open\n---\n# Title\n\nText",
	"ends at fence":   "---\nid: x\nstatus: open\n---",
	"empty body":      "---\nid: x\nstatus: open\n---\n",
	"fences in body":  "---\nstatus: open\n---\n# Title\n---\nstatus: closed\n---\n```\n# no heading\n## Notes\n- [ ] no box\n```\n- [ ] box\n",

	"comments":         "---\n# top\nid: x # the id\nstatus: open   # not started\n  # indented\n\nblocked-by: [a] # waits\npriority: 2\n# end\n---\n",
	"quoted":           "---\n\"id\": 'x'\n'status' : \"open\"\n\"blocked-by\": ['a', \"b\"]\nassignee: 'it''s # me'\n---\n",
	"unicode":          "---\nid: x\nstatus: open\nassignee: Åda Lövelace 🚀\nnote: 'ünïcode' # ö\n---\n# Tïtle\n",
	"value below":      "---\nid:\n  x\nstatus:   # here\n  open\nblocked-by:\n  [a, b]\nassignee:\n  Ada\n  Lovelace\n---\n",
	"empty values":     "---\nid: x\nstatus: open\nblocked-by:\nassignee: ~\nparent: null\ntype:   # none\nclosed: \n---\n",
	"no title":         "---\nstatus: open\n---\nText only.\n",
	"block at 0":       "---\nid: x\nstatus: open\nblocked-by:\n- a # first\n# between\n- b\n---\n",
	"block indented":   "---\nid: x\nstatus: open\nblocked-by: # waits for\n    -   a\n\n    - id: b\n      reason: |\n        long\n\n        # no comment\n    -\n      c\ntype: bug\n---\n",
	"flow lines":       "---\nid: x\nstatus: open\nblocked-by: [ # waits\n  a, # first, [not] 'this\n  # between\n  \"b\",   # second\n  {id: c, reason: \"no, [not] yet\"} # third\n  ] # all\ntype: bug\n---\n",
	"flow dangling":    "---\nstatus: open\nblocked-by: [\n  a,\n  b,\n]\n---\n",
	"odd ids":          "---\nstatus: open\nblocked-by: [1e3, 0x1F, 2026-01-02, true, \"null\", 1.5]\nparent: 007\n---\n",
	"literal":          "---\nid: x\ntext: |\n  status: closed\n  # no comment\n\n  end\n # a comment\nstatus: open\n---\n",
	"folded":           "---\nid: x\ntext: >+2\n    a\n   b\n\n\nstatus: open\nlast: >-\n\n    deep\n   # comment\n---\n",
	"literal last":     "---\nstatus: open\ntext: |+\n  a\n\n\n---\n",
	"unknown keys":     "---\nid: x\nstatus: open\nmeta: {a: [1, 2], b: {c: d}}\ntags:\n  - x\n  - [y, z]\nnested:\n  deep:\n    - a: 1\n      b: 2\n# foot\n---\n",
	"multi-line quote": "---\nid: x\nassignee: \"Ada\n\n  # no comment\n  Lovelace\" # c\nstatus: 'open'\n---\n",
	"leftovers":        "---\nstatus: open\nclosed: 2026-01-04T05:22:09+02:00\nclose-reason: done\nclaimed-by: a@b\nclaimed-at: 2026-01-04T05:22:09.5Z\n---\n",
	"claimed":          "---\nid: x\nstatus: in_progress\nclaimed-by: planner@5f3a9c21d0e4\nclaimed-at: 2026-01-04T05:30:01Z\nblocked-by: []\n---\n# T\n\n## Design\n\nD\n\n## Notes\n\n- a\n",
}

func mustParse(t *testing.T, id, content string) *Document {
	t.Helper()
	d, err := Parse(id, []byte(content))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, content)
	}
	return d
}

func TestParseKeepsBytes(t *testing.T) {
	for name, content := range nasty {
		t.Run(name, func(t *testing.T) {
			d := mustParse(t, "x", content)
			if diff := cmp.Diff(content, string(d.Bytes())); diff != "" {
				t.Error(diff)
			}
			fences := strings.TrimPrefix(content, bom)
			fences = strings.TrimSuffix(fences, d.Body())
			if got := strings.ReplaceAll(fences, "\r\n",
				"\n"); got != "---\n"+strings.ReplaceAll(d.FrontMatter(), "\r\n", "\n")+"---\n" &&
				d.Body() != "" {
				t.Errorf("front matter and body do not make up the file: %q", fences)
			}
		})
	}
}

func TestTicket(t *testing.T) {
	at := time.Date(2026, 1, 4, 5, 22, 9, 0, time.UTC)
	blockers := func(ids ...string) (list []Blocker) {
		for _, id := range ids {
			list = append(list, Blocker{ID: id})
		}
		return list
	}
	for name, want := range map[string]Ticket{
		"plain": {ID: "x", Status: StatusOpen, Created: at, Type: "bug", Priority: 1,
			Assignee: "Ada", Title: "Title"},
		"crlf": {ID: "x", Status: StatusOpen, BlockedBy: blockers("a", "b"),
			Priority: 3, Title: "Title"},
		"bom":            {ID: "x", Status: StatusOpen, Priority: 2, Title: "Title"},
		"ends at fence":  {ID: "x", Status: StatusOpen, Priority: 2},
		"fences in body": {ID: "x", Status: StatusOpen, Priority: 2, Title: "Title"},
		"comments":       {ID: "x", Status: StatusOpen, BlockedBy: blockers("a"), Priority: 2},
		"quoted": {ID: "x", Status: StatusOpen, BlockedBy: blockers("a", "b"),
			Priority: 2, Assignee: "it's # me"},
		"value below": {ID: "x", Status: StatusOpen, BlockedBy: blockers("a", "b"),
			Priority: 2, Assignee: "Ada Lovelace"},
		"empty values": {ID: "x", Status: StatusOpen, Priority: 2},
		"block at 0": {ID: "x", Status: StatusOpen, BlockedBy: blockers("a", "b"),
			Priority: 2},
		"block indented": {ID: "x", Status: StatusOpen,
			BlockedBy: []Blocker{{"a", ""}, {"b", "long\n\n# no comment\n"},
				{"c", ""}}, Type: "bug", Priority: 2},
		"flow lines": {ID: "x", Status: StatusOpen,
			BlockedBy: []Blocker{{"a", ""}, {"b", ""},
				{"c", "no, [not] yet"}}, Type: "bug", Priority: 2},
		"odd ids": {ID: "x", Status: StatusOpen,
			BlockedBy: blockers("1e3", "0x1F", "2026-01-02", "true", "null",
				"1.5"), Parent: "007", Priority: 2},
		"literal": {ID: "x", Status: StatusOpen, Priority: 2},
		"multi-line quote": {ID: "x", Status: StatusOpen, Priority: 2,
			Assignee: "Ada\n# no comment Lovelace"},
		"leftovers": {ID: "x", Status: StatusOpen, Priority: 2, Closed: at.Add(-2 * time.Hour),
			CloseReason: "done",
			ClaimedBy:   "a@b", ClaimedAt: at.Add(time.Second / 2)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, mustParse(t, "x", nasty[name]).Ticket(),
				cmpopts.IgnoreFields(Ticket{}, "BlockerKey")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTicketIsACopy(t *testing.T) {
	d := mustParse(t, "x", nasty["crlf"])
	d.Ticket().BlockedBy[0].ID = "changed"
	if got := d.Ticket(); !got.BlockedByID("a") || got.BlockedByID("changed") {
		t.Errorf("blocked by %v", got.BlockedBy)
	}
}

func TestField(t *testing.T) {
	d := mustParse(t, "", nasty["unknown keys"])
	for _, tt := range []struct {
		key, value string
		ok         bool
	}{{"status", "open", true}, {"meta", "", false}, {"tags", "", false}, {"absent", "", false}} {
		if value, ok := d.Field(tt.key); value != tt.value || ok != tt.ok {
			t.Errorf("Field(%q) = %q, %v", tt.key, value, ok)
		}
	}
	if value, ok := mustParse(t, "", nasty["empty values"]).Field("assignee"); ok {
		t.Errorf("an empty value is %q", value)
	}
}

func TestMalformed(t *testing.T) {
	front := func(lines string) string { return "---\nstatus: open\n" + lines + "---\n" }
	for _, tt := range []struct{ name, content, want string }{
		{"empty file", "", "1:1: a ticket starts with front matter"},
		{"no front matter", "# Title\n", "1:1: a ticket starts with front matter"},
		{"blank line first", "\n---\nstatus: open\n---\n", "1:1: a ticket starts with"},
		{"two byte order marks", bom + bom + "---\nstatus: open\n---\n",
			"1:1: a ticket starts with"},
		{"not closed", "---\nstatus: open\n", "1:1: no line that is exactly"},
		{"fence alone", "---", "1:1: no line that is exactly"},
		{"closed by text", front("--- x\n"), "3:1: a fence is `---` and nothing behind it"},
		{"closed by blank", "---\nstatus: open\n--- \n# T\n---\n",
			"3:1: a fence is `---` and nothing behind it"},
		{"front matter too long", "---\nstatus: open\n" + strings.Repeat("# comment\n",
			MaxFrontMatter/10+1) + "---\n", "1:1: no line that is exactly"},
		{"file too long", front("") + strings.Repeat("x", MaxFile), "1:1: the file has 1048"},
		{"nothing in it", "---\n---\n", "1:1: the front matter is empty"},
		{"comment only", "---\n# none\n---\n", "1:1: the front matter is empty"},

		{"utf-16", "\xff\xfe-\x00-\x00", "1:1: the file is UTF-16"},
		{"utf-16 big endian", "\xfe\xff\x00-\x00-", "1:1: the file is UTF-16"},
		{"nul in body", front("") + "ab\n\u00e4\x00", "5:2: a NUL byte"},
		{"invalid utf-8", front("") + "ab\n\u00e4\xff", "5:2: invalid UTF-8"},
		{"invalid utf-8 before nul", front("a: \xff\x00\n"), "3:4: invalid UTF-8"},
		{"byte order mark not counted", bom + "-\x00", "1:2: a NUL byte"},
		{"lone cr", front("a: \u00e4b\rc\n"), "3:6: a carriage return that ends no line"},
		{"double cr", front("a: b\r\r\n"), "3:5: a carriage return that ends no line"},
		{"nel", front("a: \u0085\n"), "3:4: the line separator U+0085"},
		{"line separator", front("a: b\u2028c\n"), "3:5: the line separator U+2028"},
		{"paragraph separator", front("a: b\u2029\n"), "3:5: the line separator U+2029"},
		{"control", front("a: \x01\n"), "3:4: the control character U+0001"},
		{"bom inside", front("a: b" + bom + "\n"), "3:5: a byte order mark"},
		{"document end", front("...\nx: y\n"), "3:1: `...` ends a YAML document"},
		{"directive", "---\n%YAML 1.2\nstatus: open\n---\n", "2:1: YAML directives"},

		{"colon in value", front("a: b: c\n"), "3:1: not YAML: mapping values are not allowed"},
		{"open quote", front("a: 1\nb: \"c\nd: e\n"),
			"4:1: not YAML: found unexpected end of stream"},
		{"text behind quote", front("a: 1\nb: 'it's'\nd: e\n"),
			"4:1: not YAML: did not find expected key"},
		{"tab", front("a: 1\n\tb: 2\nc: 3\n"), "4:1: not YAML: found a tab"},
		{"at sign", front("a: @b\n"), "3:1: not YAML: found character that cannot start any token"},
		{"open list", front("a: [b, c\nd: e\n"), "3:1: not YAML: did not find expected ',' or ']'"},
		{"no colon", front("a b\nc: d\n"), "3:1: not YAML: could not find expected ':'"},
		{"bad indentation", front("a:\n  - b\n - c\nd: e\n"),
			"5:1: not YAML: did not find expected key"},
		{"too deep", front("a: " + strings.Repeat("[", 20000) + "\n"),
			"3:1: not YAML: exceeded max depth"},
		{"anchor", front("a: &x b\n"), "3:4: anchors (`&name`) are not allowed"},
		{"anchor deep", front("a:\n- {\u00e4: b, c: &x [d]}\n"), "4:13: anchors"},
		{"alias", front("a: &x b\nc: *x\n"), "3:4: anchors"},
		{"unknown alias", front("a: 1\n\u00e4: *x\nb: 2\n"),
			"4:4: aliases (`*name`) are not allowed"},
		{"tag", front("a: !!str b\n"), "3:4: tags (`!name`) are not allowed"},
		{"tag without name", front("a: ! b\n"), "3:4: tags"},
		{"tag of nothing", front("a: !\n"), "3:4: tags"},
		{"tagged list", front("a:\n  - b\n  - !x [c]\n"), "5:5: tags"},
		{"tagged key", front("!x a: b\n"), "3:1: tags"},
		{"merge", front("<<: {a: b}\n"), "3:1: merge keys (`<<`) are not allowed"},
		{"merge deep", front("a:\n  <<: [{b: c}]\n"), "4:3: merge keys"},
		{"twice", front("a: 1\nstatus: closed\n"), `4:1: the key "status" is already in line 2`},
		{"twice quoted", front("\"status\": closed\n"),
			`3:1: the key "status" is already in line 2`},
		{"twice deep", front("a: [{b: 1, c: 2, b: 3}]\n"),
			`3:18: the key "b" is already in line 3`},
		{"a list", "---\n- status: open\n---\n", "2:1: front matter must be lines of the form"},
		{"flow mapping", "---\n{status: open}\n---\n",
			"2:1: front matter must be lines of the form"},
		{"a word", "---\nopen\n---\n", "2:1: front matter must be lines of the form"},
		{"indented", "---\n  status: open\n---\n", "2:3: keys must start in the first column"},
		{"explicit key", front("? a\n: b\n"), "3:3: keys must start in the first column"},
		{"list as key", front("[a]: b\n"), "3:1: a key must be a word"},
		{"number as key", front("1: b\n"), "3:1: a key must be a word"},

		{"schema version", front("schema_version: 2\n"), `3:17: schema_version must be 1, not "2"`},
		{"other id", front("id: y\n"), `3:5: the id is "y", but the file is named for "x"`},
		{"bad id", front("id: ../y\n"), `3:5: id is no ticket id: "../y"`},
		{"list as id", front("id: [x]\n"), "3:5: id must be a single value, not a list"},
		{"no status", "---\nid: x\n---\n", "1:1: status is required"},
		{"empty status", "---\nid: x\nstatus:\n---\n", "3:8: status is required"},
		{"null status", "---\nid: x\nstatus: ~\n---\n", "3:9: status is required"},
		{"unknown status", "---\nid: x\n'status':  done # \u00e4\n---\n",
			`3:12: status must be open, in_progress, closed, not "done"`},
		{"status below", "---\nid: x\nstatus:\n  - open\n---\n",
			"4:3: status must be a single value, not a list"},
		{"priority 5", front("priority: 5\n"), `3:11: priority must be 0, 1, 2, 3, 4, not "5"`},
		{"priority text", front("priority: 2abc\n"),
			`3:11: priority must be 0, 1, 2, 3, 4, not "2abc"`},
		{"priority empty text", front("priority: ''\n"),
			`3:11: priority must be 0, 1, 2, 3, 4, not ""`},
		{"parent", front("parent: a b\n"), `3:9: parent is no ticket id: "a b"`},
		{"blocked-by word", front("blocked-by: a\n"),
			"3:13: blocked-by must be a list of ids like [d5czj08], not a single value"},
		{"blocked-by empty text", front("blocked-by: ''\n"), "3:13: blocked-by must be a list"},
		{"blocked-by mapping", front("blocked-by:\n  a: b\n"),
			"4:3: blocked-by must be a list of ids like [d5czj08], not a mapping"},
		{"null item", front("blocked-by: [a, ~]\n"),
			"3:17: an item of blocked-by must be a ticket id or a mapping with an id, not nothing"},
		{"empty item", front("blocked-by:\n  - a\n  -\n"),
			"5:4: an item of blocked-by must be a ticket id or a mapping with an id, not nothing"},
		{"list as item", front("blocked-by: [[a]]\n"),
			"3:14: an item of blocked-by must be a ticket id or a mapping with an id, not a list"},
		{"bad item", front("blocked-by: [a, 'b c']\n"),
			`3:17: an item of blocked-by is no ticket id: "b c"`},
		{"item continued", front("blocked-by:\n- a\n - b\n"),
			`4:3: an item of blocked-by is no ticket id: "a - b"`},
		{"mapping without id", front("blocked-by: [{ib: a}]\n"),
			"3:14: an item of blocked-by that is a mapping must have an id"},
		{"mapping with null id", front("blocked-by: [{id: }]\n"),
			"3:19: an item of blocked-by must be a ticket id or a mapping with an id, not nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse("x", []byte(tt.content))
			var m *Malformed
			if !errors.As(err, &m) || d != nil {
				t.Fatalf("got %v, %v", d, err)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			crlf := strings.ReplaceAll(strings.ReplaceAll(tt.content, "\r\n", "\n"), "\n", "\r\n")
			if _, err2 := Parse("x", []byte(crlf)); len(tt.content) < MaxFrontMatter &&
				!strings.Contains(tt.name, "cr") && (err2 == nil || err2.Error() != err.Error()) {
				t.Errorf("with CRLF: got %v\nwant %v", err2, err)
			}
		})
	}
}

func TestInnerIDWithoutName(t *testing.T) {
	if got := mustParse(t, "", "---\nid: y\nstatus: open\n---\n").Ticket().ID; got != "y" {
		t.Errorf("got %q", got)
	}
}

// TestParseIsFast holds 64 KiB of every shape against work that grows with the square of the size:
// that took minutes.
func TestParseIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < MaxFrontMatter-100; i++ {
			if strings.Contains(format, "%") {
				fmt.Fprintf(&b, format, i)
			} else {
				b.WriteString(format)
			}
		}
		return b.String()
	}
	for name, lines := range map[string]string{
		"keys":            many("k%d: 1\n"),
		"keys in flow":    "a: {" + many("k%d: 1, ") + "}\n",
		"one line":        "a: [" + many("a, ") + "]\n",
		"one line, wide":  "a: [" + many("ä, ") + "]\n",
		"blockers":        "blocked-by: [" + many("a, ") + "]\n",
		"block list":      "blocked-by:\n" + many("- a # c\n"),
		"maps":            "blocked-by:\n" + many("- id: a\n  reason: b\n"),
		"nested":          "a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n",
		"nested blocks":   "a:\n " + strings.Repeat("- ", 9000) + "x\n",
		"too deep":        "a: " + strings.Repeat("[", MaxFrontMatter-100) + "\n",
		"comments":        many("# c\n"),
		"blank lines":     many("\n"),
		"literal":         "a: |\n" + many(" x\n"),
		"quoted":          "a: \"" + many("x\n") + "\"\n",
		"plain":           "a: " + many("x\n ") + "x\n",
		"duplicate":       many("k%d: 1\n") + "k0: 1\n",
		"late error":      many("k%d: 1\n") + "x: 'y' z\n",
		"late flow error": "a: [" + many("a, ") + "}\n",
		"flow lines":      "a: [" + many("a,\n") + "\n",
		"anchors":         "a: [" + many("&a b, ") + "]\n",
		"quotes":          "a: [" + many("''',") + "]\n",
	} {
		content := []byte("---\nstatus: open\n" + lines + "---\n")
		begin := time.Now()
		d, _ := Parse("x", content)
		if d != nil {
			for _, e := range []Edit{AddItem("a", "z"), RemoveItem("blocked-by", "a"),
				Set("status", "closed"), Remove("a")} {
				d.Apply(e)
			}
		}
		// Not a measure of speed: the slowest takes 0.2 s on a quiet machine, and work in the
		// square of the size minutes.
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%-16s %v", name, took)
		}
	}
}
