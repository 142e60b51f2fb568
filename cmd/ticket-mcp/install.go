package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/install"
)

// installCommand adds this server to a client's configuration.
func installCommand() *cobra.Command {
	var r install.Request
	var names []string
	long := "install adds this server to a client's configuration and leaves the rest of the file as it is.\n\nClients, and their scopes:\n"
	for name, scopes := range install.Clients() {
		names = append(names, name)
		long += fmt.Sprintf("  %-15s %s\n", name, strings.Join(scopes, ", "))
	}
	c := &cobra.Command{
		Use: "install CLIENT", Short: "Add this server to a client's configuration: claude, codex, gemini, cursor, vscode, ...", GroupID: "setup",
		Long: long + "\nExit status: 0 the entry is there, 1 refused or an error, 2 wrong use.",
		Args: func(_ *cobra.Command, args []string) error { return noArgs(nil, args[min(1, len(args)):]) },
		ValidArgsFunction: func(_ *cobra.Command, args []string,
			_ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := c.Flags()
	f.StringVar(&r.Scope, "scope", "",
		"`which` of the client's files: project, user or local (default the first that the list names)")
	f.StringVar(&r.Dir, "dir", "",
		"the .tickets `folder`, or where the server shall begin to look for it (default the folder in which the client starts it)")
	f.StringVar(&r.Name, "name", "tickets", "the server's `name` in the client")
	f.BoolVar(&r.DryRun, "dry-run", false, "print what would change, write nothing")
	f.BoolVar(&r.Force, "force", false, "replace another entry of that name")
	c.RunE = func(c *cobra.Command, args []string) error {
		r.Client = strings.Join(args, "")
		in, err := install.New(r)
		if err != nil {
			return usageError{err}
		}
		return in.Run(c.OutOrStdout())
	}
	return c
}
