package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

// raceOptions are how a race is run: its flags, and for tests which program the servers are.
type raceOptions struct {
	processes, updates, rounds int
	dir                        string
	seed                       uint64
	timeout                    time.Duration

	program string   // "" for this one
	env     []string // of the servers, besides what they inherit
}

func parseRaceOptions(args []string) (raceOptions, error) {
	var o raceOptions
	f := flag.NewFlagSet("ticket-mcp race", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), `ticket-mcp race starts real server processes on a scratch board, races them against each other through MCP, and compares every
answer with the files. It exits with 1 when a promise was broken, and says which.

usage: ticket-mcp race [flags]

flags:
`)
		f.PrintDefaults()
	}
	f.IntVar(&o.processes, "processes", 16, "`number` of server processes, 3 to 256")
	f.IntVar(&o.updates, "updates", 10, "`number` of updates that each process makes of one ticket, 1 to 1000")
	f.IntVar(&o.rounds, "rounds", 60, "`number` of rounds of each race between two or three calls, 1 to 10000; a third of it for the starts")
	f.StringVar(&o.dir, "dir", "", "the `folder` below which the scratch board is made, to test its filesystem (default the temporary folder)")
	f.Uint64Var(&o.seed, "seed", 0, "`number` that decides which process makes which call; 0 for another one each time")
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how `long` it may take at most")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1_000_000)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"processes", o.processes, 3, 256}, {"updates", o.updates, 1, 1000}, {"rounds", o.rounds, 1, 10000}} {
		if n.value < n.low || n.value > n.high {
			return o, fmt.Errorf("%s must be %d to %d, not %d", n.name, n.low, n.high, n.value)
		}
	}
	return o, nil
}

// race proves on a scratch board what the program promises, or shows that it does not hold there.
func race(args []string) int {
	o, err := parseRaceOptions(args)
	if err != nil {
		return exitOn(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once; the servers then see their input end
	began := time.Now()
	results, err := raceAll(ctx, o, os.Stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: race: interrupted")
		return 1
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: race:", err)
		return 1
	}
	if !report(os.Stdout, o, results, time.Since(began)) {
		return 1
	}
	return 0
}

// raceAll runs all scenarios, by the same processes on one board. Whatever happens, the processes are ended and the board is
// removed.
func raceAll(ctx context.Context, o raceOptions, terminal *os.File) (results []result, err error) {
	if o.program == "" {
		if o.program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not finished after %s; see --timeout", o.timeout))
	defer cancel()
	defer func() {
		if ctx.Err() != nil { // whatever went wrong then, went wrong because of this
			err = context.Cause(ctx)
		}
	}()
	s, err := newScratch(o.dir)
	if s != nil {
		defer func() { err = errors.Join(err, s.remove()) }()
	}
	if err != nil {
		return nil, err
	}
	// A crowd's wait is measured, not judged; whoever waits too long with the default time-out is told to retry.
	servers, err := startServers(ctx, o, s.dir, "--lock-timeout", "1m")
	if err != nil {
		return nil, err
	}
	defer func() {
		// A server that died, or had to be killed, failed the race as much as a wrong answer.
		if stopErr := stopServers(servers); stopErr != nil {
			err = errors.Join(err, fmt.Errorf("end servers: %w", stopErr))
		}
	}()
	r := &racer{board: s, servers: servers, random: rand.New(rand.NewPCG(o.seed, 0))}
	show, clear := progressOn(terminal)
	defer clear()
	for _, s := range scenarios(o.processes, o.updates, o.rounds) {
		result, err := r.run(ctx, s, func(n int) { show(fmt.Sprintf("%s: round %d of %d", s.name, n+1, s.rounds)) })
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// progressOn shows one line that is written over and over, on a terminal and nowhere else.
func progressOn(f *os.File) (show func(string), clear func()) {
	if !isTerminal(f) {
		return func(string) {}, func() {}
	}
	const eraseLine = "\r\x1b[K"
	return func(line string) { fmt.Fprint(f, eraseLine+line) }, func() { fmt.Fprint(f, eraseLine) }
}

// report prints the table, a line for each promise that was broken, and whether all were kept.
func report(w io.Writer, o raceOptions, results []result, took time.Duration) (kept bool) {
	fmt.Fprintf(w, "%d server processes on one board, seed %d\n\n", o.processes, o.seed)
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
		fmt.Fprintf(table, "%-*s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%.0f\t%s\t%s\t\n", width, t.name, t.rounds, t.overlapping, t.done, t.refused, t.lost,
			winners, len(t.broken), float64(t.done)/t.spent.Seconds(), percentile(t.waits, 50), percentile(t.waits, 99))
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
	fmt.Fprintf(w, "\n%s: %d changes answered, %d calls refused, in %.1f s\n", verdict, done, refused, took.Seconds())
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
