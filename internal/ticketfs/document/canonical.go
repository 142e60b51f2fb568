package document

import (
	"iter"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Front matter in canonical form is what this program and the tk programs write: lines `key:
// value`, LF at their ends, where a value is a word, a number, a time, words with blanks between,
// or a flow list of these on the line. One tokenizer reads it for two sinks: canonicalMapping makes
// the nodes that YAML would make, Scan fills a Ticket. Both cost a twentieth of YAML. Whatever is
// not plain to see is left to YAML, also what is malformed; FuzzScan holds that the two agree.

// maxCanonicalKey is far below the 1,024 characters behind which YAML takes nothing for a key any
// more.
const maxCanonicalKey = 100

// token is one line of front matter in canonical form.
type token struct {
	key   string
	kind  kind   // of the key
	value string // of a list what is between its brackets
	list  bool
}

// column is where the value starts, from 1: all of a token is ASCII.
func (t token) column() int { return len(t.key) + len(": ") + 1 }

// items yields the items of a list, with their columns.
func (t token) items() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		if t.value == "" {
			return
		}
		column := t.column() + len("[")
		for word := range strings.SplitSeq(t.value, ", ") {
			if !yield(column, word) {
				return
			}
			column += len(word) + len(", ")
		}
	}
}

// tokenize reads a line, without its line break; false when it is not in canonical form.
func tokenize(line string) (t token, ok bool) {
	colon := strings.IndexByte(line, ':')
	if colon < 0 || !strings.HasPrefix(line[colon:], ": ") {
		return t, false
	}
	t.key, t.value = line[:colon], line[colon+len(": "):]
	if t.kind = kindOf(t.key); t.kind == unknown &&
		(len(t.key) > maxCanonicalKey || canonicalTag(t.key) != "!!str") {
		return t, false
	}
	if inner, opened := strings.CutPrefix(t.value, "["); opened {
		t.value, t.list = strings.CutSuffix(inner, "]")
		if !t.list {
			return t, false
		}
		for _, word := range t.items() {
			if !plainWord(word) {
				return t, false
			}
		}
		return t, true
	}
	return t, plainWord(t.value)
}

// canonicalMapping gives the node that YAML makes of front matter in canonical form, with its
// opening fence; ok is false for everything else.
func canonicalMapping(source string) (mapping *yaml.Node, ok bool) {
	source, found := strings.CutPrefix(source, fence+"\n")
	source, ended := strings.CutSuffix(source, "\n")
	if !found || !ended {
		return nil, false
	}
	mapping = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 2, Column: 1}
	n := 2
	for line := range strings.SplitSeq(source, "\n") {
		t, ok := tokenize(line)
		if !ok {
			return nil, false
		}
		value := canonicalNode(t, n)
		if value == nil {
			return nil, false
		}
		mapping.Content = append(mapping.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t.key, Line: n,
				Column: 1}, value)
		n++
	}
	return mapping, true
}

// canonicalNode is a token's value as a node, nil when it is not plain to see which type YAML gives
// it.
func canonicalNode(t token, line int) *yaml.Node {
	scalar := func(column int, text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: canonicalTag(text), Value: text, Line: line,
			Column: column}
	}
	n := scalar(t.column(), t.value)
	if t.list {
		n = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Tag: "!!seq", Line: line,
			Column: t.column()}
		for column, word := range t.items() {
			n.Content = append(n.Content, scalar(column, word))
		}
	}
	if n.Tag == "" || slices.ContainsFunc(n.Content,
		func(item *yaml.Node) bool { return item.Tag == "" }) {
		return nil
	}
	return n
}

// canonicalTag is what YAML takes a text on one line for, "" where that is not plain to see.
func canonicalTag(text string) string {
	switch {
	case !plainWord(text):
		return ""
	case isLetter(text[0]):
		if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
			return ""
		}
		return "!!str"
	case len(text) == 1 || len(text) < 18 && text[0] != '0' &&
		strings.Trim(text, "0123456789") == "":
		return "!!int"
	}
	if _, ok := canonicalMoment(text); ok {
		return "!!timestamp"
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return "!!timestamp"
	}
	return ""
}

// canonicalTime is how this program and tk write times.
const canonicalTime = "2006-01-02T15:04:05Z"

// canonicalMoment is time.Parse for canonicalTime alone, at a fifth of its cost: a ticket has two
// or three.
func canonicalMoment(text string) (at time.Time, ok bool) {
	if len(text) != len(canonicalTime) {
		return at, false
	}
	var numbers [6]int
	field := 0
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9' && canonicalTime[i] <= '9' && canonicalTime[i] >= '0':
			numbers[field] = 10*numbers[field] + int(c-'0')
		case c == canonicalTime[i] && (c < '0' || c > '9'):
			field++
		default:
			return at, false
		}
	}
	year, month, day := numbers[0], time.Month(numbers[1]), numbers[2]
	hour, minute, second := numbers[3], numbers[4], numbers[5]
	at = time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	_, m, d := at.Date()
	return at, m == month && d == day && hour < 24 && minute < 60 && second < 60
}

// plainWord reports whether YAML takes a value for the plain scalar that it looks like, and not for
// null.
func plainWord(value string) bool {
	if value == "" || !alphanumeric(value[0]) || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		c := value[i]
		if !plainByte[c] && (c != ':' || i+1 == len(value) || !alphanumeric(value[i+1])) {
			return false
		}
	}
	return len(value) != len("null") || !strings.EqualFold(value, "null")
}

// plainByte are the characters that mean nothing to YAML inside of a plain scalar, whatever stands
// beside them.
var plainByte = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = alphanumeric(byte(c)) || strings.IndexByte(" ._/@+-", byte(c)) >= 0
	}
	return plain
}()

func alphanumeric(c byte) bool { return '0' <= c && c <= '9' || isLetter(c) }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
