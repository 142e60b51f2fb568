package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// EditError says why an edit cannot be made of a document that is in itself well-formed.
type EditError struct {
	Why      string
	NoChange bool // because it is so already
}

func (e *EditError) Error() string { return e.Why }

func cannot(format string, args ...any) *EditError {
	return &EditError{Why: fmt.Sprintf(format, args...)}
}

// wouldBe is the refusal of an edit whose result Parse does not take. The position is left out: no
// file has it.
func wouldBe(malformed error) *EditError {
	return &EditError{Why: malformed.(*Malformed).Why}
}

// Edit is a change that Apply can make.
type Edit struct {
	kind  editKind
	name  string // the key or the section
	value string
}

type editKind int

const (
	editSet editKind = iota
	editRemove
	editAddItem
	editRemoveItem
	editSetList
	editAppend
	editNote
	editTitle
	editSection
	editTick
	editUntick
)

func (e Edit) inBody() bool { return e.kind >= editNote }
func (e Edit) inList() bool { return editAddItem <= e.kind && e.kind <= editAppend }

// values are those of a SetList. An Edit holds them as one text, so that edits can be compared.
func (e Edit) values() []string {
	if e.value == "" {
		return nil
	}
	return strings.Split(e.value, separator)
}

const separator = "\x00"

// Set gives a key a single value: the value alone is replaced, in the quoting it had where that is
// possible, a list or a mapping as a whole. A new key gets a line: what belongs to a status behind
// it, any other at the end.
func Set(key, value string) Edit { return Edit{editSet, key, value} }

// Remove removes a key and its lines. Removing an absent key changes nothing.
func Remove(key string) Edit { return Edit{editRemove, key, ""} }

// AddItem appends id to the list of a key, in the style that the list has. An id that is there
// already is not added again.
func AddItem(key, id string) Edit { return Edit{editAddItem, key, id} }

// RemoveItem removes every item that is id, plain or as a mapping, from the list of a key.
func RemoveItem(key, id string) Edit { return Edit{editRemoveItem, key, id} }

// SetList makes the values all of a key's list, in the style that the list has, else in flow style,
// also in the place of a mapping. Empty values are left out; with none the list is empty.
func SetList(key string, values ...string) Edit {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	return Edit{editSetList, key, strings.Join(values, separator)}
}

// Append appends a text to the list of a key, in the style that the list has, else one on a line. A
// single value becomes the first item.
func Append(key, text string) Edit { return Edit{editAppend, key, text} }

// AddBlocker makes the ticket wait for id, by the key that its file has, blocked-by where it has
// both. board is the key that the other files of the board have, for a file that has none; "" is
// blocked-by.
func (d *Document) AddBlocker(id, board string) Edit {
	return AddItem(cmp.Or(d.ticket.BlockerKey, board, KeyBlockedBy), id)
}

// RemoveBlocker makes the ticket not wait for id any more, whichever key names it.
func (d *Document) RemoveBlocker(id string) []Edit {
	return []Edit{RemoveItem(KeyBlockedBy, id), RemoveItem(KeyDeps, id)}
}

// Apply makes all edits at once: it changes the lines of the fields and sections that they name,
// and nothing else. Of several edits of one key the last one wins, and list edits add up, from the
// last SetList on. Before it returns the new document it has read it as Parse does, and found every
// other field equal and the edited ones as wanted. The error is always an *EditError.
func (d *Document) Apply(edits ...Edit) (*Document, error) {
	changed, err := d.apply(edits)
	if err != nil {
		return nil, err // not returned as it is: a nil *EditError is no nil error
	}
	return changed, nil
}

