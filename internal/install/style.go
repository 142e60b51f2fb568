package install

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// jsonStyle is how a file is laid out, so that what is added looks like what is there.
type jsonStyle struct {
	unit    string // of indentation
	eol     string
	oneLine bool // the whole object is on one line
}

func styleOf(text []byte, root hujson.Value) jsonStyle {
	s := jsonStyle{unit: "  ", eol: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	object, ok := root.Value.(*hujson.Object)
	if !ok || len(object.Members) == 0 {
		return s
	}
	s.oneLine = !bytes.Contains(text[root.StartOffset:root.EndOffset], []byte("\n"))
	if indent := indentAt(text, object.Members[0].Value.StartOffset); indent != "" {
		s.unit = indent
	}
	return s
}

// indentAt is what the line of a place begins with.
func indentAt(text []byte, at int) string {
	line := text[bytes.LastIndexByte(text[:at], '\n')+1 : at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// value lays out a value that stands behind indent.
func (s jsonStyle) value(entry, indent string) string {
	if s.oneLine {
		return entry
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(entry), indent, s.unit); err != nil {
		return entry
	}
	return strings.ReplaceAll(b.String(), "\n", s.eol)
}

// replace puts entry in the place of a value.
func (s jsonStyle) replace(text []byte, value hujson.Value, entry string) []byte {
	laidOut := s.value(entry, indentAt(text, value.StartOffset))
	return slices.Concat(text[:value.StartOffset], []byte(laidOut), text[value.EndOffset:])
}

// insert adds a member behind the last one of an object and behind the comments that follow it.
func (s jsonStyle) insert(text []byte, at hujson.Value, key, entry string) []byte {
	members := at.Value.(*hujson.Object).Members
	closing := at.EndOffset - 1
	from, comma := at.StartOffset+1, ""
	if n := len(members); n > 0 {
		last := members[n-1].Value
		if from = last.EndOffset; last.AfterExtra == nil { // which says that no comma follows it
			comma = ","
		}
	}
	// All that stands between the last value and the closing bracket stays where it is, but for the
	// space at its end.
	gap := text[from:closing]
	kept := bytes.TrimRight(gap, " \t\r\n")
	tail := gap[len(kept):]

	whole := text[at.StartOffset:at.EndOffset]
	multiline := bytes.Contains(whole, []byte("\n")) || len(members) == 0 && !s.oneLine
	member := jsonOf(key) + ":"
	if !multiline {
		lead := ""
		if bytes.Contains(whole, []byte(`": `)) || bytes.Contains(whole, []byte(", ")) {
			member += " "
			lead = " "
		}
		if len(members) == 0 {
			lead = ""
		}
		return slices.Concat(text[:from], []byte(comma), kept, []byte(lead+member+entry), tail,
			text[closing:])
	}
	base := indentAt(text, at.StartOffset)
	indent := base + s.unit
	if len(members) > 0 {
		if first := members[0].Value.StartOffset; bytes.Contains(text[at.StartOffset:first], []byte("\n")) {
			indent = indentAt(text, first)
		}
	}
	member += " " + s.value(entry, indent)
	if !bytes.Contains(tail, []byte("\n")) {
		tail = []byte(s.eol + base)
	}
	return slices.Concat(text[:from], []byte(comma), kept, []byte(s.eol+indent+member), tail,
		text[closing:])
}
