package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/page"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// boardOptions are the flags of board.
type boardOptions struct {
	watch, serve, noOpen, asJSON bool
	html                         string
	port                         uint16
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
	f.Uint16Var(&show.port, "port", 0, "with --serve: the `port` (default any free one)")
	f.StringVar(&show.html, "html", "",
		"write it as one HTML page into this `file`; - for standard output")
	f.BoolVar(&show.asJSON, "json", false,
		"print one JSON object, with all tickets but those closed before today")
	c.MarkFlagsMutuallyExclusive("watch", "serve", "html", "json")
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
		case show.watch && !terminal.Is(os.Stdout):
			return usageError{errors.New("--watch needs a terminal")}
		case show.watch:
			return taker.Watch(ctx, os.Stdout, nil)
		}
		b, err := taker.Board()
		if err != nil {
			return err
		}
		if show.asJSON {
			return b.WriteJSON(c.OutOrStdout())
		}
		if show.html == "" {
			_, err = fmt.Fprint(c.OutOrStdout(), b.Print(page.LookOn(os.Stdout), taker.Text))
			return err
		}
		report, err := taker.Report(ctx)
		if err != nil {
			return err
		}
		if show.html == "-" {
			return b.WriteFile(c.OutOrStdout(), taker.Text, &report)
		}
		if err := b.Save(show.html, taker.Text, &report); err != nil {
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
	return page.NewTaker(b), nil
}

// serveBoard serves the live page until it is interrupted.
func serveBoard(ctx context.Context, taker *page.Taker, show boardOptions) error {
	if _, err := taker.Tickets.Store.Open(); err != nil {
		return err // rather told here than in the browser
	}
	return taker.Serve(ctx, int(show.port), func(url string) error {
		_, err := fmt.Printf("the board is at %s\nfor this machine and whoever has this URL; Ctrl-C ends it\n", url)
		return errors.Join(err, openPage(url, show.noOpen))
	})
}

// openPage opens a page in the browser. That it cannot is no error: the URL is printed.
func openPage(url string, no bool) error {
	if no {
		return nil
	}
	if err := page.Browse(url); err != nil {
		_, err := fmt.Fprintln(os.Stderr, "ticket-mcp:", err)
		return err
	}
	return nil
}
