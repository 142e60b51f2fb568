//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// changeFound is what one way to make a durable change costs.
type changeFound struct {
	Name    string        `json:"name"`
	Median  time.Duration `json:"median_ns"`
	P99     time.Duration `json:"p99_ns"`
	Ratio   float64       `json:"ratio"` // to the floor
	Targets []goal        `json:"targets,omitempty"`
}

// way is one way to make a durable change.
type way struct {
	name   string
	target float64 // the most it may cost, in floors; 0: none
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
	if err := b.disk.put(dir, "floor", "door", "inside", "whole", "note"); err != nil {
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
	ways := []way{
		{"the system calls alone (floor)", 0, func() error {
			t, err := floor.change()
			syncs = append(syncs, t)
			return err
		}},
		{"WithTicketLock, flipping a character", 1.15, func() error {
			return board.Store.WithTicketLock(ctx, benchPath(dir, "door"),
				func(content []byte) ([]byte, error) {
					content = slices.Clone(content)
					flip(content)
					return content, nil
				})
		}},
		{"ping: the protocol alone, nothing done", 0,
			func() error { return server.Request("ping", nil, nil) }},
		{"start, release: in this process", 0, func() error {
			j := inside()
			arguments, err := json.Marshal(j.arguments)
			if err == nil {
				_, err = board.Call(ctx, j.tool, arguments)
			}
			return err
		}},
		{"start, release: whole calls of a server", 1.5, func() error {
			_, err := whole().must(server)
			return err
		}},
		{"note: whole calls of a server", 0, func() error {
			_, err := job{"note", map[string]any{"id": "note", "text": "n"}}.must(server)
			return err
		}},
	}
	const warmUp = 10
	times := make([][]time.Duration, len(ways))
	for n := range b.changes + warmUp {
		if n == warmUp {
			syncs, times = nil, make([][]time.Duration, len(ways))
		}
		b.show(fmt.Sprintf("one durable change: %d of %d", n, b.changes))
		for k := range ways {
			i := (n + k) % len(ways) // none always comes behind the same other one
			began := time.Now()
			if err := ways[i].change(); err != nil {
				return nil, fmt.Errorf("%s: %w", ways[i].name, err)
			}
			times[i] = append(times[i], time.Since(began))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	for i, w := range ways {
		f := changeFound{w.name, median(times[i]), quantile(times[i], 0.99),
			pairRatio(times[i], times[0]), nil}
		if w.target > 0 {
			f.Targets = []goal{atMost("ratio", f.Ratio, w.target, "")}
		}
		found = append(found, f)
		if i == 0 {
			found = append(found, changeFound{"    of that, the two syncs", median(syncs),
				quantile(syncs, 0.99), pairRatio(syncs, times[0]), nil})
		}
	}
	return found, nil
}

// startAndRelease alternates between the two calls.
func startAndRelease(id string) func() job {
	started := false
	return func() job {
		started = !started
		if started {
			return job{"start", map[string]any{"id": id}}
		}
		return job{"release", map[string]any{"id": id}}
	}
}

// joinStop ends servers; one that did not end by itself is an error as well.
func joinStop(err error, servers ...*client.Client) error {
	if stopErr := client.CloseAll(servers); err == nil && stopErr != nil {
		err = fmt.Errorf("end servers: %w", stopErr)
	}
	return err
}
