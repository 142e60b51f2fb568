package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// withForce gives the release command --force: a person takes a ticket from whoever holds it. That
// it needs a terminal keeps agents from it, as a rail does; it is no wall.
func withForce(release *cobra.Command, o *options) {
	force := release.Flags().Bool("force", false,
		"take it from whoever holds it: one that lives and has forgotten it, or of whom nobody can tell; a person's decision, at a terminal")
	usual := release.RunE
	release.RunE = func(c *cobra.Command, args []string) error {
		if !*force {
			return usual(c, args)
		}
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		if b.Person != "" && !terminal.Is(os.Stdin) {
			return ticketfs.Refuse(ticketfs.Invalid, "type it at a terminal",
				"release --force is a person's decision")
		}
		reason, err := c.Flags().GetString("reason")
		if err != nil {
			return err
		}
		answer, err := b.ReleaseByForce(c.Context(), args[0], reason)
		if err != nil {
			return err
		}
		asJSON, err := c.Flags().GetBool("json")
		if err != nil {
			return err
		}
		return printAnswer(c, "release", answer, asJSON)
	}
}