func (d *Document) apply(edits []Edit) (*Document, *EditError) {
	if d.fault != nil {
		return d.noteOnBroken(edits)
	}
	keys, err := gather(edits)
	if err != nil {
		return nil, err
	}
	head, err := d.editFrontMatter(keys)
	if err != nil {
		return nil, err
	}
	body := d.Body()
	for _, e := range edits {
		if e.inBody() {
			if body, err = editBody(body, d.bodyEOL(), e); err != nil {
				return nil, err
			}
		}
	}
	if n := len(head) - d.front - (d.body - d.fence); n > MaxFrontMatter {
		return nil, cannot("the front matter would have %d bytes, more than the %d it may have", n,
			MaxFrontMatter)
	}
	if body != "" && eol(head) == "" {
		head += d.bodyEOL()
	}
	text := head + body
	if text == d.text {
		return d, nil
	}
	if len(text) > MaxFile {
		return nil, cannot("the file would have %d bytes, more than the %d a ticket may have",
			len(text), MaxFile)
	}
	changed, fault := Parse(d.id, []byte(text))
	if fault != nil {
		return nil, wouldBe(fault)
	}
	if err := d.verify(changed, keys, edits); err != nil {
		return nil, err
	}
	return changed, nil
}

// noteOnBroken appends notes to the body of a malformed file. All else stays as it is, the fault
// included.
func (d *Document) noteOnBroken(edits []Edit) (*Document, *EditError) {
	body := d.Body()
	for _, e := range edits {
		if e.kind != editNote {
			return nil, cannot("the file is malformed: %v", d.fault)
		}
		var err *EditError
		if body, err = appendNote(body, d.bodyEOL(), e.value); err != nil {
			return nil, err
		}
	}
	head := d.text[:d.body]
	if eol(head) == "" {
		head += d.bodyEOL()
	}
	if len(head)+len(body) > MaxFile {
		return nil, cannot("the file would have %d bytes, more than the %d a ticket may have",
			len(head)+len(body), MaxFile)
	}
	changed, fault := Open(d.id, []byte(head+body))
	if changed == nil || fault == nil || fault.Why != d.fault.Why ||
		changed.FrontMatter() != d.FrontMatter() {
		return nil, cannot("the file is malformed: %v", d.fault)
	}
	return changed, nil
}

// keyEdits are the edits of one key.
type keyEdits struct {
	key   string
	edits []Edit // one Set or Remove, or list edits
}

func gather(edits []Edit) ([]keyEdits, *EditError) {
	var keys []keyEdits
	for _, e := range edits {
		if e.inBody() {
			continue
		}
		i := slices.IndexFunc(keys, func(k keyEdits) bool { return k.key == e.name })
		switch {
		case i < 0:
			keys = append(keys, keyEdits{e.name, []Edit{e}})
		case keys[i].edits[0].inList() != e.inList():
			return nil, cannot("%s cannot be edited as a list and as a single value at once",
				e.name)
		case e.inList() && e.kind != editSetList:
			keys[i].edits = append(keys[i].edits, e)
		default:
			keys[i].edits = []Edit{e}
		}
	}
	return keys, nil
}

// splice replaces a part of the file.
type splice struct {
	span
	text string
}

// editFrontMatter returns the file up to the body.
func (d *Document) editFrontMatter(keys []keyEdits) (string, *EditError) {
	var splices []splice
	var added []newKey
	removed := make(map[string]bool)
	for _, k := range keys {
		f, present := d.field(k.key)
		var s []splice
		var err *EditError
		switch e := k.edits[0]; {
		case e.inList():
			var list string
			if s, list, err = d.editList(f, present, k); list != "" {
				added = append(added, newKey{k.key, list})
			}
		case e.kind == editRemove && present:
			removed[k.key] = true
			s = []splice{{d.linesOf(f), ""}}
		case e.kind == editSet && present:
			s = d.setScalar(f, e.value)
		case e.kind == editSet:
			added = append(added, newKey{k.key, " " + scalarToken(k.key, e.value, 0)})
		}
		if err != nil {
			return "", err
		}
		splices = append(splices, s...)
	}
	splices = append(splices, d.place(added, removed)...)
	slices.SortStableFunc(splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var b strings.Builder
	last := 0
	for _, s := range splices {
		if s.start < last {
			return "", cannot("the front matter is written in a form that cannot be edited")
		}
		b.WriteString(d.text[last:s.start])
		b.WriteString(s.text)
		last = s.end
	}
	b.WriteString(d.text[last:d.body])
	return b.String(), nil
}
