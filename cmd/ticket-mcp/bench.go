//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// benchOptions are how much is measured: the flags, and what follows from them.
type benchOptions struct {
	dir       string
	json      bool
	cell      time.Duration // each cell with a crowd of processes
	sizes     []int         // of the boards that are read
	processes []int
	timeout   time.Duration

	changes int           // rounds of one durable change
	starts  int           // of a server
	idle    time.Duration // watched
	calls   int           // between two looks for leaks; a tenth as many time-outs
	reads   int           // of each kind on each board

	program string   // the servers; "" for this one
	env     []string // of the servers, besides what they inherit
}

func parseBenchOptions(args []string) (benchOptions, error) {
	o := benchOptions{
		cell: 3 * time.Second, sizes: []int{1_000, 10_000, 100_000}, processes: []int{1, 8, 32, 48, 128},
		changes: 600, starts: 20, idle: 3 * time.Second, calls: 10_000, reads: 30,
	}
	small := benchOptions{
		cell: 500 * time.Millisecond, sizes: []int{1_000, 10_000}, processes: []int{1, 8, 32},
		changes: 100, starts: 5, idle: time.Second, calls: 1_000, reads: 10,
	}
	f := flag.NewFlagSet("ticket-mcp bench", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), `ticket-mcp bench measures on scratch boards, by real server processes, and prints each figure beside its target. Targets are
ratios where they can be, taken from measurements made in turns; those of a busy machine say little all the same. The exit
status does not depend on them.

usage: ticket-mcp bench [flags]

flags:
`)
		f.PrintDefaults()
	}
	quick := f.Bool("quick", false, "measure less, in half a minute")
	f.StringVar(&o.dir, "dir", "", "the `folder` below which the scratch boards are made, to measure its filesystem (default the temporary folder)")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "how `long` it may take at most")
	seconds := f.Float64("seconds", o.cell.Seconds(), "`seconds` for each cell with many processes, 0.1 to 60; half of it for one process before and after")
	f.IntVar(&o.calls, "calls", o.calls, "`number` of calls between two looks for leaks, 100 to 1000000, and a tenth as many time-outs")
	f.Var((*counts)(&o.sizes), "sizes", "`numbers` of tickets on the boards that are read, each 100 to 1000000")
	f.Var((*counts)(&o.processes), "processes", "`numbers` of server processes, each 1 to 256")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	o.cell = time.Duration(*seconds * float64(time.Second))
	if *quick {
		small.dir, small.json, small.timeout = o.dir, o.json, o.timeout
		f.Visit(func(given *flag.Flag) {
			switch given.Name {
			case "seconds":
				small.cell = o.cell
			case "calls":
				small.calls = o.calls
			case "sizes":
				small.sizes = o.sizes
			case "processes":
				small.processes = o.processes
			}
		})
		o = small
	}
	if math.IsNaN(*seconds) || *seconds < 0.1 || *seconds > 60 {
		return o, fmt.Errorf("seconds must be 0.1 to 60, not %g", *seconds)
	}
	return o, errors.Join(within("calls", []int{o.calls}, 100, 1_000_000), within("sizes", o.sizes, 100, 1_000_000), within("processes", o.processes, 1, 256))
}

func within(name string, values []int, low, high int) error {
	if slices.Min(values) < low || slices.Max(values) > high {
		return fmt.Errorf("%s must each be %d to %d", name, low, high)
	}
	return nil
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

// bench measures, and prints what it found.
func bench(args []string) int {
	o, err := parseBenchOptions(args)
	if err != nil {
		return exitOn(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once; the servers then see their input end
	began := time.Now()
	found, err := benchAll(ctx, o, os.Stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: bench: interrupted")
		return 1
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: bench:", err)
		return 1
	}
	found.Seconds = time.Since(began).Seconds()
	if o.json {
		err = json.NewEncoder(os.Stdout).Encode(found)
	} else {
		err = found.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ticket-mcp: bench:", err)
		return 1
	}
	return 0
}

// bencher is a bench under way.
type bencher struct {
	benchOptions
	disk *benchDisk
	show func(string) // progress
}

// benchAll measures everything. Whatever happens, the servers are ended and the boards are removed.
func benchAll(ctx context.Context, o benchOptions, progress *os.File) (found benchReport, err error) {
	if o.program == "" {
		if o.program, err = os.Executable(); err != nil {
			return found, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not finished after %s; see --timeout", o.timeout))
	defer cancel()
	defer func() {
		if ctx.Err() != nil { // whatever went wrong then, went wrong because of this
			err = context.Cause(ctx)
		}
	}()
	show, clear := terminal.Progress(progress)
	defer clear()
	disk, err := newBenchDisk(o.dir)
	if err != nil {
		return found, err
	}
	defer func() {
		show("removing the scratch boards")
		err = errors.Join(err, disk.remove())
	}()
	b := &bencher{o, disk, show}
	if found.Machine, err = lookAtMachine(disk.root); err != nil {
		return found, err
	}
	// The large boards come last: what the kernel still writes of them must not be in the way of the rest.
	if found.Changes, err = b.measureChange(ctx); err != nil {
		return found, fmt.Errorf("one durable change: %w", err)
	}
	if found.Crowds, err = b.measureCrowds(ctx); err != nil {
		return found, fmt.Errorf("many processes: %w", err)
	}
	if found.Process, err = b.measureProcess(ctx); err != nil {
		return found, fmt.Errorf("a server process: %w", err)
	}
	if found.Reads, err = b.measureReads(ctx); err != nil {
		return found, fmt.Errorf("reading: %w", err)
	}
	return found, nil
}

// server starts one server on a board.
func (b *bencher) server(ctx context.Context, dir string, flags ...string) (*client.Client, error) {
	servers, err := b.servers(ctx, 1, dir, flags...)
	if err != nil {
		return nil, err
	}
	return servers[0], nil
}

func (b *bencher) servers(ctx context.Context, n int, dir string, flags ...string) ([]*client.Client, error) {
	return client.StartAll(ctx, client.Servers{Program: b.program, Number: n, Env: b.env}, dir, flags...)
}

// job is a call that is made over and over.
type job struct {
	tool      string
	arguments map[string]any
}

// do makes a call; what is not done is an error, but for a lock that was busy.
func (j job) do(server *client.Client) (busy bool, answer client.Result, err error) {
	answer, err = server.Call(j.tool, j.arguments)
	if err != nil || !answer.IsError {
		return false, answer, err
	}
	if answer.Code == "busy" {
		return true, answer, nil
	}
	return false, answer, fmt.Errorf("%s %v: %s", j.tool, j.arguments, answer.Text)
}

// must is do where nobody else is there that a lock could be busy with.
func (j job) must(server *client.Client) (client.Result, error) {
	busy, answer, err := j.do(server)
	if busy {
		err = errors.New(answer.Text)
	}
	return answer, err
}
