// Package race proves on a scratch board what ticket-mcp promises, or shows that it does not hold
// there: real server processes are raced against each other through MCP, and every answer is
// compared with the files.
package race

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// Options are how a race is run.
type Options struct {
	Processes, Updates, Rounds int
	// below which the scratch board is made; "" for the system's temporary folder
	Dir string
	// keeps the scratch board; nil for the folder
	Engine  *Engine
	Seed    uint64 // decides which process makes which call
	Timeout time.Duration

	Program string   // of the servers; "" for this one
	Env     []string // of the servers, besides what they inherit
}

// Check says what is wrong with options, as the person who gave them would put it.
func (o Options) Check() error {
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"processes", o.Processes, 3, 256}, {"updates", o.Updates, 1, 1000}, {"rounds", o.Rounds, 1,
		10000}} {
		if n.value < n.low || n.value > n.high {
			return fmt.Errorf("%s must be %d to %d, not %d", n.name, n.low, n.high, n.value)
		}
	}
	return nil
}

// Run runs all scenarios, by the same processes on one board. Whatever happens, the processes are
// ended and the board is removed.
func Run(ctx context.Context, o Options, progress *os.File) (results []Result, err error) {
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout,
		fmt.Errorf("not finished after %s; see --timeout", o.Timeout))
	defer cancel()
	defer func() {
		if ctx.Err() != nil { // whatever went wrong then, went wrong because of this
			err = context.Cause(ctx)
		}
	}()
	s, err := newScratch(ctx, o.Dir, o.Engine)
	if s != nil {
		defer func() { err = errors.Join(err, s.remove(ctx)) }()
	}
	if err != nil {
		return nil, err
	}
	// A crowd's wait is measured, not judged; whoever waits too long with the default time-out is
	// told to retry.
	servers, err := client.StartAll(ctx, client.Servers{Program: o.Program, Number: o.Processes,
		Env: o.Env}, s.dirs, "--lock-timeout", "1m")
	if err != nil {
		return nil, err
	}
	defer func() {
		// A server that died, or had to be killed, failed the race as much as a wrong answer.
		if stopErr := client.CloseAll(servers); stopErr != nil {
			err = errors.Join(err, fmt.Errorf("end servers: %w", stopErr))
		}
	}()
	r := &racer{board: s, servers: servers, random: rand.New(rand.NewPCG(o.Seed, 0))}
	show, clear := terminal.Progress(progress)
	defer clear()
	for _, s := range scenarios(o.Processes, o.Updates, o.Rounds) {
		result, err := r.run(ctx, s,
			func(n int) { show(fmt.Sprintf("%s: round %d of %d", s.name, n+1, s.rounds)) })
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// Report prints the table, a line for each promise that was broken, and whether all were kept.
func Report(w io.Writer, o Options, results []Result, took time.Duration) (kept bool) {
	fmt.Fprintf(w, "%d server processes on one board, seed %d\n\n", o.Processes, o.Seed)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0 // the names stand on the left, which the table cannot do beside numbers
	for _, t := range results {
		width = max(width, len(t.name))
	}
	fmt.Fprintf(table, "%-*s\trounds\toverlapping\tanswered\trefused\tlost\twinners per round\tbroken\tchanges/s\twait p50\twait p99\t\n", width, "scenario")
	var done, refused, broken int
	for _, t := range results {
		winners := fmt.Sprint(t.fewestWinners)
		if t.mostWinners != t.fewestWinners {
			winners += fmt.Sprintf(" to %d", t.mostWinners)
		}
		fmt.Fprintf(table, "%-*s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%.0f\t%s\t%s\t\n", width, t.name,
			t.rounds, t.overlapping, t.done, t.refused, t.lost,
			winners, len(t.broken), float64(t.done)/t.spent.Seconds(), percentile(t.waits,
				50), percentile(t.waits, 99))
		done, refused, broken = done+t.done, refused+t.refused, broken+len(t.broken)
	}
	_ = table.Flush()
	const most = 20 // of one scenario
	for _, t := range results {
		for i, line := range t.broken {
			if i == most {
				fmt.Fprintf(w, "BROKEN %s: +%d more\n", t.name, len(t.broken)-most)
				break
			}
			fmt.Fprintf(w, "BROKEN %s: %s\n", t.name, line)
		}
	}
	verdict := "every promise was kept"
	if broken > 0 {
		verdict = fmt.Sprintf("PROMISES WERE BROKEN, %d times", broken)
	}
	fmt.Fprintf(w, "\n%s: %d changes answered, %d calls refused, in %.1f s\n", verdict, done,
		refused, took.Seconds())
	return broken == 0
}

// percentile of waits, in milliseconds.
func percentile(waits []time.Duration, p int) string {
	slices.Sort(waits)
	if len(waits) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", float64(waits[(len(waits)-1)*p/100])/float64(time.Millisecond))
}
