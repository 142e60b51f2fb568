package document

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edits are front matter before and after. The status is in the first line of each unless a case is
// about it.
var edits = []struct {
	name, in string
	edits    []Edit
	want     string
}{
	{"plain", "status: open\n", []Edit{Set("status", "closed")}, "status: closed\n"},
	{"equal", "status: open # c\npriority: 2\n",
		[]Edit{Set("status", "open"), Set("priority", "2")}, "status: open # c\npriority: 2\n"},
	{"comment and blanks", "status:   open \t # c  \n", []Edit{Set("status", "closed")},
		"status:   closed \t # c  \n"},
	{"double stays double", "\"status\" : \"open\"# c\n", []Edit{Set("status", "closed")},
		"\"status\" : \"closed\"# c\n"},
	{"single stays single", "status: 'open'\n", []Edit{Set("status", "closed")},
		"status: 'closed'\n"},
	{"single holds quote", "status: open\nassignee: 'x' # c\n", []Edit{Set("assignee", "it's: #1")},
		"status: open\nassignee: 'it''s: #1' # c\n"},
	{"single cannot hold line", "status: open\nassignee: 'x'\n", []Edit{Set("assignee", "a\nb")},
		"status: open\nassignee: \"a\\nb\"\n"},
	{"plain stays plain", "status: open\nassignee: x\n",
		[]Edit{Set("assignee", "Ada L. (it's me)")}, "status: open\nassignee: Ada L. (it's me)\n"},
	{"free text is text", "status: open\nassignee: x\n",
		[]Edit{Set("assignee", "123"), Set("close-reason", "no"),
			Set("claimed-by", "true")}, "status: open\nclaimed-by: \"true\"\nclose-reason: no\nassignee: \"123\"\n"},
	{"fixed words are plain", "status: open\n",
		[]Edit{Set("priority", "3"), Set("closed", "2026-01-04T05:22:09Z"),
			Set("parent", "1e3")}, "status: open\nclosed: 2026-01-04T05:22:09Z\npriority: 3\nparent: 1e3\n"},
	{"null is quoted", "status: open\n", []Edit{Set("parent", "null"), Set("assignee", "~"),
		AddItem("blocked-by",
			"null")}, "status: open\nparent: \"null\"\nassignee: \"~\"\nblocked-by: [\"null\"]\n"},
	{"hard text", "status: open\n", []Edit{Set("a", " b"), Set("b", "#c"), Set("c", "d: e"),
		Set("d", "- x"), Set("e", "*x"), Set("f", "[x"), Set("g", "")},
		"status: open\na: \" b\"\nb: \"#c\"\nc: \"d: e\"\nd: \"- x\"\ne: \"*x\"\nf: \"[x\"\ng: \"\"\n"},
	{"escapes", "status: open\n", []Edit{Set("a", "\"\\\t\r\n\x00\x7f\u0085\u2028\ufeff\uffff ü🚀")},
		"status: open\na: \"\\\"\\\\\\t\\r\\n\\u0000\\u007F\\u0085\\u2028\\uFEFF\\uFFFF ü🚀\"\n"},
	{"separator is no plain text", "status: open\na: x\n", []Edit{Set("a", "b\u2028c")},
		"status: open\na: \"b\\u2028c\"\n"},

	{"no value", "status: open\nassignee:\n", []Edit{Set("assignee", "Ada")},
		"status: open\nassignee: Ada\n"},
	{"no value, blank", "status: open\nassignee: \n", []Edit{Set("assignee", "Ada")},
		"status: open\nassignee: Ada\n"},
	{"no value, comment", "status: open\nassignee: # c\n", []Edit{Set("assignee", "Ada")},
		"status: open\nassignee: Ada # c\n"},
	{"no value, far comment", "status: open\nassignee:   # c\n", []Edit{Set("assignee", "Ada")},
		"status: open\nassignee: Ada  # c\n"},
	{"null", "status: open\nassignee: ~ # c\n", []Edit{Set("assignee", "Ada")},
		"status: open\nassignee: Ada # c\n"},
	{"value below", "status: # c\n  open # d\n# e\nx: y\n", []Edit{Set("status", "closed")},
		"status: # c\n  closed # d\n# e\nx: y\n"},
	{"literal", "text: | # c\n  a\n\n  # b\n\n # d\nstatus: open\n", []Edit{Set("text", "t")},
		"text: t # c\n\n # d\nstatus: open\n"},
	{"folded at the end", "status: open\ntext: >-2\n\n   a\n  b\n", []Edit{Set("text", "t")},
		"status: open\ntext: t\n"},
	{"literal of nothing", "text: |\n\nstatus: open\n", []Edit{Set("text", "t")},
		"text: t\n\nstatus: open\n"},
	{"plain lines", "text: a\n  b\n\n  'c # d\n  # e\nstatus: open\n", []Edit{Set("text", "t")},
		"text: t # d\n  # e\nstatus: open\n"},
	{"double lines", "text: \"a\n  # \\\"b\" # c\nstatus: open\n", []Edit{Set("text", "t")},
		"text: \"t\" # c\nstatus: open\n"},
	{"single lines", "text: 'a\n  ''b\n  ' # c\nstatus: open\n", []Edit{Set("text", "t")},
		"text: 't' # c\nstatus: open\n"},

	{"a list as a value", "status: open\nassignee: [x, 'y'] # c\nz: a\n",
		[]Edit{Set("assignee", "Ada")}, "status: open\nassignee: Ada # c\nz: a\n"},
	{"a block list as a value",
		"status: open\nclaimed-by: # c\n  - x # d\n\n  # e\n  - y: |\n      f\n\n# g\nz: a\n", []Edit{Set("claimed-by", "a@b")},
		"status: open\nclaimed-by: a@b # c\n\n# g\nz: a\n"},
	{"a list below its key as a value", "status: open\nhold:\n- x\n- y\nz: a\n",
		[]Edit{Set("hold", "Ada: when?")}, "status: open\nhold: \"Ada: when?\"\nz: a\n"},
	{"a mapping as a value", "status: open\n'type':\n  b: c\n  d: [e,\n    f]\nz: a\n",
		[]Edit{Set("type", "bug")}, "status: open\n'type': bug\nz: a\n"},
	{"a flow mapping as a value", "status: open\ntype: {b: c,\n  d: e} # f\nz: a\n",
		[]Edit{Set("type", "bug")}, "status: open\ntype: bug # f\nz: a\n"},
	{"a mapping as a list", "status: open\ntags:\n  b: c\nlinks: {d: e}\n",
		[]Edit{SetList("tags", "x", "y"),
			SetList("links")}, "status: open\ntags: [x, y]\nlinks: []\n"},

	{"start", "id: x\nstatus: open # c\nblocked-by: []\n",
		[]Edit{Set("claimed-at", "2026-01-04T05:30:01Z"), Set("status", "in_progress"),
			Set("claimed-by", "a@b")},
		"id: x\nstatus: in_progress # c\nclaimed-by: a@b\nclaimed-at: 2026-01-04T05:30:01Z\nblocked-by: []\n"},
	{"close", "id: x\nstatus: in_progress\nclaimed-by: a@b\nclaimed-at: 2026-01-04T05:30:01Z\nblocked-by: []\n",
		[]Edit{Set("status", "closed"), Remove("claimed-by"), Remove("claimed-at"),
			Set("close-reason", "done: all"), Set("closed", "2026-01-04T05:30:01Z")},
		"id: x\nstatus: closed\nclosed: 2026-01-04T05:30:01Z\nclose-reason: \"done: all\"\nblocked-by: []\n"},
	{"behind what is there",
		"status: closed\nx: y\nclosed: 2026-01-04T05:30:01Z # c\nclaimed-by: a\nz: z\n", []Edit{Set("close-reason", "r"), Set("claimed-at", "2026-01-04T05:30:01Z")},
		"status: closed\nx: y\nclosed: 2026-01-04T05:30:01Z # c\nclose-reason: r\nclaimed-by: a\nclaimed-at: 2026-01-04T05:30:01Z\nz: z\n"},
	{"anchor goes", "status: closed\nx: y\nclosed: 2026-01-04T05:30:01Z\n",
		[]Edit{Set("close-reason", "r"),
			Remove("closed")}, "status: closed\nclose-reason: r\nx: y\n"},
	{"new at the end", "status: open\ntext: |+\n  a\n\n# end\n",
		[]Edit{Set("assignee", "Ada"), Set("parent",
			"p")}, "status: open\ntext: |+\n  a\n\n# end\nassignee: Ada\nparent: p\n"},
	{"behind a long status", "status: >-\n   open\n# c\nx: y\n",
		[]Edit{Set("closed", "2026-01-04T05:30:01Z"),
			Set("status", "closed")}, "status: closed\nclosed: 2026-01-04T05:30:01Z\n# c\nx: y\n"},
	{"the last wins", "status: open\na: b\n",
		[]Edit{Set("status", "closed"), Remove("a"), Set("status", "in_progress"),
			Set("a", "c")}, "status: in_progress\na: c\n"},
	{"odd key", "status: open\n", []Edit{Set("a b", "c"), Set("1", "d"), Set("#", "e")},
		"status: open\na b: c\n\"1\": d\n\"#\": e\n"},

	{"remove", "status: open\n# c\na: b # d\n\n# e\nf: g\n", []Edit{Remove("a"), Remove("absent")},
		"status: open\n# c\n\n# e\nf: g\n"},
	{"remove lines", "status: open\na:\n  - b\n  # c\n  - d: |\n      e\n\n     # f\n# g\nh: i\n",
		[]Edit{Remove("a")}, "status: open\n\n     # f\n# g\nh: i\n"},
	{"remove list at 0", "status: open\na:\n- b\n- c\n", []Edit{Remove("a")}, "status: open\n"},
	{"remove flow", "status: open\na: {b: [c, '}'],\n# ]\nd: }} # e\nf: g\n", []Edit{Remove("f")},
		""},
	{"remove flow lines", "status: open\na: {b: [c, '}'],\n# ]\nd: e} # e\nf: g\n",
		[]Edit{Remove("a")}, "status: open\nf: g\n"},
	{"remove explicit", "status: open\na:\n  ? b\n  ? c\nd: e\n", []Edit{Remove("a")},
		"status: open\nd: e\n"},
	{"remove empty", "status: open\na: # b\nc: d\n", []Edit{Remove("a")}, "status: open\nc: d\n"},

	{"add to empty", "blocked-by: [] # c\nstatus: open\n", []Edit{AddItem("blocked-by", "a")},
		"blocked-by: [a] # c\nstatus: open\n"},
	{"add", "blocked-by: [a] # c\nstatus: open\n",
		[]Edit{AddItem("blocked-by", "b"), AddItem("blocked-by",
			"c")}, "blocked-by: [a, b, c] # c\nstatus: open\n"},
	{"add again", "blocked-by: [a,b]\nstatus: open\n",
		[]Edit{AddItem("blocked-by", "b"), AddItem("blocked-by", "c"),
			AddItem("blocked-by", "c")}, "blocked-by: [a,b, c]\nstatus: open\n"},
	{"add with blanks", "blocked-by: [ a ]\nstatus: open\n", []Edit{AddItem("blocked-by", "b")},
		"blocked-by: [ a, b ]\nstatus: open\n"},
	{"add to blank", "blocked-by: [ ]\nstatus: open\n", []Edit{AddItem("blocked-by", "b")},
		"blocked-by: [b]\nstatus: open\n"},
	{"add absent", "status: open\nx: y\n", []Edit{AddItem("blocked-by", "b"),
		AddItem("blocked-by", "c")}, "status: open\nx: y\nblocked-by: [b, c]\n"},
	{"add to nothing", "blocked-by: # c\nstatus: open\n", []Edit{AddItem("blocked-by", "b")},
		"blocked-by: [b] # c\nstatus: open\n"},
	{"add to null", "blocked-by: null\nstatus: open\n", []Edit{AddItem("blocked-by", "b")},
		"blocked-by: [b]\nstatus: open\n"},
	{"add to lines", "blocked-by: [ # c\n  a, # d, e\n  {id: b} # ]\n  ] # f\nstatus: open\n",
		[]Edit{AddItem("blocked-by",
			"c")}, "blocked-by: [ # c\n  a, # d, e\n  {id: b}, c # ]\n  ] # f\nstatus: open\n"},
	{"add before comma", "blocked-by: [\n  a,\n]\nstatus: open\n",
		[]Edit{AddItem("blocked-by", "b")}, "blocked-by: [\n  a, b,\n]\nstatus: open\n"},
	{"add among comments", "blocked-by: [# c\n]\nstatus: open\n",
		[]Edit{AddItem("blocked-by", "b")}, "blocked-by: [b]\nstatus: open\n"},
	{"add below", "blocked-by:\n  []\nstatus: open\n", []Edit{AddItem("blocked-by", "b")},
		"blocked-by:\n  [b]\nstatus: open\n"},
	{"add to block", "blocked-by:\n    -   a # c\n    # d\nstatus: open\n",
		[]Edit{AddItem("blocked-by", "b"), AddItem("blocked-by",
			"c")}, "blocked-by:\n    -   a # c\n    - b\n    - c\n    # d\nstatus: open\n"},
	{"add to block of maps", "status: open\nblocked-by:\n- id: a\n  reason: >\n    b\n\n# c\n",
		[]Edit{AddItem("blocked-by",
			"b")}, "status: open\nblocked-by:\n- id: a\n  reason: >\n    b\n- b\n\n# c\n"},

	{"deps", "status: open\ndeps: [a]\n", []Edit{AddItem("deps", "b"), RemoveItem("deps", "a")},
		"status: open\ndeps: [b]\n"},
	{"new list", "status: open\n", []Edit{SetList("tags", "api", "", "a, b", "2", "it's: #1")},
		"status: open\ntags: [api, \"a, b\", 2, \"it's: #1\"]\n"},
	{"set list", "status: open\ntags: [ a, 'b' ] # c\n", []Edit{SetList("tags", "x", "y")},
		"status: open\ntags: [x, y] # c\n"},
	{"set list of links", "status: closed\nevidence: [log]\n",
		[]Edit{SetList("evidence", "https://x.example/?y#z", "a:b", "what?", "- z")},
		"status: closed\nevidence: [\"https://x.example/?y#z\", \"a:b\", \"what?\", \"- z\"]\n"},
	{"set equal list", "status: open\ntags: [ a, 'b' ]\n", []Edit{SetList("tags", "a", "b")},
		"status: open\ntags: [ a, 'b' ]\n"},
	{"set list of nothing", "status: open\ntags:\n", []Edit{SetList("tags", "x")},
		"status: open\ntags: [x]\n"},
	{"set list of one text", "status: open\ntags: a # c\n", []Edit{SetList("tags", "x", "y")},
		"status: open\ntags: [x, y] # c\n"},
	{"set block list", "tags:\n  - a\n  # c\n  - b\nstatus: open\n",
		[]Edit{SetList("tags", "x", "y")}, "tags:\n  # c\n  - x\n  - y\nstatus: open\n"},
	{"empty a list", "status: open\ntags: [a, b]\nlinks:\n- c\n",
		[]Edit{SetList("tags"), SetList("links")}, "status: open\ntags: []\nlinks: []\n"},
	{"append, absent", "status: closed\nclose-reason: r\nx: y\n",
		[]Edit{Append("evidence", "go test: ok"),
			Append("evidence", "a")}, "status: closed\nclose-reason: r\nevidence:\n  - \"go test: ok\"\n  - a\nx: y\n"},
	{"append to block", "status: closed\nevidence:\n- a # c\n", []Edit{Append("evidence", "a")},
		"status: closed\nevidence:\n- a # c\n- a\n"},
	{"append to flow", "status: closed\nevidence: [a]\n", []Edit{Append("evidence", "b [c]")},
		"status: closed\nevidence: [a, \"b [c]\"]\n"},
	{"append to one text", "status: closed\nevidence: a, b # c\n", []Edit{Append("evidence", "d")},
		"status: closed\nevidence: [\"a, b\", d] # c\n"},
	{"set, then append", "status: closed\nevidence: [a]\n",
		[]Edit{Append("evidence", "b"), SetList("evidence", "c"),
			Append("evidence", "d")}, "status: closed\nevidence: [c, d]\n"},
	{"order of a close", "status: closed\n",
		[]Edit{Append("evidence", "e"), Set("close-reason", "r"), Set("closed-by", "b"),
			Set("resolution", "dropped"), Set("closed", "2026-01-04T05:22:09Z")},
		"status: closed\nclosed: 2026-01-04T05:22:09Z\nclosed-by: b\nresolution: dropped\nclose-reason: r\nevidence:\n  - e\n"},
	{"hold", "id: x\nstatus: open\ndeps: []\n",
		[]Edit{Set("hold-until", "2026-01-04"),
			Set("hold", "waits: Ada")}, "id: x\nstatus: open\nhold: \"waits: Ada\"\nhold-until: 2026-01-04\ndeps: []\n"},

	{"remove only", "blocked-by: [a] # c\nstatus: open\n", []Edit{RemoveItem("blocked-by", "a")},
		"blocked-by: [] # c\nstatus: open\n"},
	{"remove first", "blocked-by: [ a, b, c ]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "a")}, "blocked-by: [ b, c ]\nstatus: open\n"},
	{"remove middle", "blocked-by: [a, 'b', c]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b")}, "blocked-by: [a, c]\nstatus: open\n"},
	{"remove last", "blocked-by: [a, b, {id: c, reason: 'd, e]'} ]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "c")}, "blocked-by: [a, b ]\nstatus: open\n"},
	{"remove last with comma", "blocked-by: [a, b, ]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b")}, "blocked-by: [a, ]\nstatus: open\n"},
	{"remove all of it", "blocked-by: [a, b, a, a, c, a]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "a")}, "blocked-by: [b, c]\nstatus: open\n"},
	{"remove what is not there", "blocked-by: [a]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b"),
			RemoveItem("absent", "b")}, "blocked-by: [a]\nstatus: open\n"},
	{"remove from nothing", "blocked-by:\nstatus: open\n", []Edit{RemoveItem("blocked-by", "b")},
		"blocked-by:\nstatus: open\n"},
	{"replace", "blocked-by: [a, b]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b"),
			AddItem("blocked-by", "c")}, "blocked-by: [a, c]\nstatus: open\n"},
	{"replace all", "blocked-by: [a, b]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b"), RemoveItem("blocked-by", "a"),
			AddItem("blocked-by", "b")}, "blocked-by: [b]\nstatus: open\n"},
	{"added and removed", "blocked-by: [a]\nstatus: open\n",
		[]Edit{AddItem("blocked-by", "b"), RemoveItem("blocked-by",
			"b")}, "blocked-by: [a]\nstatus: open\n"},
	{"remove first line", "blocked-by: [\n  a, # b\n  # c\n  d, # e\n  f # g\n]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by",
			"a")}, "blocked-by: [\n  d, # e\n  f # g\n]\nstatus: open\n"},
	{"remove middle line", "blocked-by: [\n  a, # b\n  # c\n  d, # e\n  f # g\n]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by",
			"d")}, "blocked-by: [\n  a, # b\n  # c\n  f # g\n]\nstatus: open\n"},
	{"remove last line", "blocked-by: [\n  a, # b\n  # c\n  d,# e\n  f # g\n]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by",
			"f")}, "blocked-by: [\n  a, # b\n  # c\n  d\n]\nstatus: open\n"},
	{"remove only line", "blocked-by: [\n  # b\n  a # c\n]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "a")}, "blocked-by: []\nstatus: open\n"},
	{"remove in shared lines", "blocked-by: [a,\n  b, # c\n  d, e]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "d")}, "blocked-by: [a,\n  b, # c\n  e]\nstatus: open\n"},
	{"remove end of lines", "blocked-by: [a, # c\n  b]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b")}, "blocked-by: [a]\nstatus: open\n"},
	{"remove lone word of line", "blocked-by: [a,\n  b]\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b")}, "blocked-by: [a]\nstatus: open\n"},
	{"remove block item",
		"blocked-by:\n  - a # b\n  # c\n  - id: d\n    reason: |\n      e\n\n  - f\nstatus: open\n", []Edit{RemoveItem("blocked-by", "d")}, "blocked-by:\n  - a # b\n  # c\n\n  - f\nstatus: open\n"},
	{"remove spread block item", "blocked-by:\n- a\n-\n  # b\n\n  c\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "c")}, "blocked-by:\n- a\nstatus: open\n"},
	{"remove before spread item", "blocked-by:\n- a\n- # b\n  c\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "a")}, "blocked-by:\n- # b\n  c\nstatus: open\n"},
	{"remove last block item", "\"blocked-by\" :  # b\n  # c\n  - a\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "a")}, "\"blocked-by\" : []  # b\n  # c\nstatus: open\n"},
	{"replace block item", "blocked-by:\n  - a\n  # c\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "a"),
			AddItem("blocked-by", "b")}, "blocked-by:\n  - b\n  # c\nstatus: open\n"},
	{"replace last block item", "blocked-by:\n  - a\n  # c\n  - b\nstatus: open\n",
		[]Edit{RemoveItem("blocked-by", "b"),
			AddItem("blocked-by", "d")}, "blocked-by:\n  - a\n  - d\n  # c\nstatus: open\n"},
}

