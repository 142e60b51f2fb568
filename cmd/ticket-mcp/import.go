package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/importer"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// sources are the trackers that import reads.
var sources = map[string]func(path string) (*importer.Source, error){
	"beads":   importer.ReadBeads,
	"backlog": importer.ReadBacklog,
}

// imported is what import says with --json.
type imported struct {
	importer.Report
	Created int      `json:"created"` // 0 in a dry run
	Refused []string `json:"refused"`
}

// importCommand makes tickets of another tracker's files.
func importCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "import beads|backlog FILE|DIR", Short: "Make tickets of another tracker's files; a dry run without --yes", GroupID: "board",
		Long: `import reads the issues of beads (JSON lines) or the tasks of Backlog.md and prints what each of their values becomes: what
maps, what changes, what is kept under x-<source>, what is lost. With --yes it creates the tickets, parents and blockers
first. A ticket's external-ref is the id it had; what was imported before is left alone, so import may be run again.

Exit status: 0 all could be read and created, 1 something could not.`,
		ValidArgs: []string{"beads", "backlog"},
	}
	yes := c.Flags().Bool("yes", false, "create the tickets")
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 2 || sources[args[0]] == nil {
			return usageError{fmt.Errorf("usage: ticket-mcp %s", c.Use)}
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		source, err := sources[args[0]](args[1])
		if err != nil {
			return fmt.Errorf("import %s: %w", args[0], err)
		}
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		plan, err := b.PlanImport(source)
		if err != nil {
			return err
		}
		result := imported{Report: plan.Report(), Refused: []string{}}
		var failed error
		if *yes {
			var refused []importer.Fault
			result.Created, refused, failed = b.Import(c.Context(), plan)
			for _, f := range refused {
				result.Refused = append(result.Refused, f.Error())
			}
		}
		if err := result.print(c, *asJSON, *yes, args); err != nil {
			return err
		}
		if failed == nil && len(result.Refused)+len(result.Unreadable) > 0 {
			failed = exitStatus(statusWrong)
		}
		return failed
	}
	return c
}

func (r imported) print(c *cobra.Command, asJSON, yes bool, args []string) error {
	w := c.OutOrStdout()
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		return err
	}
	for _, line := range r.Refused {
		fmt.Fprintf(&text, "not created: %s\n", line)
	}
	switch {
	case yes:
		fmt.Fprintf(&text, "\ncreated %d\n", r.Created)
	case r.New > 0:
		fmt.Fprintf(&text, "\nnothing was written; ticket-mcp import %s --yes creates them\n",
			strings.Join(args, " "))
	}
	_, err := fmt.Fprint(w, terminal.Printable(text.String()))
	return err
}
