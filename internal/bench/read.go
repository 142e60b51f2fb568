//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// readFound is how fast a board of some size is read. All but Scan are whole calls of a server;
// Next and Close are durable changes.
type readFound struct {
	Tickets    int           `json:"tickets"`
	Scan       time.Duration `json:"scan_ns"`  // a bare look at all files
	First      time.Duration `json:"first_ns"` // ready of a fresh server
	FirstRatio float64       `json:"first_ratio"`
	// the server had a watch of the folder, and no need to look through it
	Watched bool          `json:"watched"`
	Ready   time.Duration `json:"ready_ns"`
	Changed time.Duration `json:"ready_after_change_ns"` // by another program
	Next    time.Duration `json:"start_next_ns"`
	Close   time.Duration `json:"close_ns"`
	List    time.Duration `json:"list_ns"`
	Show    time.Duration `json:"show_ns"`
	// of the server's memory, rough: what the first look left lying is in it
	PerTicket float64 `json:"bytes_per_ticket"`
	Targets   []goal  `json:"targets,omitempty"`
}

func (b *bencher) measureReads(ctx context.Context) ([]readFound, error) {
	var found []readFound
	for _, n := range b.Sizes {
		b.show(fmt.Sprintf("writing %d tickets", n))
		dir, err := b.disk.board(fmt.Sprintf("read-%d", n))
		if err != nil {
			return nil, err
		}
		if err := b.disk.fill(ctx, dir, n); err != nil {
			return nil, err
		}
		b.show(fmt.Sprintf("reading %d tickets", n))
		f, err := b.measureBoard(ctx, dir, n)
		if err != nil {
			return nil, fmt.Errorf("%d tickets: %w", n, err)
		}
		found = append(found, f)
	}
	return found, nil
}

// measureBoard compares first looks of fresh servers with bare scans, interleaved, and then lets
// the last of the servers work.
func (b *bencher) measureBoard(ctx context.Context, dir string, n int) (f readFound, err error) {
	if err := bareScan(dir); err != nil { // warm
		return f, err
	}
	var scans, firsts []time.Duration
	var server *client.Client
	defer func() {
		if server != nil {
			err = joinStop(err, server)
		}
	}()
	fresh := 3
	if n <= 10_000 {
		fresh = 9 // short ones vary more
	}
	for range fresh {
		if server != nil {
			if err := server.Close(); err != nil {
				return f, err
			}
			server = nil
		}
		scan, err := timed(func() error { return bareScan(dir) })
		if err != nil {
			return f, err
		}
		if server, err = b.server(ctx, dir); err != nil {
			return f, err
		}
		before, err := lookAtProcess(server.Cmd.Process.Pid)
		if err != nil {
			return f, err
		}
		first, err := timed(calling(server, "ready", nil))
		if err != nil {
			return f, err
		}
		after, err := lookAtProcess(server.Cmd.Process.Pid)
		if err != nil {
			return f, err
		}
		scans, firsts = append(scans, scan), append(firsts, first)
		f.PerTicket = float64(after.rss-before.rss) / float64(n)
	}
	f.Tickets, f.Scan, f.First, f.FirstRatio = n, median(scans), median(firsts), pairRatio(firsts,
		scans)
	if err := b.measureWarm(ctx, server, dir, &f); err != nil {
		return f, err
	}
	f.Targets = []goal{atMost("first", f.FirstRatio, 8, " scans")}
	if f.Watched {
		for _, g := range []struct {
			what string
			took time.Duration
		}{{"ready", max(f.Ready, f.Changed)}, {"next", f.Next}, {"close", f.Close}} {
			f.Targets = append(f.Targets, atMost(g.what, milliseconds(g.took), 5, " ms"))
		}
	}
	return f, nil
}

// measureWarm measures a server that has read the board.
func (b *bencher) measureWarm(ctx context.Context, server *client.Client, dir string,
	f *readFound) error {
	p, err := lookAtProcess(server.Cmd.Process.Pid)
	if err != nil {
		return err
	}
	f.Watched = p.watching
	edited := bigID(1)
	measured := []*time.Duration{&f.Ready, &f.Changed, &f.Next, &f.Close, &f.List, &f.Show}
	times := make([][]time.Duration, len(measured))
	for range b.reads {
		next := ""
		for i, one := range []func() error{
			calling(server, "ready", nil),
			calling(server, "ready", nil),
			func() error {
				answer, err := job{"start", map[string]any{}}.must(server)
				var started struct{ ID string }
				if err == nil {
					err = json.Unmarshal(answer.Structured, &started)
				}
				next = started.ID
				return err
			},
			func() error { return calling(server, "close", map[string]any{"id": next})() },
			calling(server, "list", nil),
			calling(server, "show", map[string]any{"id": edited}),
		} {
			if measured[i] == &f.Changed {
				if err := b.disk.put(dir, edited); err != nil {
					return err
				}
			}
			took, err := timed(one)
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			times[i] = append(times[i], took)
		}
	}
	for i, to := range measured {
		*to = median(times[i])
	}
	return nil
}

func calling(server *client.Client, tool string, arguments map[string]any) func() error {
	if arguments == nil {
		arguments = map[string]any{}
	}
	return func() error {
		_, err := job{tool, arguments}.must(server)
		return err
	}
}

func timed(do func() error) (time.Duration, error) {
	began := time.Now()
	err := do()
	return time.Since(began), err
}
