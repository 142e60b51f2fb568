package install

import (
	"bytes"
	"encoding/json"
	"strings"
)

// jsonStyle is how a file is laid out, so that what is added looks like what is there.
type jsonStyle struct {
	unit    string // of indentation
	eol     string
	oneLine bool // the whole object is on one line
}

func styleOf(text, plain []byte, at int) jsonStyle {
	s := jsonStyle{unit: "  ", eol: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	object, err := readObject(plain, at)
	if err != nil || len(object.members) == 0 {
		return s
	}
	s.oneLine = !bytes.Contains(text[object.start:object.end], []byte("\n"))
	if indent := indentAt(text, object.members[0].start); indent != "" {
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
func (s jsonStyle) replace(text []byte, value jsonMember, entry string) []byte {
	laidOut := s.value(entry, indentAt(text, value.start))
	return bytes.Join([][]byte{text[:value.start], []byte(laidOut), text[value.end:]}, nil)
}

// insert adds a member behind the last one of an object and behind the comments that follow it. bare is text without comments.
func (s jsonStyle) insert(text, bare []byte, o jsonObject, key, entry string) []byte {
	closing := o.end - 1
	from, comma := o.start+1, ""
	if n := len(o.members); n > 0 {
		from = o.members[n-1].end
		if !bytes.Contains(bare[from:closing], []byte(",")) {
			comma = ","
		}
	}
	// All that stands between the last value and the closing bracket stays where it is, but for the space at its end.
	gap := text[from:closing]
	kept := bytes.TrimRight(gap, " \t\r\n")
	tail := gap[len(kept):]

	multiline := bytes.Contains(text[o.start:o.end], []byte("\n")) || len(o.members) == 0 && !s.oneLine
	member := jsonOf(key) + ":"
	if !multiline {
		lead := ""
		if bytes.Contains(text[o.start:o.end], []byte(`": `)) || bytes.Contains(text[o.start:o.end], []byte(", ")) {
			member += " "
			lead = " "
		}
		if len(o.members) == 0 {
			lead = ""
		}
		return bytes.Join([][]byte{text[:from], []byte(comma), kept, []byte(lead + member + entry), tail, text[closing:]}, nil)
	}
	base := indentAt(text, o.start)
	indent := base + s.unit
	if len(o.members) > 0 && bytes.Contains(text[o.start:o.members[0].start], []byte("\n")) {
		indent = indentAt(text, o.members[0].start)
	}
	member += " " + s.value(entry, indent)
	if !bytes.Contains(tail, []byte("\n")) {
		tail = []byte(s.eol + base)
	}
	return bytes.Join([][]byte{text[:from], []byte(comma), kept, []byte(s.eol + indent + member), tail, text[closing:]}, nil)
}
