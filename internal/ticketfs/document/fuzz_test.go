package document

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func seeds(add func(content string)) {
	for _, content := range nasty {
		add(content)
	}
	for _, tt := range edits {
		add("---\n" + tt.in + "---\n# T\n")
	}
}

// The fences that BodyOf does not take for the usual ones.
func TestBodyOf(t *testing.T) {
	for content, want := range map[string]string{
		"---\nstatus: open\n---\n# T\n":                    "# T\n",
		"---\nstatus: open\n---\r\nfirst\n---\nsecond\n":   "first\n---\nsecond\n",
		"---\r\nstatus: open\r\n---\r\n# T\r\n":            "# T\r\n",
		"---\nstatus: open\n---":                           "",
		"---\n---\nfirst\n---\nsecond\n":                   "",
		"no ticket\n":                                      "",
		"---\nstatus: open\ntext: |\n  a\n  ---\n---\nT\n": "T\n",
	} {
		if got := string(BodyOf([]byte(content))); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
}

// FuzzDocument: what is read comes back byte for byte, and nothing makes Parse panic or fail
// without a position in the file.
func FuzzDocument(f *testing.F) {
	seeds(func(content string) { f.Add([]byte(content)) })
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := Parse("", content)
		if err != nil {
			m := err.(*Malformed)
			lines := strings.Split(string(content), "\n")
			if m.Line < 1 || m.Line > len(lines) || m.Column < 1 ||
				m.Column > len([]rune(lines[m.Line-1]))+1 {
				t.Errorf("%v is outside of the file", m)
			}
			return
		}
		if string(d.Bytes()) != string(content) {
			t.Errorf("got %q", d.Bytes())
		}
		if body := string(BodyOf(content)); body != d.Body() {
			t.Errorf("BodyOf gives %q, Parse %q", body, d.Body())
		}
		rest, ok := strings.CutSuffix(string(content), d.Body())
		if !ok || !strings.Contains(rest, "---\n"+d.FrontMatter()+"---") &&
			!strings.Contains(rest, "---\r\n"+d.FrontMatter()+"---") {
			t.Errorf("front matter %q and body %q do not make up the file", d.FrontMatter(),
				d.Body())
		}
		again, err := Parse(d.Ticket().ID, content)
		if err != nil || !slices.Equal(again.Ticket().BlockedBy, d.Ticket().BlockedBy) {
			t.Errorf("read again: %v", err)
		}
	})
}

// FuzzEdit: an edit of front matter changes only the lines of its key, reads back as wanted, twice
// is once, and can be undone.
func FuzzEdit(f *testing.F) {
	for _, tt := range edits {
		for _, e := range tt.edits {
			f.Add("---\n"+tt.in+"---\n# T\n", byte(e.kind), e.name, e.value)
		}
	}
	for _, content := range nasty {
		f.Add(content, byte(editSet), "status", "closed")
		f.Add(content, byte(editSet), "assignee", "it's")
		f.Add(content, byte(editAddItem), "blocked-by", "z")
		f.Add(content, byte(editRemoveItem), "blocked-by", "a")
		f.Add(content, byte(editSetList), "tags", "a"+separator+"b, c")
		f.Add(content, byte(editAppend), "tags", "it's: a, b")
	}
	f.Fuzz(func(t *testing.T, content string, kind byte, key, value string) {
		e := Edit{editKind(kind % byte(editNote)), key, value}
		d, err := Parse("", []byte(content))
		if err != nil {
			return
		}
		got, err := d.Apply(e)
		if err != nil {
			var edit *EditError
			if !errors.As(err, &edit) {
				t.Errorf("%T: %v", err, err)
			}
			mustEdit(t, d, e, err)
			return
		}
		checkLines(t, d, got, key)
		checkValue(t, d, got, e)
		if again, err := got.Apply(e); e.kind != editAppend &&
			(err != nil || again.text != got.text) {
			t.Errorf("twice is not once: %v\n%q\n%q", err, got.text, again.text)
		}
		checkUndo(t, d, got, e)
	})
}

