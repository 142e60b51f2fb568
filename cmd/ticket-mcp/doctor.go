package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
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
	epoch := c.Flags().Bool("new-epoch", false,
		"let a shared board be changed again that was restored from a copy: a person's decision")
	c.RunE = func(c *cobra.Command, _ []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		if *epoch {
			return beginEpoch(c, b)
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

// beginEpoch lets a board be changed again that was restored. What the copy did not have is lost by
// then, which only a person can find out and answer for.
func beginEpoch(c *cobra.Command, b *tools.Board) error {
	if b.Person == "" || !terminal.Is(os.Stdin) {
		return ticketfs.Refuse(ticketfs.Invalid, "ask a person to type it at a terminal",
			"that a restored board goes on is a person's decision")
	}
	engine, err := cluster()
	if err != nil {
		return err
	}
	found, err := b.Store.Where.Find()
	if err != nil {
		return ticketfs.Refused(err)
	}
	if found.Shared == nil {
		return ticketfs.Refuse(ticketfs.Invalid, "nothing was written", "the board is a local one")
	}
	began, err := engine.NewEpoch(c.Context(), *found.Shared)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "epoch %d of board %s begins: it may be changed\n", began,
		found.Shared.ID)
	return err
}

func wrong(d tools.Diagnosis) bool {
	for _, finding := range d.Findings {
		if !finding.Repaired {
			return true
		}
	}
	return d.Filesystem != tools.FilesystemOK ||
		slices.ContainsFunc(d.Engine, func(f ticketfs.Fact) bool { return f.Wrong })
}

func printDiagnosis(w io.Writer, d tools.Diagnosis, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(d)
	}
	fmt.Fprintf(w, "board: %s\nlocks: %s\nliveness: %s\njournal: %s\n", d.Board, d.Filesystem,
		d.Liveness, terminal.Printable(d.Journal))
	for _, fact := range d.Engine {
		mark := ""
		if fact.Wrong {
			mark = "! "
		}
		fmt.Fprintf(w, "%s: %s%s\n", terminal.Printable(fact.Name), mark,
			terminal.Printable(fact.Text))
	}
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
