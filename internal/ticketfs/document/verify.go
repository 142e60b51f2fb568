package document

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// verify compares the document with what edits have made of it. Whatever the code that places and
// measures values gets wrong in a form of YAML nobody thought of, becomes a refusal here and never
// a damaged ticket.
func (d *Document) verify(changed *Document, keys []keyEdits, edits []Edit) *EditError {
	named := make(map[string]bool, len(keys))
	for _, k := range keys {
		named[k.key] = true
		if !k.done(d, changed) {
			return cannot("%s is written in a form that cannot be edited, or its new value cannot be written", k.key)
		}
	}
	others := func(all []field) []field {
		return slices.DeleteFunc(slices.Clone(all),
			func(f field) bool { return named[f.key.Value] })
	}
	if !slices.EqualFunc(others(d.fields), others(changed.fields), func(a, b field) bool {
		return a.key.Value == b.key.Value && sameNode(a.value, b.value)
	}) {
		return cannot("the edit would change other keys than it names")
	}
	if len(keys) == 0 && d.FrontMatter() != changed.FrontMatter() {
		return cannot("the edit would change the front matter")
	}
	title, inBody := d.ticket.Title, false
	for _, e := range edits {
		inBody = inBody || e.inBody()
		if e.kind == editTitle {
			title = strings.TrimSpace(e.value)
		}
	}
	if changed.ticket.Title != title || !inBody && changed.Body() != d.Body() {
		return cannot("the edit would change more of the body than it names")
	}
	return nil
}

// done reports whether the edited key is as wanted.
func (k keyEdits) done(before, after *Document) bool {
	old, _ := before.field(k.key)
	f, present := after.field(k.key)
	switch e := k.edits[0]; {
	case e.kind == editRemove:
		return !present
	case e.kind == editSet:
		value, ok := after.Field(k.key)
		return ok && value == e.value
	}
	if k.inTexts() {
		return slices.Equal(wantedTexts(before.List(k.key), k.edits), after.List(k.key))
	}
	return slices.Equal(wantedIDs(old, k.edits), idsOf(f))
}

// inTexts reports whether a list is edited as one of texts, not of ids.
func (k keyEdits) inTexts() bool {
	return k.edits[0].kind == editSetList || k.edits[0].kind == editAppend
}

func wantedTexts(texts []string, edits []Edit) []string {
	for _, e := range edits {
		if e.kind == editSetList {
			texts = e.values()
		} else {
			texts = append(texts, e.value)
		}
	}
	return texts
}

// wantedIDs applies list edits to ids, apart from the code that applies them to bytes.
func wantedIDs(old field, edits []Edit) []string {
	ids := idsOf(old)
	for _, e := range edits {
		switch {
		case e.kind == editRemoveItem:
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == e.value })
		case !slices.Contains(ids, e.value):
			ids = append(ids, e.value)
		}
	}
	return ids
}

// idsOf lists the ids of a list's items, "" for an item that stands for none.
func idsOf(f field) []string {
	var ids []string
	if f.value != nil && f.value.Kind == yaml.SequenceNode {
		for _, item := range f.value.Content {
			id, _ := itemID(item)
			ids = append(ids, id)
		}
	}
	return ids
}

func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value &&
		slices.EqualFunc(a.Content, b.Content, sameNode)
}
