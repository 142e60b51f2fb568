package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/page"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// boardOptions are the flags of board.
type boardOptions struct {
	watch, serve, noOpen bool
	html                 string
	port                 int
}

// boardCommand shows the board to people.
func boardCommand(o *options) *cobra.Command {
	var show boardOptions
	c := &cobra.Command{
		Use: "board", Short: "Show the board: ready, in progress, waiting, on hold, done today", GroupID: "board", Args: noArgs,
		Long: `board shows where every ticket stands and who works on what. It changes nothing.

  ticket-mcp board              prints it, fitted to the terminal
  ticket-mcp board --watch      prints it again whenever something changes, until Ctrl-C
  ticket-mcp board --serve      shows it in the browser, live, on this machine only
  ticket-mcp board --html FILE  writes it as one page that needs no network, with every ticket's text`,
	}
	f := c.Flags()
	f.BoolVar(&show.watch, "watch", false, "print it again whenever something changes")
	f.BoolVar(&show.serve, "serve", false, "serve it as a live page on loopback, and open that")
	f.BoolVar(&show.noOpen, "no-open", false, "with --serve: print the page's URL and open nothing")
	f.IntVar(&show.port, "port", 0, "with --serve: the `port` (default any free one)")
	f.StringVar(&show.html, "html", "", "write it as one HTML page into this `file`; - for standard output")
	c.MarkFlagsMutuallyExclusive("watch", "serve", "html")
	c.RunE = func(c *cobra.Command, _ []string) error {
		taker, err := newTaker(*o)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		switch {
		case show.serve:
			return serveBoard(ctx, taker, show)
		case show.watch:
			return watchBoard(ctx, taker)
		}
		b, err := taker.Board()
		if err != nil {
			return err
		}
		switch show.html {
		case "":
			_, err = fmt.Fprint(c.OutOrStdout(), b.Print(look(os.Stdout), taker.Text))
			return err
		case "-":
			return b.WriteFile(c.OutOrStdout(), taker.Text)
		}
		if err := b.Save(show.html, taker.Text); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), "wrote", show.html)
		return err
	}
	return c
}

// newTaker is for looking only: it takes part in no conversation.
func newTaker(o options) (*page.Taker, error) {
	b, err := newBoard(o)
	if err != nil {
		return nil, err
	}
	b.Session = session.NewVisitor("", time.Now)
	return &page.Taker{Tickets: b, Now: time.Now}, nil
}

// look is how a board is printed there: in colour on a terminal, unless NO_COLOR is set, and as wide as that is.
func look(f *os.File) page.Look {
	const unknownWidth = 100
	l := page.Look{Width: unknownWidth}
	if width, _, err := terminal.Size(f); err == nil {
		l.Width, l.Colour = width, terminal.Colours(f)
	}
	return l
}

// watchBoard prints the board again and again, over the whole terminal, which gets its former content back.
func watchBoard(ctx context.Context, taker *page.Taker) error {
	if _, _, err := terminal.Size(os.Stdout); err != nil {
		return usageError{errors.New("--watch needs a terminal; for a script, see ticket-mcp wait")}
	}
	screen := terminal.NewScreen(os.Stdout)
	shown, err := "", error(nil)
	for ctx.Err() == nil && err == nil {
		l := look(os.Stdout)
		_, l.Height, _ = terminal.Size(os.Stdout)
		l.Height-- // for the last line, behind which the cursor stands
		b, boardErr := taker.Board()
		text := ""
		if boardErr != nil {
			text = boardErr.Error() + "\n"
		} else {
			text = b.Print(l, taker.Text)
		}
		if text != shown {
			shown, err = text, screen.Show(text)
		}
		waitForBoard(ctx, taker, l)
	}
	return errors.Join(err, screen.Close())
}

// waitForBoard waits until the board, the terminal's size or, after a while, an age may have changed.
func waitForBoard(ctx context.Context, taker *page.Taker, l page.Look) {
	const agesChange = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, agesChange)
	defer cancel()
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-tick.C:
				if width, height, err := terminal.Size(os.Stdout); err != nil || width != l.Width || height-1 != l.Height {
					cancel()
				}
			case <-ctx.Done():
			}
		}
	}()
	taker.Wait(ctx)
}

// serveBoard serves the live page until it is interrupted.
func serveBoard(ctx context.Context, taker *page.Taker, show boardOptions) error {
	if _, err := taker.Tickets.Store.Open(); err != nil {
		return err // rather told here than in the browser
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", show.port))
	if err != nil {
		return fmt.Errorf("serve the board: %w", err)
	}
	server, err := page.NewServer(l, page.Source{Board: taker.Board, Text: taker.Text, Wait: taker.Wait})
	if err != nil {
		return err
	}
	if _, err := fmt.Printf("the board is at %s\nfor this machine and whoever has this URL; Ctrl-C ends it\n", server.URL()); err != nil {
		return err
	}
	if !show.noOpen {
		if remove, err := page.Browse(server.URL()); err != nil {
			fmt.Fprintln(os.Stderr, "ticket-mcp:", err)
		} else {
			defer remove() // an error leaves a file that leads nowhere
		}
	}
	return server.Serve(ctx, l)
}
