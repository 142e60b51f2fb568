package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/page"
)

// graphCommand prints who waits for whom.
func graphCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "graph [ID]", Short: "Print who waits for whom, as a tree, or for Mermaid or Graphviz", GroupID: "board",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArgs(nil, args[1:])
			}
			return nil
		},
		Long: `graph prints a tree: below each ticket what it waits for; with an ID, of that ticket, and then what waits for it. With --mermaid or
--dot it prints the same for a program that draws it: an arrow leads from a ticket to one that waits for it.`,
	}
	mermaid := c.Flags().Bool("mermaid", false,
		"print it as Mermaid, which GitHub draws in Markdown")
	dot := c.Flags().Bool("dot", false, "print it for Graphviz")
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.MarkFlagsMutuallyExclusive("mermaid", "dot", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		taker, err := newTaker(*o)
		if err != nil {
			return err
		}
		id := ""
		if len(args) == 1 {
			folder, err := taker.Tickets.Store.Open()
			if err != nil {
				return err
			}
			d, err := folder.Get(args[0])
			if err != nil {
				return err
			}
			id = d.Ticket().ID
		}
		b, err := taker.Board()
		if err != nil {
			return err
		}
		switch {
		case *mermaid:
			return b.Mermaid(c.OutOrStdout(), id)
		case *asJSON:
			return b.WriteGraphJSON(c.OutOrStdout(), id)
		case *dot:
			return b.Dot(c.OutOrStdout(), id)
		}
		return b.Tree(c.OutOrStdout(), id, page.LookOn(os.Stdout))
	}
	return c
}
