package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/race"
)

func parseRaceOptions(args []string) (race.Options, error) {
	var o race.Options
	f := flag.NewFlagSet("ticket-mcp race", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), `ticket-mcp race starts real server processes on a scratch board, races them against each other through MCP, and compares every
answer with the files. It exits with 1 when a promise was broken, and says which.

usage: ticket-mcp race [flags]

flags:
`)
		f.PrintDefaults()
	}
	f.IntVar(&o.Processes, "processes", 16, "`number` of server processes, 3 to 256")
	f.IntVar(&o.Updates, "updates", 10, "`number` of updates that each process makes of one ticket, 1 to 1000")
	f.IntVar(&o.Rounds, "rounds", 60, "`number` of rounds of each race between two or three calls, 1 to 10000; a third of it for the starts")
	f.StringVar(&o.Dir, "dir", "", "the `folder` below which the scratch board is made, to test its filesystem (default the temporary folder)")
	f.Uint64Var(&o.Seed, "seed", 0, "`number` that decides which process makes which call; 0 for another one each time")
	f.DurationVar(&o.Timeout, "timeout", 2*time.Minute, "how `long` it may take at most")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.Seed == 0 {
		o.Seed = 1 + rand.Uint64N(1_000_000)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, o.Check()
}

// runRace proves on a scratch board what the program promises, or shows that it does not hold there.
func runRace(args []string) int {
	o, err := parseRaceOptions(args)
	if err != nil {
		return exitOn(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once; the servers then see their input end
	began := time.Now()
	results, err := race.Run(ctx, o, os.Stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: race: interrupted")
		return 1
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: race:", err)
		return 1
	}
	if !race.Report(os.Stdout, o, results, time.Since(began)) {
		return 1
	}
	return 0
}
