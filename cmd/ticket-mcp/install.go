package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/install"
)

// installServer adds this server to a client's configuration. Exit status: 0 the entry is there, 1 refused, 2 wrong use.
func installServer(args []string) int {
	request, err := parseInstall(args)
	if err != nil {
		return exitOn(err)
	}
	in, err := install.New(request)
	if err != nil {
		return exitOn(err)
	}
	if err := in.Run(os.Stdout); err != nil {
		exitOn(err)
		return 1
	}
	return 0
}

func parseInstall(args []string) (r install.Request, err error) {
	f := flag.NewFlagSet("ticket-mcp install", flag.ContinueOnError)
	f.Usage = func() { installUsage(f) }
	f.StringVar(&r.Scope, "scope", "", "`which` of the client's files: project, user or local (default the first that the list names)")
	f.StringVar(&r.Dir, "dir", "", "the .tickets `folder`, or where the server shall begin to look for it (default the folder in which the client starts it)")
	f.StringVar(&r.Name, "name", "tickets", "the server's `name` in the client")
	f.BoolVar(&r.DryRun, "dry-run", false, "print what would change, write nothing")
	f.BoolVar(&r.Force, "force", false, "replace another entry of that name")
	// The client may stand before the flags, as in the examples, or behind them.
	if err := f.Parse(args); err != nil {
		return r, err
	}
	r.Client = f.Arg(0)
	if f.NArg() > 0 {
		if err := f.Parse(f.Args()[1:]); err != nil {
			return r, err
		}
	}
	if f.NArg() > 0 {
		return r, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return r, nil
}

func installUsage(f *flag.FlagSet) {
	fmt.Fprint(f.Output(), "ticket-mcp install adds this server to a client's configuration and leaves the rest of the file as it is.\n\nusage: ticket-mcp install CLIENT [flags]\n\nclients, and their scopes:\n")
	for name, scopes := range install.Clients() {
		fmt.Fprintf(f.Output(), "  %-15s %s\n", name, strings.Join(scopes, ", "))
	}
	fmt.Fprint(f.Output(), "\nflags:\n")
	f.PrintDefaults()
}
