package document

import (
	"fmt"
	"slices"
	"strings"
)

// Change is a part of a ticket that differs from an earlier text: a key of the front matter,
// `title`, or a section of the body by its heading, which has no values: they may be long.
type Change struct{ Key, Old, New string }

// Changes lists the parts that differ from those of before, nil for a ticket that is new: the keys
// in the order of the file, then those that are gone, the title, the sections.
func (d *Document) Changes(before *Document) []Change {
	if before == nil {
		before = &Document{}
	}
	var changes []Change
	add := func(key, old, new string) {
		if old != new {
			changes = append(changes, Change{key, old, new})
		}
	}
	for _, f := range d.fields {
		old, _ := before.field(f.key.Value)
		add(f.key.Value, textOf(old.value), textOf(f.value))
	}
	for _, f := range before.fields {
		if _, kept := d.byKey[f.key.Value]; !kept {
			add(f.key.Value, textOf(f.value), "")
		}
	}
	add("title", before.ticket.Title, d.ticket.Title)
	if body, old := d.Body(), before.Body(); body != old && before.text != "" {
		changes = append(changes, changedSections(old, body)...)
	}
	return changes
}

// changedSections names the sections whose text differs. What is above the first one is the
// description.
func changedSections(old, new string) []Change {
	before, after := sectionTexts(old), sectionTexts(new)
	var changes []Change
	for _, s := range slices.Concat(after, before) {
		same := func(other sectionText) bool { return other == s }
		named := func(c Change) bool { return c.Key == s.name }
		if (!slices.ContainsFunc(before, same) || !slices.ContainsFunc(after, same)) &&
			!slices.ContainsFunc(changes, named) {
			changes = append(changes, Change{Key: s.name})
		}
	}
	return changes
}

type sectionText struct{ name, text string }

// sectionTexts cuts a body at its headings. The title itself is no section's text.
func sectionTexts(body string) []sectionText {
	all := []sectionText{{name: "description"}}
	from, seen := 0, map[string]int{}
	cut := func(to int) { all[len(all)-1].text += strings.TrimSpace(body[from:to]) }
	for h := range headings(body) {
		cut(h.line.start)
		from = h.line.end
		if h.level == 2 {
			name := "## " + h.name
			if seen[name]++; seen[name] > 1 {
				name = fmt.Sprintf("%s (%d)", name, seen[name])
			}
			all = append(all, sectionText{name: name})
		}
	}
	cut(len(body))
	return all
}
