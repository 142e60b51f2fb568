// Package terminal is what a program has to know of the terminal of a person: whether there is one.
package terminal

import (
	"fmt"
	"os"
)

// Is reports whether a file is a terminal.
func Is(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Progress shows one line that is written over and over, on a terminal and nowhere else.
func Progress(f *os.File) (show func(string), clear func()) {
	if !Is(f) {
		return func(string) {}, func() {}
	}
	const eraseLine = "\r\x1b[K"
	return func(line string) { fmt.Fprint(f, eraseLine+line) }, func() { fmt.Fprint(f, eraseLine) }
}
