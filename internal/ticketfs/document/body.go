package document

import (
	"iter"
	"regexp"
	"strings"
)

// codeFence is the opening line of a fenced code block, also as the first thing of a list item.
var codeFence = regexp.MustCompile("^( {0,3}(?:(?:[-*+]|[0-9]{1,9}[.)]) +)*)(```+|~~~+)([^\r\n]*)")

// codeBlock follows the fenced code blocks of a body. fence is that of the open one, "" outside; indent is where it starts in
// its line.
type codeBlock struct {
	fence  string
	indent int
}

// next takes the next line and reports whether it belongs to a code block, the fences included.
func (c *codeBlock) next(line string) bool {
	if c.fence != "" {
		// Any indentation closes: in a list item the fences are indented with its text.
		if s := strings.TrimSpace(line); strings.HasPrefix(s, c.fence) &&
			strings.Trim(s, c.fence[:1]) == "" {
			c.fence = ""
		}
		return true
	}
	if !strings.Contains(line, "```") && !strings.Contains(line, "~~~") {
		return false
	}
	if m := codeFence.FindStringSubmatch(line); m != nil &&
		(m[2][0] == '~' || !strings.Contains(m[3], "`")) {
		c.fence, c.indent = m[2], len(m[1])
	}
	return c.fence != ""
}

// prose yields the lines of a text that are not in a fenced code block, with their offsets.
func prose(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		var code codeBlock
		for i := 0; i < len(text); {
			next := lineEnd(text, i)
			if line := text[i:next]; !code.next(line) && !yield(i, line) {
				return
			}
			i = next
		}
	}
}

// closeCode closes a code block that text leaves open, so that it cannot swallow what comes behind.
func closeCode(text, lineBreak string) string {
	var code codeBlock
	for line := range strings.Lines(text) {
		code.next(line)
	}
	if code.fence == "" {
		return text
	}
	if eol(text) == "" {
		text += lineBreak
	}
	return text + strings.Repeat(" ", code.indent) + code.fence
}

// heading is a heading of the first or second level. Deeper ones belong to their section.
type heading struct {
	level int
	name  string
	line  span
}

func headings(text string) iter.Seq[heading] {
	return func(yield func(heading) bool) {
		for i, line := range prose(text) {
			level := 1
			name, found := strings.CutPrefix(line, "# ")
			if !found {
				level = 2
				name, found = strings.CutPrefix(line, "## ")
			}
			if found && !yield(heading{level, strings.TrimSpace(name), span{i, i + len(line)}}) {
				return
			}
		}
	}
}

// titleOf is the first heading of the first level, "" when there is none.
func titleOf(body string) string {
	for h := range headings(body) {
		if h.level == 1 {
			return h.name
		}
	}
	return ""
}
