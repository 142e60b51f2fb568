// Package terminal is what a program has to know of the terminal of a person: whether there is one, and what must not reach it.
package terminal

import (
	"fmt"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// Is reports whether a file is a terminal.
func Is(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Progress shows one line that is written over and over, on a terminal and nowhere else.
func Progress(f *os.File) (show func(string), clear func()) {
	if !Is(f) {
		return func(string) {}, func() {}
	}
	const eraseLine = "\r\x1b[K"
	return func(line string) { fmt.Fprint(f, eraseLine+line) }, func() { fmt.Fprint(f, eraseLine) }
}

// Printable leaves out what a terminal would obey or not show: escape sequences, characters that turn the direction of the text,
// and those without a width. A ticket's text is somebody's words; what a person reads must be what stands there.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point):
			return -1
		}
		return r
	}, text)
}
