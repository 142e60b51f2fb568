package document

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// maxUsualKey is far below the 1,024 characters behind which YAML takes nothing for a key any more.
const maxUsualKey = 100

// usualMapping gives the node that YAML makes of front matter of the usual form, an opening fence and lines `key: value`, at a
// twentieth of its cost: a change reads two front matters and some values. A value is a word, a number, a time or a flow list
// of these. ok is false for everything else, also for what is malformed: then YAML decides. Where ok is true the node is the
// one that YAML gives, positions and all (FuzzScan).
func usualMapping(source string) (mapping *yaml.Node, ok bool) {
	source, found := strings.CutPrefix(source, fence+"\n")
	if !found || source == "" {
		return nil, false
	}
	mapping = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 2, Column: 1}
	for n := 2; source != ""; n++ {
		line, rest, found := strings.Cut(source, "\n")
		name, text, separated := strings.Cut(line, ": ")
		if !found || !separated || len(name) > maxUsualKey {
			return nil, false
		}
		key, ok := usualScalar(name, n, 1)
		if !ok || key.Tag != "!!str" {
			return nil, false
		}
		value, ok := usualValue(text, n, len(name)+len(": ")+1)
		if !ok {
			return nil, false
		}
		mapping.Content = append(mapping.Content, key, value)
		source = rest
	}
	return mapping, true
}

func usualValue(text string, line, column int) (*yaml.Node, bool) {
	if inner, opened := strings.CutPrefix(text, "["); opened {
		return usualList(inner, line, column)
	}
	return usualScalar(text, line, column)
}

// usualList reads what stands behind the bracket of [a, b].
func usualList(text string, line, column int) (*yaml.Node, bool) {
	inner, closed := strings.CutSuffix(text, "]")
	if !closed {
		return nil, false
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Tag: "!!seq", Line: line, Column: column}
	if inner == "" {
		return list, true
	}
	column++
	for word := range strings.SplitSeq(inner, ", ") {
		item, ok := usualScalar(word, line, column)
		if !ok {
			return nil, false
		}
		list.Content = append(list.Content, item)
		column += len(word) + len(", ")
	}
	return list, true
}

func usualScalar(text string, line, column int) (*yaml.Node, bool) {
	tag := usualTag(text)
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text, Line: line, Column: column}, tag != ""
}

// usualTag is what YAML takes a text on one line for, "" where that is not plain to see.
func usualTag(text string) string {
	switch {
	case !plainWord(text):
		return ""
	case isLetter(text[0]):
		if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
			return ""
		}
		return "!!str"
	case len(text) == 1 || len(text) < 18 && text[0] != '0' && strings.Trim(text, "0123456789") == "":
		return "!!int"
	}
	if _, err := time.Parse(usualTime, text); err == nil && len(text) == len(usualTime) {
		return "!!timestamp"
	}
	return ""
}

// usualTime is how this program and tk write times.
const usualTime = "2006-01-02T15:04:05Z"

// plainWord reports whether YAML takes a value for the plain scalar that it looks like, and not for null.
func plainWord(value string) bool {
	if value == "" || !alphanumeric(value[0]) || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		switch c := value[i]; {
		case alphanumeric(c), strings.IndexByte(" ._/@+-", c) >= 0:
		case c == ':' && i+1 < len(value) && alphanumeric(value[i+1]):
		default:
			return false
		}
	}
	return !strings.EqualFold(value, "null")
}

func alphanumeric(c byte) bool { return '0' <= c && c <= '9' || isLetter(c) }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
