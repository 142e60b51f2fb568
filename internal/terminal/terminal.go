// Package terminal is what a program has to know of the terminal of a person: whether there is one,
// and what must not reach it.
package terminal

import (
	"fmt"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
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

// Printable leaves out what a terminal would obey or not show: escape sequences, characters that
// turn the direction of the text, and those without a width. A ticket's text is somebody's words;
// what a person reads must be what stands there.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp,
			unicode.Noncharacter_Code_Point):
			return -1
		}
		return r
	}, text)
}

// Colours reports whether a file is a terminal whose user has nothing against colours.
func Colours(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Is(f)
}

// Fit cuts a line off so that it takes at most so many columns, with a mark of that; 0 columns cut
// nothing.
func Fit(line string, columns int) string {
	if columns <= 0 {
		return line
	}
	taken, fits := 0, 0 // fits is where a line with the mark behind it would end
	for i, r := range line {
		if taken < columns {
			fits = i
		}
		if taken += columnsOf(r); taken > columns {
			return line[:fits] + "…"
		}
	}
	return line
}

// columnsOf is how many columns a character takes.
func columnsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide,
		width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}
