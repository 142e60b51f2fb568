package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// diagnosis is what doctor says with --json.
type diagnosis struct {
	Board      string          `json:"board"`
	Filesystem string          `json:"filesystem"` // "ok", or why its locks are not to be trusted
	Findings   []tools.Finding `json:"findings"`
}

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
		var d diagnosis
		if d.Board, err = b.Store.Dir(); err != nil {
			return err
		}
		if d.Filesystem, err = b.Filesystem(c.Context()); err != nil {
			return err
		}
		if d.Findings, err = b.Examine(c.Context()); err != nil {
			return err
		}
		if *fix {
			if err := b.Mend(c.Context(), d.Findings); err != nil {
				return err
			}
		}
		if err := d.print(c.OutOrStdout(), *asJSON); err != nil {
			return err
		}
		if d.wrong() {
			return exitStatus(statusWrong)
		}
		return nil
	}
	return c
}

func (d diagnosis) wrong() bool {
	for _, finding := range d.Findings {
		if !finding.Mended {
			return true
		}
	}
	return d.Filesystem != tools.FilesystemOK
}

func (d diagnosis) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(d)
	}
	fmt.Fprintf(w, "board: %s\nlocks: %s\n", d.Board, d.Filesystem)
	for _, finding := range d.Findings {
		fmt.Fprintln(w, terminal.Printable(finding.Line()))
	}
	if len(d.Findings) == 0 {
		fmt.Fprintln(w, "nothing is wrong with the tickets")
	}
	return nil
}