// mustEdit reports a refusal of an edit that must be possible: a change of status is the one thing
// every ticket needs.
func mustEdit(t *testing.T, d *Document, e Edit, err error) {
	status, _ := d.field("status")
	oneLine := status.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if e.kind == editSet && e.name == "status" && slices.Contains(Statuses, e.value) && oneLine &&
		len(d.text) < MaxFrontMatter-20 {
		t.Errorf("refused: %v\n%s", err, d.text)
	}
}

// checkLines compares the two files line by line, from both ends.
func checkLines(t reporter, d, got *Document, key string) {
	before, after := strings.SplitAfter(d.text, "\n"), strings.SplitAfter(got.text, "\n")
	head := 0
	for head < min(len(before), len(after)) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < min(len(before), len(after))-head &&
		before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	// Lines head to last, from 0, are those that the edit changed.
	last := len(before) - tail - 1
	f, present := d.field(key)
	if !present {
		if last >= head {
			t.Errorf("a new key changed line %d:\n%q\n%q", head+1, d.text, got.text)
		}
		return
	}
	first, stop := f.key.Line-1, strings.Count(d.text[:f.stop], "\n")
	if head <= last && (head < first || last >= stop) {
		t.Errorf("lines %d-%d changed, but %s is in %d-%d:\n%q\n%q", head+1, last+1, key, first+1,
			stop, d.text, got.text)
	}
}

func checkValue(t reporter, d, got *Document, e Edit) {
	f, present := got.field(e.name)
	switch e.kind {
	case editSet:
		if value, ok := got.Field(e.name); !ok || value != e.value {
			t.Errorf("%s is %q, want %q", e.name, value, e.value)
		}
	case editRemove:
		if present {
			t.Errorf("%s is still there", e.name)
		}
	case editAddItem:
		if ids := idsOf(f); !slices.Contains(ids, e.value) {
			t.Errorf("%q is not in %q", e.value, ids)
		}
	case editSetList:
		if all := got.List(e.name); !slices.Equal(all, e.values()) {
			t.Errorf("%q, want %q", all, e.values())
		}
	case editAppend:
		if all := got.List(e.name); !slices.Equal(all, append(d.List(e.name), e.value)) {
			t.Errorf("%q was appended to %q: %q", e.value, d.List(e.name), all)
		}
	case editRemoveItem:
		if ids := idsOf(f); e.value != "" && slices.Contains(ids, e.value) {
			t.Errorf("%q is still in %q", e.value, ids)
		}
	}
	if e.name != "status" && got.Ticket().Status != d.Ticket().Status {
		t.Errorf("status is %s", got.Ticket().Status)
	}
}

func checkUndo(t reporter, d, got *Document, e Edit) {
	f, present := d.field(e.name)
	var undo Edit
	switch {
	case !present && (e.kind == editSet || e.kind == editAddItem || e.kind == editAppend):
		undo = Remove(e.name)
	case e.kind == editSet && e.name == "status" && d.offset(f.value) > 0 &&
		!strings.Contains(d.text[d.offset(f.value):d.end(f.value, 0, f.stop)], "\n") &&
		doubleOrPlain(d, f):
		undo = Set(e.name, f.value.Value)
	case e.kind == editAddItem && len(f.value.Content) > 0 && !slices.Contains(idsOf(f), e.value):
		undo = RemoveItem(e.name, e.value)
	default:
		return
	}
	back, err := got.Apply(undo)
	if err != nil || back.text != d.text {
		t.Errorf("undo: %v\n%q\n%q\n%q", err, d.text, got.text, back.text)
	}
}

