package main

import (
	"flag"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// instructions prints what the server tells every agent when a session begins, for a person to put into AGENTS.md or CLAUDE.md
// where the client does not pass it on. It writes no file: those are the person's own.
func instructions(args []string) int {
	f := flag.NewFlagSet("ticket-mcp instructions", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "usage: ticket-mcp instructions\n\nprints a section on the tickets, to be put into AGENTS.md or CLAUDE.md; writes no file")
	}
	if err := f.Parse(args); err != nil {
		return exitOn(err)
	}
	if f.NArg() > 0 {
		return exitOn(fmt.Errorf("unexpected argument %q; ticket-mcp instructions prints and writes no file", f.Arg(0)))
	}
	fmt.Printf("## Tickets\n\nThe tools are those of the MCP server ticket-mcp.\n\n%s\n", strings.TrimSpace(tools.Instructions()))
	return 0
}
