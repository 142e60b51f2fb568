package document

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// setScalar replaces the value of a field. A list or a mapping, which only a key that no rule reads
// may have, goes as a whole.
func (d *Document) setScalar(f field, value string) []splice {
	n := f.value
	if n.Kind != yaml.ScalarNode {
		return d.replaceCollection(f, scalarToken(f.key.Value, value, 0))
	}
	if n.Value == value && !isNull(n) {
		return nil
	}
	return d.replaceScalar(f, scalarToken(f.key.Value, value, n.Style))
}

// replaceCollection puts token in the place of a list or a mapping. A comment on the line of the
// key stays.
func (d *Document) replaceCollection(f field, token string) []splice {
	end := d.end(f.value, 0, f.stop)
	if f.value.Style&yaml.FlowStyle != 0 {
		return []splice{{span{d.offset(f.value), end}, token}}
	}
	colon := d.colon(f)
	return []splice{
		{span{colon + 1, colon + 1}, " " + token},
		{span{lineEnd(d.text, colon), lineEnd(d.text, end)}, ""},
	}
}

// replaceScalar puts token in the place of a scalar. What stands behind the scalar, on its line or
// below, stays.
func (d *Document) replaceScalar(f field, token string) []splice {
	start := d.offset(f.value)
	end := d.end(f.value, 0, f.stop)
	switch {
	case start == end: // an empty value: the place is right behind the colon
		if rest := d.text[start:]; strings.HasPrefix(rest, " ") && rest[1] != '#' {
			return []splice{{span{start + 1, start + 1}, token}}
		}
		return []splice{{span{start, start}, " " + token}}
	case f.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		header := blockHeaderEnd(d.text, start)
		below := lineEnd(d.text, header) // behind a comment that may stand behind the header
		return []splice{{span{start, header}, token},
			{span{below, max(below, lineEnd(d.text, end))}, ""}}
	}
	return []splice{{span{start, end}, token}}
}

// plainKeys hold words, numbers and times. They are written plain, as tk does, though YAML takes
// some for numbers or dates; what anybody may type is written plain only if YAML takes it for the
// very same text.
var plainKeys = []string{"schema_version", "id", "status", "claimed-at", "closed", "hold-until",
	KeyBlockedBy, KeyDeps, "created", "type", "priority", "parent", "tags", "links"}

// scalarToken writes value as YAML, in the given style if that can hold it, else in double quotes.
func scalarToken(key, value string, style yaml.Style) string {
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
	case style&yaml.SingleQuotedStyle != 0:
		if token := "'" + strings.ReplaceAll(value, "'", "''") + "'"; readsAs(token, value, true) {
			return token
		}
	default:
		if readsAs(value, value, !slices.Contains(plainKeys, key)) {
			return value
		}
	}
	return doubleQuoted(value)
}

// flowToken is scalarToken for an item of a flow list, to which commas and brackets mean something,
// and to yaml.v3 a question mark.
func flowToken(key, value string) string {
	token := scalarToken(key, value, 0)
	if strings.ContainsAny(value, ",[]{}?:") {
		return doubleQuoted(value)
	}
	return token
}

// readsAs reports whether YAML reads token, on one line, as value. strict demands that it is a
// string to YAML as well.
func readsAs(token, value string, strict bool) bool {
	if tag := canonicalTag(token); tag != "" {
		return token == value && (tag == "!!str" || !strict)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r == '\n' || unwritable(r) != "" }) {
		return false
	}
	doc, err := decodeYAML("k: " + token + "\n")
	if err != nil || len(doc.Content) != 1 || len(doc.Content[0].Content) != 2 {
		return false
	}
	n := doc.Content[0].Content[1]
	return n.Kind == yaml.ScalarNode && n.Value == value &&
		(n.Tag == "!!str" || !strict && n.Tag != "!!null")
}

// doubleQuoted writes any text as YAML on one line. JSON's quoting, which is nearly the same,
// leaves characters as they are that YAML does not allow, and strconv's has escapes that YAML does
// not know.
func doubleQuoted(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unwritable(r) != "":
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
