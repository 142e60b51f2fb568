package document

import (
	"bytes"
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// Foreign reads a Markdown file of another program: front matter between fences, and a body. It
// takes what Parse takes (the caps, no keys twice, no anchors or tags), but no key has a meaning,
// and values may have any form; each is given as JSON, in which a number or a word that JSON cannot
// write is a string. The error is always a *Malformed.
func Foreign(content []byte) (fields map[string]json.RawMessage, body string, err error) {
	d := &Document{text: string(content)}
	for _, step := range []func() *Malformed{
		func() *Malformed { return checkText(d.text) },
		d.findFences,
		d.checkFrontMatter,
		d.decode,
	} {
		if m := step(); m != nil {
			return nil, "", m
		}
	}
	fields = make(map[string]json.RawMessage, len(d.fields))
	for _, f := range d.fields {
		var b bytes.Buffer
		writeJSON(&b, f.value)
		fields[f.key.Value] = b.Bytes()
	}
	return fields, d.Body(), nil
}

// writeJSON writes a node, which has no aliases: decode refuses them.
func writeJSON(b *bytes.Buffer, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(jsonString(n.Content[i].Value))
			b.WriteByte(':')
			writeJSON(b, n.Content[i+1])
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, item)
		}
		b.WriteByte(']')
	default:
		b.Write(scalarJSON(n))
	}
}

func scalarJSON(n *yaml.Node) []byte {
	switch n.Tag {
	case "!!null":
		return []byte("null")
	case "!!bool", "!!int", "!!float":
		if text := []byte(n.Value); json.Valid(text) {
			return text
		}
	}
	return jsonString(n.Value)
}

func jsonString(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string can be written
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Section is a part of a body below a heading of the second level. Tight is a section whose text
// follows the heading without a blank line.
type Section struct {
	Heading, Text string
	Tight         bool
}

// JoinBody makes the part of a body behind the title: a description and sections. A section without
// text is left out, and a code block that a text leaves open is closed, so that it does not swallow
// what comes behind.
func JoinBody(description string, sections []Section) string {
	parts := make([]string, 0, len(sections)+1)
	if text := closeCode(block(description, "\n"), "\n"); text != "" {
		parts = append(parts, text)
	}
	for _, s := range sections {
		if text := closeCode(block(s.Text, "\n"), "\n"); text != "" {
			between := "\n\n"
			if s.Tight {
				between = "\n"
			}
			parts = append(parts, "## "+s.Heading+between+text)
		}
	}
	return strings.Join(parts, "\n\n")
}

// SplitBody is what JoinBody put together, and the title: a body's first heading of the first
// level, what follows it, and the sections in their order. What stands before the title belongs to
// the description.
func SplitBody(body string) (title, description string, sections []Section) {
	var parts []Section // the first is the description
	start, titled := 0, false
	next := Section{}
	cut := func(end int) {
		text := block(body[start:end], "\n")
		if next.Heading != "" && next.Text == "" && text != "" {
			next.Tight = !strings.HasPrefix(strings.TrimLeft(body[start:end], " \t\r"), "\n")
		}
		if next.Text != "" && text != "" {
			text = "\n\n" + text
		}
		next.Text += text
	}
	for h := range headings(body) {
		switch {
		case h.level == 1 && !titled:
			titled, title = true, h.name
			if len(parts) == 0 {
				cut(h.line.start)
				start = h.line.end
			}
		case h.level == 2:
			cut(h.line.start)
			parts = append(parts, next)
			next, start = Section{Heading: h.name}, h.line.end
		}
	}
	cut(len(body))
	parts = append(parts, next)
	return title, parts[0].Text, parts[1:]
}
