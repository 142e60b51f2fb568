package document

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// AppendNote adds `- <text>` as the last item of the section Notes, which is made at the end when
// missing. Further lines of text are indented, so that they belong to the item.
func AppendNote(text string) Edit { return Edit{editNote, notes, text} }

// SetTitle replaces the line of the title, the first `# ` heading, or adds it as the first line of
// the body.
func SetTitle(title string) Edit { return Edit{editTitle, "", title} }

// SetSection replaces the text of a section, from its heading `## <name>` to the next heading of
// that level or the first; or of the description, the text between the title and the next heading,
// when name is "". A missing section is added at the end, but before Notes when that is the last
// one. The text must not hold headings of these levels: they would start other sections. Only the
// section's own heading may stand before it, and is left out.
func SetSection(name, text string) Edit { return Edit{editSection, name, text} }

// Tick ticks the first box `- [ ] <text>` that is not ticked. It is an error if there is none.
func Tick(text string) Edit { return Edit{editTick, "", text} }

// Untick is the reverse of Tick.
func Untick(text string) Edit { return Edit{editUntick, "", text} }

const notes = "Notes"

// editBody makes one edit. What looks like a heading or a box within a code block is text. Added
// lines end with lineBreak.
func editBody(body, lineBreak string, e Edit) (string, *EditError) {
	switch e.kind {
	case editNote:
		return appendNote(body, lineBreak, e.value)
	case editTitle:
		return setTitle(body, lineBreak, e.value)
	case editTick, editUntick:
		return tick(body, e.value, e.kind == editTick)
	}
	return setSection(body, lineBreak, e.name, e.value)
}

// bodyEOL is the line break that added lines of the body end with: that of its first line, else
// that of the closing fence.
func (d *Document) bodyEOL() string {
	first := eol(d.text[d.body:lineEnd(d.text, d.body)])
	if first == "" {
		first = eol(d.text[d.start:d.front])
	}
	return first
}

// checkTitle refuses what is no title. Blanks around it do not count.
func checkTitle(title string) *EditError {
	if title = strings.TrimSpace(title); title == "" || strings.ContainsAny(title, "\r\n") {
		return cannot("a title must be one line of text")
	}
	return nil
}

// block is text of several lines as it is written: without blank lines around it, its line breaks
// those of the file.
func block(text, lineBreak string) string {
	text = strings.TrimRightFunc(strings.ReplaceAll(text, "\r\n", "\n"), unicode.IsSpace)
	for {
		first, rest, found := strings.Cut(text, "\n")
		if !found || strings.TrimSpace(first) != "" {
			break
		}
		text = rest
	}
	return strings.ReplaceAll(text, "\n", lineBreak)
}

func setTitle(body, lineBreak, title string) (string, *EditError) {
	if err := checkTitle(title); err != nil {
		return "", err
	}
	title = strings.TrimSpace(title)
	for h := range headings(body) {
		if h.level == 1 {
			if h.name == title {
				return body, nil
			}
			return body[:h.line.start] + "# " + title + eol(body[h.line.start:h.line.end]) +
				body[h.line.end:], nil
		}
	}
	line := "# " + title + lineBreak
	if strings.TrimSpace(body[:lineEnd(body, 0)]) != "" {
		line += lineBreak
	}
	return line + body, nil
}

func appendNote(body, lineBreak, text string) (string, *EditError) {
	text = strings.TrimSpace(block(text, "\n"))
	if text == "" {
		return "", cannot("a note must have text")
	}
	text = "- " + closeCode(text, "\n")
	var item strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			item.WriteString(lineBreak)
			if line != "" {
				item.WriteString("  ")
			}
		}
		item.WriteString(line)
	}
	part, found := section(body, notes)
	if !found {
		return addSection(body, lineBreak, notes, item.String()), nil
	}
	if old := inner(body, part); old.start < old.end {
		return closeCode(body[:old.end], lineBreak) + lineBreak + item.String() +
			body[old.end:], nil
	}
	return fill(body, lineBreak, part, item.String()), nil
}

