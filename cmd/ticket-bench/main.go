//go:build linux

// Command ticket-bench measures ticket-mcp: package bench says how. It is no part of the program
// that is shipped.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/bench"
)

func main() {
	o, asJSON, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ticket-bench:", err)
		os.Exit(2)
	}
	if err := run(o, asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "ticket-bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o bench.Options, asJSON bool, err error) {
	full := bench.Full()
	o = full
	f := flag.NewFlagSet("ticket-bench", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), `ticket-bench measures on scratch boards, by real server processes, and prints each figure beside its target. Targets are ratios
where they can be, taken from interleaved measurements; those of a busy machine say little all the same. The exit status does
not depend on them.

usage: ticket-bench [flags]

flags:
`)
		f.PrintDefaults()
	}
	quick := f.Bool("quick", false, "measure less, in one or two minutes")
	f.StringVar(&o.Program, "program", "",
		"the ticket-mcp to measure (default the one beside this program, else the one on the PATH)")
	f.StringVar(&o.Dir, "dir", "",
		"the `folder` below which the scratch boards are made, to measure its filesystem (default the temporary folder)")
	f.BoolVar(&o.Cold, "cold", false,
		"also measure first looks with an empty page cache: as root; it slows all else on the machine for a moment")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	f.DurationVar(&o.Timeout, "timeout", full.Timeout, "how `long` it may take at most")
	seconds := f.Float64("seconds", full.Cell.Seconds(),
		"`seconds` for each cell with many processes, 0.1 to 60; half of it for one process before and after")
	f.IntVar(&o.Calls, "calls", full.Calls,
		"`number` of calls between two looks for leaks, 100 to 1000000, and a tenth as many time-outs")
	f.Var((*counts)(&o.Sizes), "sizes",
		"`numbers` of tickets on the boards that are read, each 100 to 1000000")
	f.Var((*counts)(&o.Processes), "processes", "`numbers` of server processes, each 1 to 256")
	if err := f.Parse(args); err != nil {
		return o, asJSON, err
	}
	if f.NArg() > 0 {
		return o, asJSON, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if math.IsNaN(*seconds) {
		return o, asJSON, fmt.Errorf("seconds must be 0.1 to 60, not %g", *seconds)
	}
	o.Cell = time.Duration(*seconds * float64(time.Second))
	if *quick {
		small := bench.Quick()
		small.Program, small.Dir, small.Timeout, small.Cold = o.Program, o.Dir, o.Timeout, o.Cold
		f.Visit(func(given *flag.Flag) {
			switch given.Name {
			case "seconds":
				small.Cell = o.Cell
			case "calls":
				small.Calls = o.Calls
			case "sizes":
				small.Sizes = o.Sizes
			case "processes":
				small.Processes = o.Processes
			}
		})
		o = small
	}
	return o, asJSON, o.Check()
}

// counts is a flag of numbers with commas between.
type counts []int

func (c *counts) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*c), " ", ","), "[]")
}

func (c *counts) Set(text string) error {
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("%q is no number", part)
		}
		list = append(list, n)
	}
	*c = list
	return nil
}

// run measures, and prints what it found.
func run(o bench.Options, asJSON bool) (err error) {
	if o.Program == "" {
		if o.Program, err = findProgram(); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// a second signal ends the process at once; the servers then see their input end
	context.AfterFunc(ctx, stop)
	began := time.Now()
	found, err := bench.Run(ctx, o, os.Stderr)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	found.Seconds = time.Since(began).Seconds()
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(found)
	}
	return found.Print(os.Stdout)
}

// findProgram is the ticket-mcp that was built with this program, else the one that a shell would
// start.
func findProgram() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	beside := filepath.Join(filepath.Dir(self), "ticket-mcp")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	return exec.LookPath("ticket-mcp")
}