// doubleOrPlain reports whether a value is written as we would write it: "\u006fpen" is open, but
// does not come back.
func doubleOrPlain(d *Document, f field) bool {
	return strings.Trim(d.text[d.offset(f.value):d.end(f.value, 0, f.stop)], `"'`) == f.value.Value
}

// FuzzBodyEdit: an edit of the body leaves the front matter and the other sections alone, reads
// back, and twice is once.
func FuzzBodyEdit(f *testing.F) {
	for _, tt := range bodyEdits {
		for _, e := range tt.edits {
			f.Add(tt.in, byte(e.kind), e.name, e.value)
		}
	}
	f.Fuzz(func(t *testing.T, body string, kind byte, name, value string) {
		e := Edit{editNote + editKind(kind%5), name, value}
		d, err := Parse("", []byte("---\nstatus: open\n---\n"+body))
		if err != nil || strings.Contains(strings.ReplaceAll(body, "\r\n", ""), "\r") {
			return // a lone CR, blank here, is half of a line break once a line is added
		}
		got, err := d.Apply(e)
		if err != nil {
			return
		}
		if got.FrontMatter() != d.FrontMatter() {
			t.Errorf("front matter: %q", got.FrontMatter())
		}
		before, after := names(body), names(got.Body())
		switch e.kind {
		case editNote:
			checkInserted(t, body, got.Body())
			if !slices.Contains(after, "2 notes") {
				t.Errorf("no section: %q", got.Body())
			}
			after = slices.DeleteFunc(after, func(h string) bool { return h == "2 notes" })
			before = slices.DeleteFunc(before, func(h string) bool { return h == "2 notes" })
		case editTitle:
			if got.Ticket().Title != strings.TrimSpace(value) {
				t.Errorf("title %q", got.Ticket().Title)
			}
			before, after = slices.DeleteFunc(before, firstLevel), slices.DeleteFunc(after,
				firstLevel)
		case editTick, editUntick:
			if len(got.Body()) != len(body) {
				t.Errorf("%q", got.Body())
			}
			return
		case editSection:
			name = strings.TrimSpace(name)
			part, found := section(got.Body(), name)
			text := inner(got.Body(), part)
			want, err := writtenSection(name, d.Ticket().Title, value, d.bodyEOL())
			if err != nil {
				t.Error(err)
			}
			if s := got.Body()[text.start:text.end]; !found || s != want {
				t.Errorf("section %q is %q, want %q", name, s, want)
			}
			if len(after) == len(before)+1 {
				i := slices.Index(after, "2 "+strings.ToLower(name))
				after = slices.Delete(after, i, i+1)
			}
		}
		if !slices.Equal(before, after) {
			t.Errorf("headings %q, before %q\n%q\n%q", after, before, body, got.Body())
		}
		if e.kind == editNote {
			return
		}
		if again, err := got.Apply(e); err != nil || again.text != got.text {
			t.Errorf("twice is not once: %v\n%q", err, got.text)
		}
	})
}

func firstLevel(heading string) bool { return heading[0] == '1' }

func names(body string) []string {
	var all []string
	for h := range headings(body) {
		all = append(all, string(rune('0'+h.level))+" "+strings.ToLower(h.name))
	}
	return all
}

// checkInserted holds that after is before with one text put in. Blank lines do not count: those of
// an empty section go.
func checkInserted(t *testing.T, before, after string) {
	written := func(text string) string {
		lines := slices.Collect(strings.Lines(text))
		lines = slices.DeleteFunc(lines,
			func(line string) bool { return strings.TrimSpace(line) == "" })
		return strings.TrimSuffix(strings.Join(lines, ""), "\n")
	}
	before, after = written(before), written(after)
	head := 0
	for head < len(before) && before[head] == after[head] {
		head++
	}
	if !strings.HasSuffix(after, before[head:]) {
		t.Errorf("more than an insertion:\n%q\n%q", before, after)
	}
}

// reporter is *testing.T or *rapid.T.
type reporter interface {
	Errorf(format string, args ...any)
}
