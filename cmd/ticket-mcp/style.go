package main

import (
	"os"
	"regexp"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// style is how answers look: as the tool wrote them, but for a terminal.
type style struct {
	colours bool
	columns int // 0 for any number
}

func styleOf(f *os.File) style {
	columns, _, err := terminal.Size(f)
	if err != nil {
		columns = 0 // a file takes lines of any length
	}
	return style{terminal.Colours(f), columns}
}

// ticketLine is a line that begins with a ticket and its status.
var ticketLine = regexp.MustCompile(`^(\S+) (open|in_progress|closed)\b(.*)$`)

// colourOf are the statuses' colours, by the numbers of the terminal's own palette.
var colourOf = map[string]string{"open": "32", "in_progress": "33", "closed": "2"}

// answer gives a tool's text its look. Lines that are one ticket each are cut to the terminal's
// width; a body never is.
func (s style) answer(tool, text string) string {
	text = strings.TrimRight(terminal.Printable(text), "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if tool == "list" || tool == "ready" {
			line = terminal.Fit(line, s.columns)
		}
		if s.colours {
			if strings.HasPrefix(line, "# ") {
				break // the body begins
			}
			if m := ticketLine.FindStringSubmatch(line); m != nil {
				line = paint("1", m[1]) + " " + paint(colourOf[m[2]], m[2]) + m[3]
			}
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n") + "\n"
}

func paint(colour, text string) string { return "\x1b[" + colour + "m" + text + "\x1b[0m" }
