package document

import (
	"fmt"
	"iter"
	"regexp"
	"strings"
)

// box is a line `- [ ] text` or `- [x] text`. mark is where its mark stands in the body.
type box struct {
	text   string
	mark   int
	ticked bool
}

var boxLine = regexp.MustCompile(`^[ \t]*[-*+] \[([ xX])\] (.*)`)

// boxes yields the boxes of a body, in order. A box in a code block is text.
func boxes(body string) iter.Seq[box] {
	return func(yield func(box) bool) {
		for i, line := range prose(body) {
			m := boxLine.FindStringSubmatchIndex(line)
			if m != nil && !yield(box{strings.TrimSpace(line[m[4]:m[5]]), i + m[2],
				line[m[2]] != ' '}) {
				return
			}
		}
	}
}

// OpenBoxes returns the texts of the boxes that are not ticked, in order.
func (d *Document) OpenBoxes() []string {
	var texts []string
	for b := range boxes(d.Body()) {
		if !b.ticked {
			texts = append(texts, b.text)
		}
	}
	return texts
}

// boxText is the text of a box, which may be named by its whole line.
func boxText(named string) string {
	named = strings.TrimSpace(named)
	if m := boxLine.FindStringSubmatch(named); m != nil {
		return strings.TrimSpace(m[2])
	}
	return named
}

// SameBox reports whether two names mean the same box.
func SameBox(a, b string) bool { return boxText(a) == boxText(b) }

// tick ticks the first open box of a text, or with wanted false unticks the first ticked one. The
// text may be a whole line.
func tick(body, text string, wanted bool) (string, *EditError) {
	text = boxText(text)
	mark, state, others := "x", "open", "ticked"
	if !wanted {
		mark, state, others = " ", "ticked", "open"
	}
	already := false
	var choices []string
	for b := range boxes(body) {
		switch {
		case b.text == text && b.ticked != wanted:
			return body[:b.mark] + mark + body[b.mark+1:], nil
		case b.text == text:
			already = true
		case b.ticked != wanted:
			choices = append(choices, fmt.Sprintf("%.100q", b.text))
		}
	}
	if already {
		return "", &EditError{Why: fmt.Sprintf("the box %.200q is %s already", text, others),
			NoChange: true}
	}
	const most = 10
	why := fmt.Sprintf("there is no %s box %.200q", state, text)
	switch {
	case len(choices) > most:
		why += fmt.Sprintf("; %s are %s, +%d more", state, strings.Join(choices[:most], ", "),
			len(choices)-most)
	case len(choices) > 0:
		why += fmt.Sprintf("; %s are %s", state, strings.Join(choices, ", "))
	default:
		why += ", nor any other"
	}
	return "", &EditError{Why: why}
}
