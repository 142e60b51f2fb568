package document

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// yaml.v3 says where a value starts and never where it ends. This file finds the ends. A mistake
// here cannot corrupt a ticket: Apply reads its result again and compares.

// span is a part of the file, from start to before end.
type span struct{ start, end int }

// linesOf returns the lines of a field: from its key to the end of its value's last line. Blank
// lines and comments behind them belong to no field.
func (d *Document) linesOf(f field) span {
	return span{d.lines[f.key.Line-1], lineEnd(d.text, d.end(f.value, 0, f.stop))}
}

func (d *Document) offset(n *yaml.Node) int {
	c := cursor{d: d}
	return c.offset(n)
}

// end returns where the value n ends: behind its last character, or behind the line of its last one
// for a literal or folded value, less the line break. indent is the column, from 0, of the block
// that n is in; limit is where what follows n starts.
func (d *Document) end(n *yaml.Node, indent, limit int) int {
	switch {
	case n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0:
		if list, ok := scanFlow(d.text[:limit], d.offset(n)); ok {
			return list.close + 1
		}
		return limit
	case n.Kind != yaml.ScalarNode && len(n.Content) > 0:
		return d.end(n.Content[len(n.Content)-1], n.Column-1, limit)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return quotedEnd(d.text[:limit], d.offset(n))
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return blockEnd(d.text[:limit], d.offset(n), indent)
	}
	return plainEnd(d.text[:limit], d.offset(n))
}

// plainEnd finds the end of the plain value that starts at offset and is the last thing in text but
// for blank lines and comments.
func plainEnd(text string, offset int) int {
	if offset == len(text) {
		// To yaml.v3 the missing value of `? key` is where the next token is, behind text. Its line
		// is the last with anything on it.
		start := strings.LastIndexByte(text[:len(text)-1], '\n') + 1
		line := trimEOL(text[start:])
		if isBlankOrComment(line) {
			return plainEnd(text[:start], start)
		}
		return start + len(trimComment(line))
	}
	end := offset
	for i := offset; i < len(text); {
		next := lineEnd(text, i)
		line := trimEOL(text[i:next])
		if i == offset || !isBlankOrComment(line) {
			end = i + len(trimComment(line))
		}
		i = next
	}
	return end
}

func isBlankOrComment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return line == "" || line[0] == '#'
}

// trimComment cuts a comment, and the blanks before it, off a line of a plain value.
func trimComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	return strings.TrimRight(line, " \t")
}

// quotedEnd returns the offset behind the quote that ends the quoted value at offset.
func quotedEnd(text string, offset int) int {
	quote := text[offset]
	for i := offset + 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] == quote && quote == '\'' && strings.HasPrefix(text[i+1:], "'"):
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

// blockHeaderEnd returns the offset behind the indicators, e.g. `|2-`, of a literal or folded
// value.
func blockHeaderEnd(text string, offset int) int {
	return offset + 1 + len(text[offset+1:]) - len(strings.TrimLeft(text[offset+1:],
		"+-0123456789"))
}

// blockEnd finds the end of the literal or folded value at offset, in a block of the given
// indentation, by the rules of yaml.v3's scanner: without an indicator the deepest of the first
// lines, up to one with text, sets the indentation.
func blockEnd(text string, offset, indent int) int {
	end := blockHeaderEnd(text, offset)
	content := indent + 1
	if i := strings.IndexAny(text[offset+1:end], "123456789"); i >= 0 {
		content = indent + int(text[offset+1+i]-'0')
	} else {
		for i := lineEnd(text, end); i < len(text); i = lineEnd(text, i) {
			line := trimEOL(text[i:lineEnd(text, i)])
			spaces := len(line) - len(strings.TrimLeft(line, " "))
			content = max(content, spaces)
			if spaces < len(line) {
				break
			}
		}
	}
	for i := lineEnd(text, end); i < len(text); i = lineEnd(text, i) {
		line := trimEOL(text[i:lineEnd(text, i)])
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		if spaces < content && spaces < len(line) {
			break
		}
		if len(line) > content {
			end = i + len(line)
		}
	}
	return end
}
