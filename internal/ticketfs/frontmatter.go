package ticketfs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// checkFrontMatter refuses the lines and characters that YAML takes for something else than the reader of the file does.
func (d *Document) checkFrontMatter() *Malformed {
	for _, start := range d.lines[1 : len(d.lines)-1] {
		line := trimEOL(d.text[start:lineEnd(d.text, start)])
		switch {
		case strings.HasPrefix(line, fence) && strings.TrimLeft(line[len(fence):], " \t") != line[len(fence):]:
			return malformedAt(d.text, start, "a fence is `---` and nothing behind it")
		case strings.HasPrefix(line, "..."):
			return malformedAt(d.text, start, "`...` ends a YAML document; front matter is one document, closed by `---`")
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

// decode fills fields. It decodes to nodes only: into maps and structs yaml.v3 looks for duplicate keys in quadratic time.
func (d *Document) decode() *Malformed {
	// The opening fence is passed along, so that the lines of the nodes are those of the file.
	source := d.text[d.start:d.fence]
	doc, err := decodeYAML(source)
	if err != nil {
		return syntaxError(source, err)
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return &Malformed{1, 1, "the front matter is empty; status is required"}
	}
	root := doc.Content[0]
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
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" || key.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
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

// decodeYAML returns the document node of source. A panic of yaml.v3 is an error: input must not stop a server.
func decodeYAML(source string) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	doc = new(yaml.Node)
	err = yaml.Unmarshal([]byte(source), doc)
	return doc, err
}

var (
	yamlPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)
	aliasName  = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// syntaxError finds the line of yaml.v3's error. The line in its text is that of the fault, one off, that of the first key, or
// missing, depending on where in yaml.v3 it arose; so look for the least number of lines that has the same error.
func syntaxError(source string, err error) *Malformed {
	message := func(err error) string {
		if err == nil {
			return ""
		}
		return yamlPrefix.ReplaceAllString(err.Error(), "")
	}
	why := message(err)
	lines := strings.SplitAfter(strings.TrimSuffix(source, "\n"), "\n")
	low, high := 1, len(lines) // the fence alone is no error, all lines are
	size := make([]int, len(lines)+1)
	for i, line := range lines {
		size[i+1] = size[i] + len(line)
	}
	for low+1 < high {
		mid := (low + high) / 2
		if _, err := decodeYAML(source[:size[mid]]); message(err) == why {
			high = mid
		} else {
			low = mid
		}
	}
	m := &Malformed{Line: high, Column: 1, Why: "not YAML: " + why}
	if name := aliasName.FindStringSubmatch(why); name != nil {
		m.Why = errAlias.Error()
		if i := strings.Index(lines[high-1], "*"+name[1]); i >= 0 {
			m.Column = utf8.RuneCountInString(lines[high-1][:i]) + 1
		}
	}
	return m
}

// What YAML allows and a ticket does not: a value must be what its own lines say.
var (
	errAlias  = errors.New("aliases (`*name`) are not allowed; quote a value that starts with `*`")
	errAnchor = errors.New("anchors (`&name`) are not allowed; quote a value that starts with `&`")
	errTag    = errors.New("tags (`!name`) are not allowed; quote a value that starts with `!`")
)

// inspector walks all nodes in the order of the file.
type inspector struct{ at cursor }

func (in *inspector) node(n *yaml.Node) *Malformed {
	// yaml.v3 gives no sign of the tag `!`, but a tagged or anchored node's position is that of the tag or the anchor.
	switch first := in.at.byteAt(n); {
	case n.Kind == yaml.AliasNode:
		return nodeFault(n, "%v", errAlias)
	case n.Anchor != "" || first == '&':
		return nodeFault(n, "%v", errAnchor)
	case n.Style&yaml.TaggedStyle != 0 || first == '!':
		return nodeFault(n, "%v", errTag)
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

// cursor turns positions of nodes into offsets. Positions asked for in the order of the file cost one pass over it, however
// long its lines.
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