func TestApply(t *testing.T) {
	for _, tt := range edits {
		for _, variant := range []struct{ name, before, after, lineBreak string }{
			{"", "---\n", "---\n# T\nstatus: x\n", "\n"},
			{"crlf", bom + "---\r\n", "---\r\n# T\r\nstatus: x", "\r\n"},
			{"ends at fence", "---\n", "---", "\n"},
		} {
			t.Run(tt.name+"/"+variant.name, func(t *testing.T) {
				file := func(front string) string {
					return variant.before + strings.ReplaceAll(front, "\n", variant.lineBreak) +
						variant.after
				}
				if tt.want == "" {
					if _, err := Parse("", []byte(file(tt.in))); err == nil {
						t.Error("well-formed")
					}
					return
				}
				got, err := mustParse(t, "", file(tt.in)).Apply(tt.edits...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(file(tt.want), string(got.Bytes())); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, front string
		edit        Edit
		want        string
	}{
		{"bad status", "", Set("status", "done"),
			`status must be open, in_progress, closed, not "done"`},
		{"bad priority", "", Set("priority", "5"), `priority must be 0, 1, 2, 3, 4, not "5"`},
		{"bad parent", "", Set("parent", "a b"), "parent is no ticket id"},
		{"no status", "a: b\n", Remove("status"), "status is required"},
		{"invalid utf-8", "", Set("a", "\xff"),
			"a is written in a form that cannot be edited, or its new value cannot be written"},
		{"value as list", "a: b\n", AddItem("a", "c"), "a is a single value, not a list"},
		{"mapping as list", "a: {b: c}\n", RemoveItem("a", "c"), "a is a mapping, not a list"},
		{"a text into a mapping", "a: {b: c}\n", Append("a", "c"), "a is a mapping, not a list"},
		{"bad id", "", AddItem("blocked-by", "a, b"), `"a, b" is no ticket id`},
		{"literal would grow", "a: |\n  x\nb: c\n  # d\n", Remove("b"),
			"the edit would change other keys than it names"},
		{"front matter too long", "a: '" + strings.Repeat("x", MaxFrontMatter-40) + "'\n",
			Set("b", strings.Repeat("x",
				100)), "the front matter would have 65619 bytes, more than the 65536 it may have"},
		{"file too long", "", SetSection("Design", strings.Repeat("x", MaxFile)),
			"the file would have 1048"},
		{"ticked box", "", Tick("a"), `the box "a" is ticked already`},
		{"open box", "", Untick("b"), `the box "b" is open already`},
		{"other words", "", Tick("A"), `there is no open box "A"; open are "b", "c"`},
		{"no such ticked box", "", Untick("x"), `there is no ticked box "x"; ticked are "a"`},
		{"no title", "", SetTitle(" "), "a title must be one line of text"},
		{"two titles", "", SetTitle("a\nb"), "a title must be one line of text"},
		{"no note", "", AppendNote(" \n"), "a note must have text"},
		{"nul", "", AppendNote("a\x00"), "a NUL byte"},
		{"heading in section", "", SetSection("Design", "a\n## Notes\n"),
			`Design must not hold the heading "Notes", which would begin another section; use ### or deeper`},
		{"title in description", "", SetSection("", "# a"),
			`the description must not hold the heading "a"`},
		{"section of two lines", "", SetSection("a\nb", "c"),
			"the name of a section must be one line"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustParse(t, "",
				"---\nstatus: open\n"+tt.front+"---\n# T\n- [x] a\n- [ ] b\n- [ ] c\n")
			got, err := d.Apply(tt.edit)
			var edit *EditError
			if !errors.As(err, &edit) || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
	_, err := mustParse(t, "", nasty["plain"]).Apply(Set("blocked-by", "a"),
		AddItem("blocked-by", "b"))
	if err == nil || !strings.Contains(err.Error(), "at once") {
		t.Errorf("list and value: %v", err)
	}
}
