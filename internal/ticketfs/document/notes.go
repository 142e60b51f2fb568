package document

import "strings"

// Notes returns the first line of each note, oldest first.
func (d *Document) Notes() []string {
	var lines []string
	in := false
	for _, line := range prose(d.Body()) {
		if name, found := strings.CutPrefix(line, "## "); found || strings.HasPrefix(line, "# ") {
			in = strings.EqualFold(strings.TrimSpace(name), notes)
			continue
		}
		if text, found := strings.CutPrefix(line, "- "); in && found {
			lines = append(lines, strings.TrimSpace(text))
		}
	}
	return lines
}
