package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Report is what came of a demo, counted in the files and the journal after the last process had
// ended.
type Report struct {
	Took     time.Duration
	Tickets  int
	Closed   int
	Answered int      // changes that were answered with success
	Refused  int      // calls
	Faults   []string // answered changes that are not there, tickets worked twice, ...
	Agents   []AgentReport
}

// AgentReport is what one agent did.
type AgentReport struct {
	Name                             string
	Started, Closed, Noted, TookOver int
	Killed                           string // the title of the ticket that it held
}

// report counts what is there.
func (d *Demo) report(took time.Duration) (Report, error) {
	r := Report{Took: took, Tickets: len(d.ids), Answered: len(d.made), Refused: d.refused}
	for _, a := range d.agents {
		one := AgentReport{Name: a.name, TookOver: a.takeover, Killed: d.titles[a.killed]}
		for _, c := range d.made {
			if c.who != a.name {
				continue
			}
			switch c.tool {
			case "start":
				one.Started++
			case "close":
				one.Closed++
			case "note":
				one.Noted++
			}
		}
		r.Agents = append(r.Agents, one)
	}
	open, err := ticketfs.NewStore(board.Where{Start: d.Dir}, ticketfs.DefaultLockTimeout).Open()
	if err != nil {
		return r, err
	}
	for id := range d.titles {
		doc, err := open.Get(id)
		if err != nil {
			r.Faults = append(r.Faults, fmt.Sprintf("%s cannot be read: %v", id, err))
			continue
		}
		var rows []journal.Row
		if err := open.Journal().Ticket(id, false,
			func(row journal.Row) bool { rows = append(rows, row); return true }); err != nil {
			return r, err
		}
		if doc.Ticket().Status == document.StatusClosed {
			r.Closed++
		}
		r.Faults = append(r.Faults, faults(id, doc, rows, d.made)...)
	}
	return r, nil
}

// faults compares what was answered of one ticket with its file and its journal.
func faults(id string, doc *document.Document, rows []journal.Row, made []change) []string {
	var faults []string
	found := make(map[change]int)
	for _, row := range rows {
		if row.IsOutside() {
			faults = append(faults,
				fmt.Sprintf("%s: somebody changed the file past the locks, or a change left no row",
					id))
			continue
		}
		who := session.ParseClaim(row.Actor)
		if who.Person() {
			who.Name = person // there is one only, whatever this machine calls them
		}
		found[change{tool: row.Tool, who: who.Name, id: id}]++
	}
	closed := 0
	for _, c := range made {
		if c.id != id {
			continue
		}
		if c.tool == "close" {
			closed++
		}
		in := doc.Body()
		if c.tool == "close" {
			in = doc.Ticket().CloseReason
		}
		if !strings.Contains(in, c.text) {
			faults = append(faults, fmt.Sprintf("%s: lost from the file: %s %q by %s", id, c.tool,
				c.text, c.who))
		}
		key := change{tool: c.tool, who: c.who, id: id}
		if found[key]--; found[key] < 0 {
			faults = append(faults, fmt.Sprintf("%s: no row of a %s by %s", id, c.tool, c.who))
		}
	}
	if closed != 1 {
		faults = append(faults, fmt.Sprintf("%s was closed %d times", id, closed))
	}
	return faults
}

// Print prints the report for people.
func (r Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "%d of %d tickets closed in %.1f s\n\n", r.Closed, r.Tickets, r.Took.Seconds())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "agent\tstarted\tclosed\tnoted\ttook over\t\n")
	for _, a := range r.Agents {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t", a.Name, a.Started, a.Closed, a.Noted, a.TookOver)
		if a.Killed != "" {
			fmt.Fprintf(table, "killed while it held “%s”", a.Killed)
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush() // an error of w is told by the next write
	for _, fault := range r.Faults {
		fmt.Fprintln(w, "\nBROKEN", fault)
	}
	fmt.Fprintf(w, "\n%d changes were answered; looked for in the files and in the journal: %d lost.\n", r.Answered, len(r.Faults))
	_, err := fmt.Fprintf(w,
		"%d calls were refused, as when nothing was ready; a refusal changes nothing.\n", r.Refused)
	return err
}

// Kept reports whether every promise was kept.
func (r Report) Kept() bool { return len(r.Faults) == 0 && r.Closed == r.Tickets }
