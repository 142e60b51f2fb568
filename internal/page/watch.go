package page

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// LookOn is how a board is printed there: in colour on a terminal, unless NO_COLOR is set, and as
// wide as that is.
func LookOn(f *os.File) Look {
	const unknownWidth = 100
	l := Look{Width: unknownWidth}
	if width, _, err := terminal.Size(f); err == nil {
		l.Width, l.Colour = width, os.Getenv("NO_COLOR") == ""
	}
	return l
}

// Watch shows the board over the whole of a terminal, again whenever something changes, until ctx
// is done. The terminal gets its former content back. Below the board stand the last of the lines
// that below gives; nil for none.
func (k *Taker) Watch(ctx context.Context, f *os.File, below func() []string) error {
	screen := terminal.NewScreen(f)
	var err error
	for shown := ""; ctx.Err() == nil && err == nil; {
		var text string
		var look Look
		if text, look, err = k.screenful(f, below); err == nil && text != shown {
			shown, err = text, screen.Show(text)
		}
		k.waitOn(ctx, f, look)
	}
	return errors.Join(err, screen.Close())
}

// screenful is a picture that fills the terminal.
func (k *Taker) screenful(f *os.File, lines func() []string) (string, Look, error) {
	const mostLast = 8
	look := LookOn(f)
	_, height, err := terminal.Size(f)
	if err != nil {
		return "", look, fmt.Errorf("show the board: %w", err)
	}
	look.Height = height - 1 // the cursor stands in the last line
	var below []string
	if lines != nil {
		all := lines()
		for _, text := range all[max(0, len(all)-min(mostLast, height/3)):] {
			below = append(below, cut(clean(text), look.Width))
		}
	}
	room := look
	if room.Height = max(3, look.Height-len(below)-1); len(below) == 0 {
		room.Height = look.Height
	}
	b, err := k.Board()
	if err != nil {
		return line(err.Error(), look.Width) + "\n", look, nil // it may come back
	}
	text := b.Print(room, k.Text)
	if len(below) > 0 {
		text += strings.Repeat("\n", 1+max(0, room.Height-strings.Count(text, "\n"))) +
			strings.Join(below, "\n")
	}
	return text, look, nil
}

// waitOn waits until the board, the terminal's size or, after a while, an age may have changed.
func (k *Taker) waitOn(ctx context.Context, f *os.File, look Look) {
	const agesChange = time.Second
	ctx, cancel := context.WithTimeout(ctx, agesChange)
	var sized sync.WaitGroup
	sized.Go(func() {
		for sleep(ctx, rest) {
			if width, height, err := terminal.Size(f); err != nil || width != look.Width ||
				height-1 != look.Height {
				cancel()
			}
		}
	})
	k.Wait(ctx)
	cancel()
	sized.Wait()
}
