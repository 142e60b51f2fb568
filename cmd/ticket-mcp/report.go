package main

import (
	"github.com/spf13/cobra"
)

// reportCommand tells what happened, for whoever comes back to a board on which agents worked.
func reportCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "report", Short: "Tell what happened since a moment: what needs you, what is stuck, what was done", GroupID: "board", Args: noArgs,
		Long: `report tells what happened on the board since a moment: which tickets need a person, which were abandoned by an agent that died,
which have not changed for longer than is usual here, what was done, what is new, and what each agent took, closed, released and
was refused.

The numbers add up: what there was, and what came and went, is what there is. Tickets that another program changed, or whose
history does not lead to what they are, are named.`,
		Example: "  ticket-mcp report\n  ticket-mcp report --since 18:00\n  ticket-mcp report --since 2d --json",
	}
	since := c.Flags().String("since", "24h",
		"since this `time` (18:00, 2026-01-04T18:00:00Z), or how long ago (90m, 2d)")
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, _ []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		answer, err := b.Report(c.Context(), *since)
		if err != nil {
			return err
		}
		return printAnswer(c, "report", answer, *asJSON)
	}
	return c
}
