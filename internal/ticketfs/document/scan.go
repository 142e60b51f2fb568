package document

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Scan reads a ticket whose front matter is in canonical form, for the index. ok is false for
// everything else, also for what is malformed: then Parse decides. Where ok is true, the ticket is
// the one that Parse gives.
func Scan(id string, content []byte) (t Ticket, ok bool) {
	if len(content) > MaxFile || bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content) {
		return t, false
	}
	front, found := bytes.CutPrefix(content, []byte(fence+"\n"))
	if !found {
		return t, false
	}
	end := bytes.Index(front, []byte("\n"+fence+"\n"))
	if end < 0 || end >= MaxFrontMatter-len(fence)-2 {
		return t, false
	}
	body := front[end+len(fence)+2:]
	t = Ticket{ID: id, Priority: DefaultPriority}
	title := ""
	seen := make([]string, 0, 24)
	for line := range strings.SplitSeq(string(front[:end]), "\n") {
		f, ok := tokenize(line)
		if !ok || len(seen) == cap(seen) || slices.Contains(seen, f.key) || !t.setToken(f) {
			return t, false
		}
		seen = append(seen, f.key)
		if f.key == "title" {
			title = f.value
		}
	}
	t.Title = strings.Clone(cmp.Or(titleOf(string(beginning(body))), title))
	return t, t.Status != ""
}

// beginning is as much of a body as its title depends on: in canonical form the first line.
func beginning(body []byte) []byte {
	first := bytes.TrimLeft(body, "\n")
	if end := bytes.IndexByte(first, '\n'); end >= 0 && bytes.HasPrefix(first, []byte("# ")) {
		return first[:end]
	}
	return body
}

// setToken gives a field the value of a token; false when that is a fault, for Parse to tell.
func (t *Ticket) setToken(f token) bool {
	switch {
	case f.kind == blockers && f.list:
		var list []Blocker
		for _, id := range f.items() {
			if !ValidID(id) {
				return false
			}
			list = append(list, Blocker{ID: id})
		}
		t.addBlockers(f.key, list)
		return true
	case f.kind == strict && !f.list:
		return t.set(f.key, f.value) == ""
	case f.kind.tolerant() && f.list:
		var items []string
		for _, item := range f.items() {
			items = append(items, item)
		}
		t.setTolerantList(f.key, f.kind, items)
		return true
	case f.kind.tolerant():
		t.setTolerant(f.key, f.kind, f.value)
		return true
	}
	return f.kind == unknown && !looksKnown(f.key)
}
