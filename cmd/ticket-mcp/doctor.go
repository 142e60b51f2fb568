package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// doctorCommand examines a board for people and for CI.
func doctorCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Find what is wrong with the tickets and their filesystem; --fix repairs", GroupID: "board", Args: noArgs,
		Long: "doctor examines the board and its filesystem. Exit status: 0 nothing is wrong, 1 something is, or it could not look.",
	}
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	fix := c.Flags().Bool("fix", false, "repair everything that needs no human decision")
	c.RunE = func(c *cobra.Command, _ []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		d, err := b.Diagnose(c.Context())
		if err != nil {
			return err
		}
		if *fix {
			if err := b.Repair(c.Context(), d.Findings); err != nil {
				return err
			}
		}
		if err := printDiagnosis(c.OutOrStdout(), d, *asJSON); err != nil {
			return err
		}
		if wrong(d) {
			return exitStatus(statusWrong)
		}
		return nil
	}
	return c
}

func wrong(d tools.Diagnosis) bool {
	for _, finding := range d.Findings {
		if !finding.Repaired {
			return true
		}
	}
	return d.Filesystem != tools.FilesystemOK
}

func printDiagnosis(w io.Writer, d tools.Diagnosis, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(d)
	}
	fmt.Fprintf(w, "board: %s\nlocks: %s\nliveness: %s\njournal: %s\n", d.Board, d.Filesystem,
		d.Liveness, terminal.Printable(d.Journal))
	if d.Note != "" {
		fmt.Fprintln(w, "note:", d.Note)
	}
	for _, finding := range d.Findings {
		fmt.Fprintln(w, terminal.Printable(finding.Line()))
	}
	if n := len(d.NoTickets); n > 0 {
		const most = 5
		names := strings.Join(d.NoTickets[:min(n, most)], ", ")
		if n > most {
			names += fmt.Sprintf(", +%d more", n-most)
		}
		fmt.Fprintf(w, "no tickets, and left alone: %s\n", terminal.Printable(names))
	}
	if len(d.Findings) == 0 {
		fmt.Fprintln(w, "nothing is wrong with the tickets")
	}
	return nil
}
