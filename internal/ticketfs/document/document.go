package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Document is a ticket file, every byte of it. It is immutable: an edit gives a new one.
type Document struct {
	id   string // the id that Parse was given
	text string // the whole file

	start int // of the opening fence: behind a byte order mark
	front int // of the front matter: behind the opening fence's line
	fence int // of the closing fence
	body  int // of the body: behind the closing fence's line

	// where the lines from the opening to the closing fence start; line n is lines[n-1]
	lines  []int
	fields []field
	byKey  map[string]int // index in fields
	ticket Ticket

	fault *Malformed // of a document that Open returned beside it
}

// field is a top-level key of the front matter and its value. stop is where the next one, or the
// closing fence, starts.
type field struct {
	key, value *yaml.Node
	stop       int
}

// Parse reads a ticket file. The error is always a *Malformed. An id that is not "" must be that of
// the front matter, when it has one.
func Parse(id string, content []byte) (*Document, error) {
	d, fault := Open(id, content)
	if fault != nil {
		return nil, fault
	}
	return d, nil
}

// Open is Parse for those who can do with less: of a malformed file whose fences can be found it
// returns a document beside the fault. Its ticket has an id and a title and nothing else, and it
// can be edited by AppendNote only. nil is a file without fences.
func Open(id string, content []byte) (*Document, *Malformed) {
	d := &Document{id: id, text: string(content)}
	d.fault = checkText(d.text)
	if m := d.findFences(); m != nil {
		if d.fault == nil {
			d.fault = m
		}
		return nil, d.fault
	}
	for _, step := range []func() *Malformed{d.checkFrontMatter, d.decode, d.readTicket} {
		if d.fault == nil {
			d.fault = step()
		}
	}
	if d.fault != nil {
		d.fields, d.byKey = nil, nil
		d.ticket = Ticket{ID: id, Title: titleOf(d.Body())}
	}
	return d, d.fault
}

// Ticket returns the fields and the title.
func (d *Document) Ticket() Ticket {
	t := d.ticket
	t.BlockedBy = slices.Clone(t.BlockedBy)
	t.Evidence, t.Tags = slices.Clone(t.Evidence), slices.Clone(t.Tags)
	t.Links, t.Lookalikes = slices.Clone(t.Links), slices.Clone(t.Lookalikes)
	t.Raw = maps.Clone(t.Raw)
	return t
}

// Bytes returns the file. For a parsed document that is exactly the input.
func (d *Document) Bytes() []byte { return []byte(d.text) }

// Body returns all that is behind the closing fence's line, as it stands.
func (d *Document) Body() string { return d.text[d.body:] }

// FrontMatter returns what is between the fences, as it stands.
func (d *Document) FrontMatter() string { return d.text[d.front:d.fence] }

// Field returns the scalar value of a top-level key, known or not, as text. A key that is absent,
// empty (null) or holds a list or a mapping has none.
func (d *Document) Field(key string) (string, bool) {
	f, ok := d.field(key)
	if !ok || f.value.Kind != yaml.ScalarNode || isNull(f.value) {
		return "", false
	}
	return f.value.Value, true
}

func (d *Document) field(key string) (field, bool) {
	i, ok := d.byKey[key]
	if !ok {
		return field{}, false
	}
	return d.fields[i], true
}

// isNull reports whether a value is unset: written as nothing, ~ or null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

const fence = "---"

// findFences looks for the fences line by line rather than leaving it to YAML, to which a `---` in
// the body, or one behind which anything stands, is as good as the closing one.
func (d *Document) findFences() *Malformed {
	if strings.HasPrefix(d.text, bom) {
		d.start = len(bom)
	}
	d.front = lineEnd(d.text, d.start)
	if trimEOL(d.text[d.start:d.front]) != fence {
		return &Malformed{1, 1,
			"a ticket starts with front matter: the first line must be exactly `---`"}
	}
	d.lines = []int{d.start}
	for i := d.front; i < len(d.text) && i-d.front <= MaxFrontMatter; i = d.body {
		d.body = lineEnd(d.text, i)
		d.lines = append(d.lines, i)
		if trimEOL(d.text[i:d.body]) == fence {
			d.fence = i
			return nil
		}
	}
	return &Malformed{1, 1,
		fmt.Sprintf("no line that is exactly `---` closes the front matter within %d bytes",
			MaxFrontMatter)}
}

// lineEnd returns where the line that offset is in ends, its line break included.
func lineEnd(text string, offset int) int {
	if n := strings.IndexByte(text[offset:], '\n'); n >= 0 {
		return offset + n + 1
	}
	return len(text)
}

// trimEOL returns a line without its line break.
func trimEOL(line string) string { return line[:len(line)-len(eol(line))] }

// eol returns the line break at the end of line: LF, CRLF or none.
func eol(line string) string {
	switch {
	case strings.HasSuffix(line, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(line, "\n"):
		return "\n"
	}
	return ""
}
