package importer

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Report is what a plan would do, for people and for programs.
type Report struct {
	Source     string   `json:"source"`
	New        int      `json:"new"`
	Open       int      `json:"open"`
	Closed     int      `json:"closed"`
	Present    int      `json:"present"` // imported before
	Rows       []Row    `json:"rows"`
	Unreadable []string `json:"unreadable"`
}

// Report counts what a plan creates, what each value of theirs becomes, and what could not be read.
func (p *Plan) Report() Report {
	r := Report{Source: p.Source.Name, New: len(p.New), Present: p.Done, Unreadable: []string{}}
	for _, n := range p.New {
		if n.Item.Ticket.Status == document.StatusClosed {
			r.Closed++
		} else {
			r.Open++
		}
	}
	all := Tally{}
	for _, part := range []*Tally{&p.Source.Tally, &p.Tally} {
		for _, row := range part.Rows() {
			if row.Outcome == Kept {
				row.To = "x-" + p.Source.Name
			}
			row.From = oneLine(row.From)
			all.count(row)
		}
	}
	r.Rows = all.Rows()
	for _, f := range p.Source.Faults {
		r.Unreadable = append(r.Unreadable, fmt.Sprintf("%s: %.200s", f.Where,
			oneLine(f.Err.Error())))
	}
	return r
}

// shownFaults bounds how many faults a table names; the rest are counted.
const shownFaults = 20

// Write writes the report as a table.
func (r Report) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d new (%d open, %d closed), %d here already, %d unreadable\n\n", r.New, r.Open,
		r.Closed, r.Present, len(r.Unreadable))
	fmt.Fprintf(t, "%s\there\t\tcount\n", r.Source)
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", row.From, row.Outcome, row.To, row.Count)
	}
	for i, fault := range r.Unreadable {
		if i == 0 {
			fmt.Fprintln(t)
		}
		if i == shownFaults {
			fmt.Fprintf(t, "and %d more\n", len(r.Unreadable)-i)
			break
		}
		fmt.Fprintf(t, "unreadable: %s\n", fault)
	}
	return t.Flush()
}
