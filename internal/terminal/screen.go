package terminal

import (
	"os"
	"strings"

	"golang.org/x/term"
)

// Size is the size of a terminal in columns and lines; an error where f is none.
func Size(f *os.File) (width, height int, err error) { return term.GetSize(int(f.Fd())) }

// Screen is the whole of a terminal, for a picture that is shown again and again. What was there
// before is back after Close.
type Screen struct {
	f     *os.File
	begun bool
}

func NewScreen(f *os.File) *Screen { return &Screen{f: f} }

const (
	otherScreen = "\x1b[?1049h\x1b[?25l" // and no cursor
	firstScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	restOfLine  = "\x1b[K"
	restOfAll   = "\x1b[J"
)

// Show writes a text of lines over what was shown, in one write, so that nothing flickers.
func (s *Screen) Show(text string) error {
	var out strings.Builder
	if !s.begun {
		out.WriteString(otherScreen)
	}
	s.begun = true
	out.WriteString(home)
	out.WriteString(strings.ReplaceAll(text, "\n", restOfLine+"\n"))
	out.WriteString(restOfAll)
	_, err := s.f.WriteString(out.String())
	return err
}

func (s *Screen) Close() error {
	if !s.begun {
		return nil
	}
	_, err := s.f.WriteString(firstScreen)
	return err
}
