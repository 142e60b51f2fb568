//go:build linux

// Package bench measures on scratch boards, by real server processes, how fast the program is,
// beside the bare system calls and beside its targets. Targets are ratios where they can be, taken
// from interleaved measurements; those of a busy machine say little all the same. It measures by
// what Linux alone tells of processes.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// Options are how much is measured.
type Options struct {
	Program string // the servers
	// below which the scratch boards are made; "" for the system's temporary folder
	Dir       string
	Cell      time.Duration // each cell with a crowd of processes
	Sizes     []int         // of the boards that are read
	Processes []int
	Calls     int // between two looks for leaks; a tenth as many time-outs
	Timeout   time.Duration
	Cold      bool // also first looks after the system forgot all that it has of the disk, as root

	changes int           // rounds of one durable change
	starts  int           // of a server
	idle    time.Duration // watched
	reads   int           // of each kind on each board
	looks   int           // of each kind at each board, each of a fresh server
}

// Full measures all, in some minutes.
func Full() Options {
	return Options{
		Cell: 3 * time.Second, Sizes: []int{1_000, 10_000, 100_000}, Processes: []int{1, 8, 32, 48,
			128}, Timeout: 15 * time.Minute,
		changes: 600, starts: 20, idle: 3 * time.Second, Calls: 10_000, reads: 30, looks: 5,
	}
}

// Quick measures less, in one or two minutes.
func Quick() Options {
	return Options{
		Cell: 500 * time.Millisecond, Sizes: []int{1_000, 10_000}, Processes: []int{1, 8,
			32}, Timeout: 15 * time.Minute,
		changes: 100, starts: 5, idle: time.Second, Calls: 1_000, reads: 10, looks: 3,
	}
}

// Check says what is wrong with options, as the person who gave them would put it.
func (o Options) Check() error {
	if o.Cell < 100*time.Millisecond || o.Cell > time.Minute {
		return fmt.Errorf("seconds must be 0.1 to 60, not %g", o.Cell.Seconds())
	}
	return errors.Join(within("calls", []int{o.Calls}, 100, 1_000_000),
		within("sizes", o.Sizes, 100, 1_000_000), within("processes", o.Processes, 1, 256))
}

func within(name string, values []int, low, high int) error {
	if slices.Min(values) < low || slices.Max(values) > high {
		return fmt.Errorf("%s must each be %d to %d", name, low, high)
	}
	return nil
}

// bencher is a bench under way.
type bencher struct {
	Options
	disk *benchDisk
	show func(string) // progress
}

// Run measures everything. Whatever happens, the servers are ended and the boards are removed.
func Run(ctx context.Context, o Options, progress *os.File) (found Report, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout,
		fmt.Errorf("not finished after %s; see --timeout", o.Timeout))
	defer cancel()
	defer func() {
		if ctx.Err() != nil { // whatever went wrong then, went wrong because of this
			err = context.Cause(ctx)
		}
	}()
	show, clear := terminal.Progress(progress)
	defer clear()
	disk, err := newBenchDisk(o.Dir)
	if err != nil {
		return found, err
	}
	defer func() {
		show("removing the scratch boards")
		err = errors.Join(err, disk.remove())
	}()
	b := &bencher{o, disk, show}
	if found.Machine, err = lookAtMachine(disk.root, b.Program); err != nil {
		return found, err
	}
	// The large boards come last: what the kernel still writes of them must not be in the way of
	// the rest.
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
	if found.Looks, err = b.measureLooks(ctx); err != nil {
		return found, fmt.Errorf("first looks: %w", err)
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

func (b *bencher) servers(ctx context.Context, n int, dir string,
	flags ...string) ([]*client.Client, error) {
	return client.StartAll(ctx, client.Servers{Program: b.Program, Number: n}, []string{dir}, flags...)
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
