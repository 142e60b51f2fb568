package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/demo"
)

// demoCommand shows on a scratch board what the program does.
func demoCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "demo", Short: "Show on a scratch board how agents work a plan, and what happens when one is killed", GroupID: "board", Args: noArgs,
		Long: `demo starts four real server processes on a board of its own, in a temporary folder. Scripted agents work a plan of tickets through
them; one process is killed while it holds a ticket, which another agent takes over, and a person answers a question. At the end
every change that was answered is looked for in the files and in the journal. It takes less than half a minute.
Exit status: 0 nothing was lost, 1 something was, or the demo could not be played.`,
	}
	serve := c.Flags().Bool("serve", false, "show the board in the browser too, live, until Ctrl-C")
	noOpen := c.Flags().Bool("no-open", false,
		"with --serve: print the page's URL and open nothing")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		// a second signal ends the process at once; the servers then see their input end
		context.AfterFunc(ctx, stop)
		d, err := demo.New(demo.Options{Pace: 1200 * time.Millisecond})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Remove()) }()
		served := make(chan error, 1)
		if *serve {
			announced := make(chan error, 1)
			go func() {
				served <- d.Taker().Serve(ctx, 0, func(url string) error {
					_, err := fmt.Println("the board is at", url)
					err = errors.Join(err, openPage(url, *noOpen))
					announced <- err
					return err
				})
				announced <- nil // where it came to nothing before
			}()
			if err := <-announced; err != nil {
				return err
			}
		}
		report, err := d.Show(ctx, os.Stdout, *serve)
		switch {
		case ctx.Err() != nil:
			return errors.New("demo: interrupted")
		case err != nil:
			return fmt.Errorf("demo: %w", err)
		}
		if err := report.Print(os.Stdout); err != nil {
			return err
		}
		if *serve {
			fmt.Println("\nThe page is there until Ctrl-C.")
			err = <-served
		}
		if err == nil && !report.Kept() {
			err = exitStatus(statusWrong)
		}
		return err
	}
	return c
}
