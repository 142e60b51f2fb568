package document

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// checkFrontMatter refuses the lines and characters that YAML takes for something else than a
// reader of the file does.
func (d *Document) checkFrontMatter() *Malformed {
	for _, start := range d.lines[1 : len(d.lines)-1] {
		line := trimEOL(d.text[start:lineEnd(d.text, start)])
		switch {
		case strings.HasPrefix(line, fence) &&
			strings.TrimLeft(line[len(fence):], " \t") != line[len(fence):]:
			return malformedAt(d.text, start, "a fence is `---` and nothing behind it")
		case strings.HasPrefix(line, "..."):
			return malformedAt(d.text, start,
				"`...` ends a YAML document; front matter is one document, closed by `---`")
		case strings.HasPrefix(line, "%"):
			return malformedAt(d.text, start, "YAML directives are not allowed")
		}
		for i, r := range line {
			if why := unwritable(r); why != "" {
				return malformedAt(d.text, start+i, why)
			}
		}
	}
	return nil
}

// decode fills fields. It decodes to nodes only: into maps and structs yaml.v3 looks for duplicate
// keys in quadratic time.
func (d *Document) decode() *Malformed {
	// The opening fence is passed along, so that the lines of the nodes are those of the file.
	source := d.text[d.start:d.fence]
	root, ok := canonicalMapping(source)
	if !ok {
		doc, err := decodeYAML(source)
		if err != nil {
			return syntaxError(source, err)
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			return &Malformed{1, 1, "the front matter is empty; status is required"}
		}
		root = doc.Content[0]
	}
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return nodeFault(root, "front matter must be lines of the form `key: value`")
	}
	inspect := inspector{at: cursor{d: d}}
	if m := inspect.node(root); m != nil {
		return m
	}
	d.byKey = make(map[string]int, len(root.Content)/2)
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" ||
			key.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return nodeFault(key, "a key must be a word")
		}
		if key.Column != 1 {
			return nodeFault(key, "keys must start in the first column, without `? `")
		}
		f := field{key: key, value: root.Content[i+1], stop: d.fence}
		if i+2 < len(root.Content) {
			f.stop = d.lines[root.Content[i+2].Line-1]
		}
		d.byKey[key.Value] = len(d.fields)
		d.fields = append(d.fields, f)
	}
	return nil
}

func nodeFault(n *yaml.Node, format string, args ...any) *Malformed {
	return &Malformed{n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// What YAML allows and a ticket does not: a value must be what its own lines say.
const (
	noAliases = "aliases (`*name`) are not allowed; quote a value that starts with `*`"
	noAnchors = "anchors (`&name`) are not allowed; quote a value that starts with `&`"
	noTags    = "tags (`!name`) are not allowed; quote a value that starts with `!`"
)

// inspector walks all nodes in the order of the file.
type inspector struct{ at cursor }

func (in *inspector) node(n *yaml.Node) *Malformed {
	// yaml.v3 gives no sign of the tag `!`, but a tagged or anchored node's position is that of the
	// tag or the anchor.
	switch first := in.at.byteAt(n); {
	case n.Anchor != "" || first == '&':
		// An alias comes behind its anchor: none gets past this.
		return nodeFault(n, noAnchors)
	case n.Style&yaml.TaggedStyle != 0 || first == '!':
		return nodeFault(n, noTags)
	}
	var seen map[string]int
	if n.Kind == yaml.MappingNode {
		seen = make(map[string]int, len(n.Content)/2)
	}
	for i, child := range n.Content {
		if seen != nil && i%2 == 0 && child.Kind == yaml.ScalarNode {
			if child.Tag == "!!merge" {
				return nodeFault(child, "merge keys (`<<`) are not allowed")
			}
			if line := seen[child.Value]; line != 0 {
				return nodeFault(child, "the key %q is already in line %d", child.Value, line)
			}
			seen[child.Value] = child.Line
		}
		if m := in.node(child); m != nil {
			return m
		}
	}
	return nil
}

// cursor turns positions of nodes into offsets. Positions asked for in the order of the file cost
// one pass over it, however long its lines.
type cursor struct {
	d                 *Document
	line, column, off int
}

func (c *cursor) offset(n *yaml.Node) int {
	if n.Line != c.line || n.Column < c.column {
		c.line, c.column, c.off = n.Line, 1, c.d.lines[n.Line-1]
	}
	for ; c.column < n.Column; c.column++ {
		_, size := utf8.DecodeRuneInString(c.d.text[c.off:])
		c.off += size
	}
	return c.off
}

func (c *cursor) byteAt(n *yaml.Node) byte {
	if i := c.offset(n); i < len(c.d.text) {
		return c.d.text[i]
	}
	return 0
}
