//go:build linux

package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is all that a bench found; as JSON, what ticket-bench --json prints.
type Report struct {
	Machine machine        `json:"machine"`
	Changes []changeFound  `json:"changes"`
	Crowds  []crowdFound   `json:"crowds"`
	Process []processFound `json:"process"`
	Reads   []readFound    `json:"reads"`
	Looks   []lookFound    `json:"looks"`
	Seconds float64        `json:"seconds"` // that it all took
}

// Print writes the tables, and how many targets were met.
func (r Report) Print(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%d cores, %s; %s; %s; %s; ticket-mcp %s; %s\n", m.Cores, m.Model, m.Kernel,
		m.Filesystem, m.Go, m.Version, m.Time.Format(time.RFC3339))
	p := printer{w: w}
	p.begin(fmt.Sprintf("one durable change, on a board of %d tickets", smallBoard), "median",
		"p99", "ratio", "cpu", "ratio")
	for _, c := range r.Changes {
		p.row(c.Name, c.Targets, ms(c.Median), ms(c.P99), fmt.Sprintf("%.2f", c.Ratio),
			ms(c.CPU), fmt.Sprintf("%.2f", c.CPURatio))
	}
	p.begin("many processes, each calling as soon as it is answered", "processes", "changes/s",
		"of one", "of the floor", "slowest/fastest", "busy", "wait p50", "p99", "max", "cpu/change")
	for _, c := range r.Crowds {
		ofFloor := ""
		if c.OfFloor > 0 {
			ofFloor = fmt.Sprintf("%.2f", c.OfFloor)
		}
		p.row(c.Name, c.Targets, fmt.Sprint(c.Processes), fmt.Sprintf("%.0f", c.Rate),
			fmt.Sprintf("%.2f", c.Ratio), ofFloor, fmt.Sprintf("%.2f",
				c.Fairness), fmt.Sprint(c.Busy), ms(c.P50), ms(c.P99), ms(c.Max), ms(c.CPU))
	}
	p.begin("a server process", "")
	for _, c := range r.Process {
		p.row(c.Name, c.Targets, strings.TrimSpace(fmt.Sprintf("%.4g %s", c.Value, c.Unit)))
	}
	p.begin("whole calls on larger boards; a bare scan looks at every file", "scan", "first ready",
		"in scans", "watch", "ready", "ready, one changed", "start next", "close", "list", "show", "bytes/ticket")
	for _, c := range r.Reads {
		watch := "no"
		if c.Watched {
			watch = "yes"
		}
		p.row(fmt.Sprintf("%d tickets", c.Tickets), c.Targets, ms(c.Scan), ms(c.First),
			fmt.Sprintf("%.1f",
				c.FirstRatio), watch, ms(c.Ready), ms(c.Changed), ms(c.Next), ms(c.Close), ms(c.List), ms(c.Show), fmt.Sprintf("%.0f", c.PerTicket))
	}
	p.begin("first looks of fresh servers, and searches, bodies of 4 KB; the floor reads every file", "tickets",
		"median", "floor", "ratio")
	for _, l := range r.Looks {
		p.row(l.Name, l.Targets, fmt.Sprint(l.Tickets), ms(l.Median), ms(l.Floor),
			fmt.Sprintf("%.1f", l.Ratio))
	}
	if err := p.end(); err != nil {
		return err
	}
	fmt.Fprint(w, "\nThe index alone, and large boards without a watch: go test ./internal/ticketfs/... -run '^$' -bench Index\n")
	_, err := fmt.Fprintf(w, "%d of %d targets met, in %.0f s\n", p.met, p.goals, r.Seconds)
	return err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", milliseconds(d)) }

// printer prints one table after the other, and counts the targets.
type printer struct {
	w          io.Writer
	title      string
	rows       [][]string
	met, goals int
	err        error
}

// begin begins a table; the last column, with the targets, has no need to be named.
func (p *printer) begin(title string, columns ...string) {
	p.err = p.end()
	p.title, p.rows = title, [][]string{append([]string{""}, append(columns, "target")...)}
}

func (p *printer) row(name string, goals []goal, values ...string) {
	var targets []string
	for _, g := range goals {
		p.goals++
		if g.Met {
			p.met++
		}
		targets = append(targets, strings.TrimSpace(g.String()))
	}
	p.rows = append(p.rows, append([]string{name}, append(values, strings.Join(targets, "; "))...))
}

// end prints the table. Names and targets stand on the left of their columns, which the table
// cannot do beside numbers.
func (p *printer) end() error {
	if p.err != nil || p.rows == nil {
		return p.err
	}
	width := 0
	for _, r := range p.rows {
		width = max(width, len(r[0]))
	}
	fmt.Fprintf(p.w, "\n%s\n", p.title)
	table := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range p.rows {
		last := len(r) - 1
		fmt.Fprintf(table, "%-*s\t%s\t  %s\n", width, r[0], strings.Join(r[1:last], "\t"), r[last])
	}
	p.rows = nil
	return table.Flush()
}
