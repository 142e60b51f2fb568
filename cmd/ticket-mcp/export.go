package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// exportCommand writes the board for other programs.
func exportCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "export --jsonl", Short: "Write all tickets as JSON lines, in the form of beads", GroupID: "board", Args: noArgs,
		Long: `export writes one JSON object a line for each ticket, in the form that beads writes and import reads. What an import kept
under x-<source> has its old place again.

Exit status: 0 all were written, 1 some could not be read.`,
	}
	jsonl := c.Flags().Bool("jsonl", false, "the form of the output; there is only this one")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !*jsonl {
			return usageError{fmt.Errorf("usage: ticket-mcp %s", c.Use)}
		}
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		unreadable, err := b.Export(c.OutOrStdout())
		if err != nil {
			return err
		}
		for _, f := range unreadable {
			fmt.Fprintf(c.ErrOrStderr(), "ticket-mcp: not exported: %s\n",
				terminal.Printable(f.Error()))
		}
		if len(unreadable) > 0 {
			return exitStatus(statusWrong)
		}
		return nil
	}
	return c
}