func setSection(body, lineBreak, name, text string) (string, *EditError) {
	if strings.ContainsAny(name, "\r\n") {
		return "", cannot("the name of a section must be one line")
	}
	name = strings.TrimSpace(name)
	text, err := writtenSection(name, titleOf(body), text, lineBreak)
	if err != nil {
		return "", err
	}
	part, found := section(body, name)
	if !found {
		return addSection(body, lineBreak, name, text), nil
	}
	old := inner(body, part)
	switch {
	case body[old.start:old.end] == text:
		return body, nil
	case text != "" && old.start < old.end:
		return body[:old.start] + text + body[old.end:], nil
	}
	return fill(body, lineBreak, part, text), nil
}

// writtenSection is the text of a section, or of the description when name is "", as it is written:
// without its own heading, and with the code block closed that it leaves open.
func writtenSection(name, title, text, lineBreak string) (string, *EditError) {
	text = block(text, lineBreak)
	if first := trimEOL(text[:lineEnd(text, 0)]); isHeadingOf(first, name, title) {
		text = block(text[lineEnd(text, 0):], lineBreak)
	}
	for h := range headings(text) {
		return "", cannot("%s must not hold the heading %q, which would begin another section; use ### or deeper", cmp.Or(name, "the description"), h.name)
	}
	return closeCode(text, lineBreak), nil
}

var anyHeading = regexp.MustCompile(`^#{1,6}[ \t]+(.*?)[ \t:]*#*$`)

// isHeadingOf reports whether a line is the heading that its section has already, as agents write
// it before the text.
func isHeadingOf(line, name, title string) bool {
	m := anyHeading.FindStringSubmatch(strings.TrimRight(line, " \t"))
	if m == nil {
		return false
	}
	own := []string{name, strings.TrimSuffix(name, " Criteria")}
	if name == "" {
		own = []string{"Description", title}
	}
	return slices.ContainsFunc(own,
		func(o string) bool { return o != "" && strings.EqualFold(m[1], o) })
}

// section returns the part of body that is below the heading of a section, up to the next heading.
// The section "" is the description; it is always there, and without a title it is all before the
// first heading.
func section(body, name string) (part span, found bool) {
	part.end = len(body)
	first := len(body)
	for h := range headings(body) {
		if found {
			part.end = h.line.start
			return part, true
		}
		first = min(first, h.line.start)
		if name == "" && h.level == 1 || name != "" && h.level == 2 &&
			strings.EqualFold(h.name, name) {
			part.start, found = h.line.end, true
		}
	}
	if name == "" && !found {
		return span{0, first}, true
	}
	return part, found
}

// inner returns the part of a section that is left without the blank lines around it and its last
// line break.
func inner(body string, part span) span {
	for part.start < part.end {
		next := min(lineEnd(body, part.start), part.end)
		if strings.TrimSpace(body[part.start:next]) != "" {
			break
		}
		part.start = next
	}
	for part.end > part.start {
		start := strings.LastIndexByte(body[part.start:part.end-1], '\n') + 1 + part.start
		if strings.TrimSpace(body[start:part.end]) != "" {
			part.end = start + len(trimEOL(body[start:part.end]))
			break
		}
		part.end = start
	}
	return part
}

// fill gives a section, of which nothing is to stay, its text.
func fill(body, lineBreak string, part span, text string) string {
	head, tail := body[:part.start], body[part.end:]
	if head != "" && eol(head) == "" {
		head += lineBreak
	}
	if text != "" {
		if head != "" {
			head += lineBreak
		}
		text += lineBreak
	}
	if tail != "" && (head != "" || text != "") {
		text += lineBreak
	}
	return head + text + tail
}

// addSection adds a section at the end, but keeps Notes the last one if it is.
func addSection(body, lineBreak, name, text string) string {
	added := "## " + name
	if text != "" {
		added += lineBreak + lineBreak + text
	}
	blank := lineBreak + lineBreak
	all := slices.Collect(headings(body))
	if n := len(all); n > 0 && all[n-1].level == 2 && strings.EqualFold(all[n-1].name, notes) {
		at := all[n-1].line.start
		return body[:at] + added + blank + body[at:]
	}
	old := inner(body, span{0, len(body)})
	if old.start == old.end {
		if body != "" && eol(body) == "" {
			body += lineBreak
		}
		return body + added + lineBreak
	}
	return closeCode(body[:old.end], lineBreak) + blank + added + body[old.end:]
}
