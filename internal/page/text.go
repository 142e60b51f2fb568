package page

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// maxTitle is how much of a title is shown, in columns of a terminal.
const maxTitle = 160

// clean makes somebody's words harmless on a page and on a terminal: control characters, which a
// terminal obeys, and marks that reorder or hide what stands beside them become a visible
// replacement character. Line breaks and tabs stay.
func clean(text string) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, string(utf8.RuneError))
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || isBidi(r) || unicode.Is(unicode.Zl, r) ||
			unicode.Is(unicode.Zp, r) || r >= 0xE0000 && r <= 0xE0FFF {
			return utf8.RuneError
		}
		return r
	}, text)
}

// isBidi reports whether a character changes the direction of its neighbours.
func isBidi(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F ||
		r == 0x061C
}

// line is a text on one line, cut to a width in columns of a terminal. It looks at no more of a long
// text than it may show.
func line(text string, width int) string {
	const bytesEach = 64 // a cluster of combining marks can be long; more of one is cut off
	if most := bytesEach * (width + 1); len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return cut(strings.Join(strings.Fields(clean(text)), " "), width)
}

// cut ends a text of one line with … where it is wider than width.
func cut(text string, width int) string {
	if width <= 0 {
		return ""
	}
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used, state := 0, -1
	for len(text) > 0 {
		var cluster string
		var w int
		cluster, text, w, state = uniseg.FirstGraphemeClusterInString(text, state)
		if used+w > width-1 {
			break
		}
		used += w
		b.WriteString(cluster)
	}
	return b.String() + "…"
}

// age is how long something has lasted, in the largest unit that says enough.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 && d < 10*time.Hour {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// number is n with its thousands apart.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}
