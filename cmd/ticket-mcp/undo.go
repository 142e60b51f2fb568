package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// undoCommand brings former texts of tickets back.
func undoCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "undo ROW | --by NAME --since TIME", Short: "Bring back what a ticket was before; a dry run without --yes", GroupID: "board",
		Long: `undo takes back one row of the history, or all that somebody did since a moment (18:00, 2026-01-04T18:00:00Z, 90m, 2d).

A ticket gets its former text back only if it still is what these rows made it; else the row that came later is named, and
nothing of that ticket is undone. The rules of close and reopen hold. Nothing is deleted: a ticket that was created is closed as
dropped. No claim is given back: what was in progress comes back as open. An undo is in the history too, and can be undone.

Exit status: 0 all can be or was undone, 1 some or all of it not.`,
		Example: `  ticket-mcp history d5czj08            prints rows like d5czj08:k3f9x2ab
  ticket-mcp undo d5czj08:k3f9x2ab
  ticket-mcp undo --by planner --since 1h --yes`,
	}
	var wish tools.UndoWish
	c.Flags().StringVar(&wish.By, "by", "",
		"undo what this `name` did: planner, planner@5f3a9c21d0e4, Ada-Lovelace")
	c.Flags().StringVar(&wish.Since, "since", "", "since this `time`, or how long ago")
	c.Flags().BoolVar(&wish.Do, "yes", false, "do it")
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.Args = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && wish.By != "" && wish.Since != "":
			return nil
		case len(args) == 1 && wish.By == "" && wish.Since == "":
			wish.Row = args[0]
			return nil
		}
		return usageError{errors.New("name one row, or --by and --since; usage: ticket-mcp " +
			c.Use)}
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		answer, err := b.Undo(c.Context(), wish)
		if err != nil {
			return err
		}
		if err := printAnswer(c, "undo", answer, *asJSON); err != nil {
			return err
		}
		if answer.Refused > 0 {
			return exitStatus(statusWrong)
		}
		return nil
	}
	return c
}
