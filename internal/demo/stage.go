package demo

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/ticket-mcp/ticket-mcp/internal/page"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// Show plays the demo before a person: on a terminal the board is shown while it changes, with what
// happened last below it, and all that happened at the end. Elsewhere, or beside a page that shows
// the board, what happens is printed.
func (d *Demo) Show(ctx context.Context, out *os.File, beside bool) (Report, error) {
	var mu sync.Mutex
	var lines []string
	screen := !beside && terminal.Is(out)
	d.options.Tell = func(e Event) {
		text := fmt.Sprintf("%5.1f s  %-8s %s", e.At.Seconds(), e.Who, terminal.Printable(e.What))
		mu.Lock()
		defer mu.Unlock()
		if lines = append(lines, text); !screen {
			fmt.Fprintln(out, text)
		}
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	if screen {
		go func() {
			watched <- d.Taker().Watch(watching, out, func() []string {
				mu.Lock()
				defer mu.Unlock()
				return lines
			})
		}()
	}
	report, err := d.Run(ctx)
	if stop(); screen {
		if watchErr := <-watched; err == nil {
			err = watchErr
		}
		for _, text := range lines {
			fmt.Fprintln(out, text)
		}
		fmt.Fprintln(out)
	}
	return report, err
}

// Taker takes pictures of the demo's board.
func (d *Demo) Taker() *page.Taker {
	return page.NewTaker(&tools.Board{Store: ticketfs.NewStore(board.Where{Start: d.Dir},
		ticketfs.DefaultLockTimeout)})
}
