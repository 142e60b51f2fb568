package importer

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// shownFaults bounds how many faults a table names; the rest are counted.
const shownFaults = 20

// WriteTable says what a plan creates, what each value of theirs becomes, and what could not be read.
func (p *Plan) WriteTable(w io.Writer) error {
	open := 0
	for _, n := range p.New {
		if n.Item.Ticket.Status != document.StatusClosed {
			open++
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d new (%d open, %d closed), %d here already, %d unreadable\n\n",
		len(p.New), open, len(p.New)-open, p.Done, len(p.Source.Faults))
	all := Tally{}
	for _, part := range []*Tally{&p.Source.Tally, &p.Tally} {
		for _, row := range part.Rows() {
			all.count(row)
		}
	}
	fmt.Fprintf(t, "%s\there\t\tcount\n", p.Source.Name)
	for _, row := range all.Rows() {
		to := row.To
		if row.Outcome == Kept {
			to = "x-" + p.Source.Name
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", oneLine(row.From), row.Outcome, to, row.Count)
	}
	for i, f := range p.Source.Faults {
		if i == shownFaults {
			fmt.Fprintf(t, "\nand %d more\n", len(p.Source.Faults)-i)
			break
		}
		if i == 0 {
			fmt.Fprintln(t)
		}
		fmt.Fprintf(t, "unreadable: %s: %.200s\n", f.Where, oneLine(f.Err.Error()))
	}
	return t.Flush()
}
