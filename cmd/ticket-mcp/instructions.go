package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// instructionsCommand prints what the server tells every agent when a session begins, for a person
// to put into AGENTS.md or CLAUDE.md where the client does not pass it on. It writes no file: those
// are the person's own.
func instructionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "instructions", Short: "Print a section on the tickets for AGENTS.md or CLAUDE.md", GroupID: "setup",
		Long: "instructions prints a section on the tickets, to be put into AGENTS.md or CLAUDE.md; it writes no file.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected argument %q; ticket-mcp instructions prints and writes no file", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(),
				"## Tickets\n\nThe tools are those of the MCP server ticket-mcp.\n\n%s\n", strings.TrimSpace(tools.Instructions()))
			return err
		},
	}
}
