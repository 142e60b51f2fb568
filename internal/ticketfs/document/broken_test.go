package document

import (
	"strings"
	"testing"
)

func TestNoTicket(t *testing.T) {
	for content, want := range map[string]bool{
		"":                              true,
		"# Read me\n\n- d5a\n":          true,
		"- d5a\nstatus: open\n":         true,
		"\n---\nstatus: open\n---\n":    true,
		"caf\xe9\n":                     true,
		"\xff\xfe#\x00":                 true,
		"---\n---\n":                    true,
		"---\ntitle: Home\n---\n# T\n":  true,
		"---\ntitle: {{ title }}\n---":  true,
		"---\n- id\n- status\n---\n":    true,
		"---\n\nA rule, and text.\n":    true,
		"---\nmeta:\n  id: x\n---\n":    true,
		"---\nstatus: todo\n---\n":      false,
		"---\nid: x\n---\n":             false,
		"---\n\"id\" : x\n---\n":        false,
		"---\nid: [x\n---\n":            false,
		"---\nid: x\nid: y\n---\n":      false,
		"---\n{status: open}\n---\n":    false,
		"---\nid: x\nstatus: open":      false,
		"---\r\nid: x\r\n---\r\n":       false,
		"\ufeff---\nid: x\n---\n":       false,
		"---\nid: \xff\n---\n":          false,
		"<<<<<<< HEAD\n---\n":           false,
		"# T\n<<<<<<< HEAD\n=======\n":  false,
		"# T\n <<<<<<< HEAD\n<<<<<<<\n": true,
	} {
		if _, err := Parse("t", []byte(content)); err == nil {
			t.Errorf("%q is well-formed", content)
		}
		if got := NoTicket([]byte(content)); got != want {
			t.Errorf("%q is no ticket: %v", content, got)
		}
	}
	if !NoTicket([]byte(strings.Repeat("x", 2*MaxFile))) ||
		NoTicket([]byte("---\nid: x\n---\n"+strings.Repeat("x", MaxFile))) {
		t.Error("a file that is too long is not told by its beginning")
	}
}

func TestParents(t *testing.T) {
	front := func(lines string) string { return "---\nstatus: todo\n" + lines + "---\n# T\n\nparent: body\n" }
	for _, tt := range []struct {
		content, ids string
		told         bool
	}{
		{front(""), "", true},
		{front("parent: other\n"), "other", true},
		{front("parent:\n"), "", true},
		{front("'parent' : \"d5a\"\n"), "d5a", true},
		{front("parent: '#d5a.'\n"), "d5a", true},
		{front("parent: [d5a, {x: d5b}]\n"), "d5a x d5b", true},
		{front("parent: a\nparent: b\n"), "a b", true},
		{front("Parent: a\nmeta:\n  parent: b\n"), "", true},
		{front("parent: the big epic\n"), "the big epic", true},
		{front("a: &x {parent: b}\n<<: *x\n"), "", false},
		{front("a: &x b\nparent: *x\n"), "", false},

		// Where YAML cannot read it, by lines.
		{front("a: [\nparent: d5a # c\n"), "d5a c", true},
		{front("a: [\n"), "", true},
		{front("a: b: c\nparent: >-\n  d5a\n"), "", false},
		{front("a: b: c\nparent:\n  d5a\n"), "", false},
		{front("a: b: c\nparent: \"\\x64\"\n"), "", false},
		{front("a: b: c\nx: {parent: d5a}\n"), "d5a", true},
		{front("a: \xff\nparent: d5a\n"), "d5a", true},
		{front("<<<<<<< HEAD\nparent: a\n=======\nparent: b\n>>>>>>> x\n"), "a b", true},
		{"<<<<<<< HEAD\n---\nparent: a\n---\n=======\n---\nparent: b\n---\n>>>>>>> x\n", "a b",
			true},
		{"<<<<<<< HEAD\n---\nid: a\n---\n=======\n>>>>>>> x\n", "", true},

		// Cut short.
		{"", "", false},
		{"# T\n", "", false},
		{"---\nid: x\nparent: d5a\nsta", "d5a", true},
		{"---\nid: x\n", "", false},
	} {
		ids, told := Parents([]byte(tt.content))
		if got := strings.Join(ids, " "); got != tt.ids && told || told != tt.told {
			t.Errorf("%q: parents %q, told %v; want %q, %v", tt.content, got, told, tt.ids, tt.told)
		}
	}
}

func TestNoteOnMalformed(t *testing.T) {
	for name, content := range map[string]string{
		"unknown status": "---\nid: t\nstatus: todo\n---\n# T\n",
		"not YAML":       "---\r\nid: t\r\na: b: c\r\n---\r\n# T\r\n\r\n## Notes\r\n\r\n- a\r\n",
		"conflict":       "---\nid: t\n<<<<<<< HEAD\nstatus: open\n=======\n>>>>>>> x\n---",
		"not UTF-8":      "---\nid: \xff\n---\n# T\n\xfe\n",
	} {
		d, fault := Open("t", []byte(content))
		if fault == nil || d == nil {
			t.Errorf("%s: %v, %v", name, d, fault)
			continue
		}
		if _, err := Parse("t", []byte(content)); err.Error() != fault.Error() {
			t.Errorf("%s: Parse says %v, Open %v", name, err, fault)
		}
		got, err := d.Apply(AppendNote("b"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if notes := got.Notes(); got.FrontMatter() != d.FrontMatter() ||
			notes[len(notes)-1] != "b" || got.Ticket().Title != d.Ticket().Title {
			t.Errorf("%s: %q", name, got.Bytes())
		}
		for _, e := range []Edit{Set("status", "open"), Remove("id"), SetTitle("x"),
			AddItem("deps", "a")} {
			if _, err := d.Apply(e); err == nil || !strings.Contains(err.Error(), "malformed") {
				t.Errorf("%s: %v is %v", name, e, err)
			}
		}
	}
	for _, content := range []string{"", "# T\n", "---\nid: t\n"} {
		if d, fault := Open("t", []byte(content)); d != nil || fault == nil {
			t.Errorf("%q: %v, %v", content, d, fault)
		}
	}
}

// FuzzBroken: whatever a file holds, it can be told whether it is a ticket and whose child, and
// nothing panics.
func FuzzBroken(f *testing.F) {
	seeds(func(content string) { f.Add([]byte(content)) })
	f.Add([]byte("---\nstatus: todo\nparent: a\nparent: b\n---\n"))
	f.Add([]byte("<<<<<<< HEAD\n---\nparent: a\n=======\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, fault := Open("t", content)
		none, ids := NoTicket(content), []string(nil)
		ids, told := Parents(content)
		if fault == nil {
			ticket := d.Ticket()
			if none || told && ticket.Parent != "" && (len(ids) != 1 || ids[0] != ticket.Parent) ||
				ticket.Parent == "" && len(ids) > 0 {
				t.Errorf("a ticket: none %v, parents %q, told %v, parent %q", none, ids, told,
					ticket.Parent)
			}
			return
		}
		if d == nil {
			return
		}
		if got, err := d.Apply(AppendNote("note")); err == nil &&
			got.FrontMatter() != d.FrontMatter() {
			t.Errorf("front matter %q became %q", d.FrontMatter(), got.FrontMatter())
		}
	})
}
