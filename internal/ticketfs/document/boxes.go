package document

import "strings"

// OpenBoxes returns the texts of the boxes `- [ ] text` that are not ticked, in order. A box in a code block is text.
func (d *Document) OpenBoxes() []string {
	var texts []string
	for _, line := range prose(d.Body()) {
		if m := openBox.FindStringSubmatch(line); m != nil {
			texts = append(texts, strings.TrimSpace(m[2]))
		}
	}
	return texts
}
