package document

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Caps on what is read. They are checked before YAML is decoded: a file of any size or shape costs
// little.
const (
	MaxFrontMatter = 64 << 10 // bytes between the fences
	MaxFile        = 1 << 20  // bytes of the whole file
)

// Malformed says where a ticket file is not in the form of a ticket. Line and Column count from 1,
// columns in code points; a byte order mark is not counted. A syntax error of YAML is known by its
// line only and has column 1.
type Malformed struct {
	Line, Column int
	Why          string
}

func (m *Malformed) Error() string {
	return fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Why)
}

const bom = "\ufeff"

// malformedAt is the fault at an offset of text.
func malformedAt(text string, offset int, why string) *Malformed {
	before := strings.TrimPrefix(text[:offset], bom)
	line := strings.LastIndexByte(before, '\n') + 1
	return &Malformed{
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[line:]) + 1,
		Why:    why,
	}
}

// checkText refuses what is no UTF-8 text at all, wherever in the file it stands.
func checkText(text string) *Malformed {
	if len(text) > MaxFile {
		return &Malformed{1, 1,
			fmt.Sprintf("the file has %d bytes, more than the %d a ticket may have", len(text),
				MaxFile)}
	}
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return &Malformed{1, 1, "the file is UTF-16; a ticket is UTF-8"}
	}
	if i := strings.IndexByte(text, 0); i >= 0 && utf8.ValidString(text[:i]) {
		return malformedAt(text, i, "a NUL byte; a ticket is UTF-8 text")
	}
	if utf8.ValidString(text) {
		return nil
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return malformedAt(text, i, "invalid UTF-8")
		}
		i += n
	}
	return nil
}

// unwritable says why a character must not stand as itself in front matter, "" when it may. The
// line separators are text to every line-based program but line breaks to yaml.v3: positions would
// be wrong, and a line could hide. A byte order mark inside makes yaml.v3 skip characters, and the
// others it refuses without saying where.
func unwritable(r rune) string {
	switch {
	case r == '\t' || r == '\n':
		return ""
	case r == '\r':
		return "a carriage return that ends no line"
	case r == 0x85 || r == 0x2028 || r == 0x2029:
		return fmt.Sprintf("the line separator U+%04X; lines end with LF or CRLF", r)
	case r == 0xFEFF:
		return "a byte order mark that is not at the start of the file"
	case r < 0x20 || 0x7F <= r && r <= 0x9F || r == 0xFFFE || r == 0xFFFF:
		return fmt.Sprintf("the control character U+%04X", r)
	}
	return ""
}
