package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// waitVerb is the tool wait for shells: without a bound unless one is given, since nobody's call
// hangs on it.
var waitVerb = verb{
	tool: "wait", without: []string{"ready", "seconds"}, run: waitOnBoard,
	about: `wait sleeps until a ticket can be started; with --id until one of these changes, with --any until any does. It takes no locks, claims
nothing and costs nothing while it waits. Where several wait, all wake up, and start gives the ticket to one.

Its last line is a cursor: with --since CURSOR it waits for what is new since then, in any process.

Exit status: 0 it is so, 3 not within --timeout.`,
	example: `  ticket-mcp wait && start-an-agent
  ticket-mcp wait --id d5czj08 --timeout 10m
  ticket-mcp wait --follow --type bug`,
}

// withWaiting gives the wait command its own flags.
func withWaiting(c *cobra.Command) {
	f := c.Flags()
	f.Bool("ready", false, "until a ticket can be started (this is usual)")
	f.Bool("any", false, "until any ticket changes")
	f.Var(new(wait), "timeout",
		"how `long` at most, like 90s or 2h; a bare number is seconds (default: for ever)")
	f.Bool("follow", false, "go on, and print a line for each ticket that is news")
	f.Lookup("id").Usage = "until this ticket changes (may be given several times)"
	f.Lookup("since").Usage = "what is new since this `cursor`, the last line of an answer"
	f.Lookup("timeout").DefValue = "" // none
	c.MarkFlagsMutuallyExclusive("ready", "any", "id")
}

// waitOnBoard waits, and prints what came.
func waitOnBoard(c *cobra.Command, b *tools.Board, arguments map[string]any, asJSON bool) error {
	f := c.Flags()
	anyChange, err := f.GetBool("any")
	if err != nil {
		return err
	}
	follow, err := f.GetBool("follow")
	if err != nil {
		return err
	}
	if anyChange {
		arguments["ready"] = false
	}
	text, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if patience, ok := f.Lookup("timeout").Value.(*wait); ok && *patience > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(*patience))
		defer cancel()
		ctx = limited
	}
	most := 20 // as ready
	if follow {
		most = math.MaxInt
	}
	w, err := b.NewWaiter(ctx, text, most)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		answer, holds, err := w.Next(ctx)
		switch {
		case errors.Is(err, context.Canceled): // by a signal
			return exitStatus(statusNotYet)
		case err != nil:
			return err
		case !follow:
			if err := printAnswer(c, "wait", answer, asJSON); err != nil || holds {
				return err
			}
			return exitStatus(statusNotYet)
		case !holds:
			return exitStatus(statusNotYet)
		}
		if err := printNews(c, answer, asJSON); err != nil {
			return err
		}
	}
}

// printNews prints a line for each ticket that is news, at once: somebody reads along.
func printNews(c *cobra.Command, answer tools.Answer, asJSON bool) error {
	news, ok := answer.(interface{ Lines() []string })
	switch {
	case asJSON:
		if err := printJSON(c.OutOrStdout(), answer); err != nil {
			return err
		}
	case ok:
		for _, line := range news.Lines() {
			if _, err := fmt.Fprint(c.OutOrStdout(),
				styleOf(os.Stdout).answer("wait", line)); err != nil {
				return err
			}
		}
	}
	if out, ok := c.OutOrStdout().(*output); ok {
		return out.flush()
	}
	return nil
}
