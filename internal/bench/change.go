//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// changeFound is what one way to make a durable change costs.
type changeFound struct {
	Name   string        `json:"name"`
	Median time.Duration `json:"median_ns"`
	P99    time.Duration `json:"p99_ns"`
	Ratio  float64       `json:"ratio"` // to the floor
	// CPU is the processor time, of the server where it is one that makes the change, and CPURatio
	// that to the floor's.
	CPU      time.Duration `json:"cpu_ns"`
	CPURatio float64       `json:"cpu_ratio"`
	Targets  []goal        `json:"targets,omitempty"`
}

// way is one way to make a durable change.
type way struct {
	name   string
	target float64                       // the most it may cost, in floors; 0: none
	cpu    float64                       // and of processor time
	used   func() (time.Duration, error) // the processor time of whoever makes it, so far
	change func() error
}

// smallBoard is how many tickets lie on the board where changes are measured.
const smallBoard = 100

// measureChange makes one change after the other, each in every way, interleaved, so that what
// slows the machine slows all alike.
func (b *bencher) measureChange(ctx context.Context) (found []changeFound, err error) {
	dir, err := b.disk.board("change")
	if err != nil {
		return nil, err
	}
	if err := b.disk.fill(ctx, dir, smallBoard); err != nil {
		return nil, err
	}
	err = b.disk.put(dir, "floor", "door", "inside", "whole", "note", "blocked", "status")
	if err != nil {
		return nil, err
	}
	floor, err := newFloor(dir, "floor")
	if err != nil {
		return nil, err
	}
	defer floor.close()
	server, err := b.server(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = joinStop(err, server) }()
	board := &tools.Board{
		Store:   ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout),
		Session: session.New("", time.Now),
		Agent:   "bench",
		Now:     time.Now,
		WorkDir: filepath.Dir(dir),
	}
	var syncs []time.Duration
	inside, whole := startAndRelease("inside"), startAndRelease("whole")
	blocked, status := inTurns(
		job{"block", map[string]any{"id": "blocked", "blocked_by": bigID(0)}},
		job{"unblock", map[string]any{"id": "blocked", "blocked_by": bigID(0)}},
	), inTurns(
		job{"update", map[string]any{"id": "status", "priority": 1}},
		job{"update", map[string]any{"id": "status", "priority": 3}},
	)
	ofServer := func() (time.Duration, error) {
		used, _, err := timeUsed(server.Cmd.Process.Pid)
		return used, err
	}
	runtime.LockOSThread() // on which the floor's calls are made
	defer runtime.UnlockOSThread()
	ways := []way{
		{"the system calls alone (floor)", 0, 0, ofThread, func() error {
			t, err := floor.change()
			syncs = append(syncs, t)
			return err
		}},
		{"WithTicketLock, flipping a character", 1.15, 0, ofProcess, func() error {
			return board.Store.WithTicketLock(ctx, benchPath(dir, "door"),
				func(content []byte) ([]byte, error) {
					content = slices.Clone(content)
					flip(content)
					return content, nil
				})
		}},
		{"ping: the protocol alone, nothing done", 0, 0, ofServer,
			func() error { return server.Request("ping", nil, nil) }},
		{"start, release: in this process", 0, 0, ofProcess, func() error {
			j := inside()
			arguments, err := json.Marshal(j.arguments)
			if err == nil {
				_, err = board.Call(ctx, j.tool, arguments)
			}
			return err
		}},
		{"start, release: whole calls of a server", 1.6, 0, ofServer, func() error {
			_, err := whole().must(server)
			return err
		}},
		{"note: whole calls of a server", 1.6, 2.2, ofServer, func() error {
			_, err := job{"note", map[string]any{"id": "note", "text": "n"}}.must(server)
			return err
		}},
		{"block, unblock: whole calls of a server", 1.6, 2.2, ofServer, func() error {
			_, err := blocked().must(server)
			return err
		}},
		{"status: whole calls of a server", 1.6, 2.2, ofServer, func() error {
			_, err := status().must(server)
			return err
		}},
	}
	const warmUp = 10
	times, cpu := make([][]time.Duration, len(ways)), make([][]time.Duration, len(ways))
	for n := range b.changes + warmUp {
		if n == warmUp {
			syncs, times, cpu = nil, make([][]time.Duration, len(ways)), make([][]time.Duration, len(ways))
		}
		b.show(fmt.Sprintf("one durable change: %d of %d", n, b.changes))
		for k := range ways {
			i := (n + k) % len(ways) // none always comes behind the same other one
			took, used, err := ways[i].measure()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ways[i].name, err)
			}
			times[i], cpu[i] = append(times[i], took), append(cpu[i], used)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return costs(ways, times, cpu, syncs), nil
}

// costs are what the ways cost, the floor first.
func costs(ways []way, times, cpu [][]time.Duration, syncs []time.Duration) (found []changeFound) {
	for i, w := range ways {
		f := changeFound{w.name, median(times[i]), quantile(times[i], 0.99),
			pairRatio(times[i], times[0]), median(cpu[i]), pairRatio(cpu[i], cpu[0]), nil}
		if w.target > 0 {
			f.Targets = append(f.Targets, atMost("ratio", f.Ratio, w.target, ""))
		}
		if w.cpu > 0 {
			f.Targets = append(f.Targets, atMost("cpu", f.CPURatio, w.cpu, ""))
		}
		found = append(found, f)
		if i == 0 {
			found = append(found, changeFound{"    of that, the two syncs", median(syncs),
				quantile(syncs, 0.99), pairRatio(syncs, times[0]), 0, 0, nil})
		}
	}
	return found
}

// measure makes one change.
func (w way) measure() (took, used time.Duration, err error) {
	before, err := w.used()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := w.change(); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	after, err := w.used()
	return took, after - before, err
}

// ofThread is the processor time of this thread: the floor is what a program without a runtime
// takes.
func ofThread() (time.Duration, error) { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

// ofProcess is that of this process.
func ofProcess() (time.Duration, error) { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(id, &t)
	return time.Duration(t.Nano()), err
}

// startAndRelease alternates between the two calls.
func startAndRelease(id string) func() job {
	arguments := map[string]any{"id": id}
	return inTurns(job{"start", arguments}, job{"release", arguments})
}

// inTurns alternates between jobs.
func inTurns(jobs ...job) func() job {
	n := -1
	return func() job {
		n++
		return jobs[n%len(jobs)]
	}
}

// joinStop ends servers; one that did not end by itself is an error as well.
func joinStop(err error, servers ...*client.Client) error {
	if stopErr := client.CloseAll(servers); err == nil && stopErr != nil {
		err = fmt.Errorf("end servers: %w", stopErr)
	}
	return err
}
