//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// lookFound is what a first look at a board costs, or a search in it, beside a program that reads
// every file and does nothing else.
type lookFound struct {
	Name    string        `json:"name"`
	Tickets int           `json:"tickets"`
	Median  time.Duration `json:"median_ns"`
	Floor   time.Duration `json:"floor_ns"`
	Ratio   float64       `json:"ratio"`
	Targets []goal        `json:"targets,omitempty"`
}

// A look is one kind of call on a board whose tickets have bodies of 4 KB.
type look struct {
	name string
	cold bool // after the system forgot what it has of the disk
	// prepare is what happens with a fresh server before it is measured; nil for nothing.
	prepare   func(context.Context, *client.Client) error
	tool      string
	arguments map[string]any
	undo      *job
	most      time.Duration // the target at 10,000 tickets; larger boards may take as much more
}

// asked is how long a client has the list of tools before it calls one.
const asked = 2 * time.Second

func looksAt(n int) []look {
	first := bigID(n)
	search := func(query string) map[string]any { return map[string]any{"query": query} }
	warm := func(_ context.Context, server *client.Client) error {
		return calling(server, "ready", nil)()
	}
	afterTools := func(ctx context.Context, server *client.Client) error {
		err := server.Request("tools/list", struct{}{}, nil)
		return errors.Join(err, sleep(ctx, asked))
	}
	const inTime, searched = 400 * time.Millisecond, 150 * time.Millisecond
	return []look{
		{"first ready", false, nil, "ready", nil, nil, 0},
		{"first list", false, nil, "list", nil, nil, 0},
		{"first start", false, nil, "start", map[string]any{"id": first},
			&job{"release", map[string]any{"id": first}}, 0},
		{fmt.Sprintf("first ready, %s after tools/list", asked), false, afterTools, "ready", nil,
			nil, 0},
		{"first ready, cold", true, nil, "ready", nil, nil, inTime},
		{"first list, cold", true, nil, "list", nil, nil, inTime},
		{"first start, cold", true, nil, "start", map[string]any{"id": first},
			&job{"release", map[string]any{"id": first}}, inTime},
		{"search: a word of one ticket", false, warm, "list", search("needle"), nil, searched},
		{"search: three words", false, warm, "list", search("needle some ticket"), nil, searched},
		{"search: nothing found", false, warm, "list", search("missing"), nil, searched},
	}
}

// measureLooks measures each look some times, interleaved with its floor.
func (b *bencher) measureLooks(ctx context.Context) ([]lookFound, error) {
	var found []lookFound
	for _, n := range b.Sizes {
		b.show(fmt.Sprintf("writing %d tickets of 4 KB", n))
		dir, err := b.disk.board(fmt.Sprintf("look-%d", n))
		if err != nil {
			return nil, err
		}
		if err := b.disk.fillLarge(ctx, dir, n); err != nil {
			return nil, err
		}
		for _, l := range looksAt(n) {
			if l.cold && !b.Cold {
				continue
			}
			f, err := b.measureLook(ctx, l, dir, n)
			if err != nil {
				return nil, fmt.Errorf("%d tickets: %s: %w", n, l.name, err)
			}
			found = append(found, f)
		}
	}
	return found, nil
}

func (b *bencher) measureLook(ctx context.Context, l look, dir string, n int) (lookFound, error) {
	f := lookFound{Name: l.name, Tickets: n}
	readers := runtime.GOMAXPROCS(0)
	if l.cold {
		readers = 32 // as many as a disk likes
	}
	var floors, times []time.Duration
	for i := range b.looks {
		b.show(fmt.Sprintf("%d tickets: %s, %d of %d", n, l.name, i, b.looks))
		if l.cold {
			if err := b.disk.chill(); err != nil {
				return f, err
			}
		}
		floor, err := timed(func() error { return bareRead(dir, readers) })
		if err != nil {
			return f, err
		}
		took, err := b.timeLook(ctx, l, dir)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return f, err
		}
		floors, times = append(floors, floor), append(times, took)
	}
	f.Median, f.Floor, f.Ratio = median(times), median(floors), pairRatio(times, floors)
	if l.most > 0 && n >= 10_000 {
		f.Targets = []goal{atMost("", milliseconds(f.Median),
			milliseconds(l.most)*float64(n)/10_000, " ms")}
	}
	return f, nil
}

// timeLook lets a fresh server look.
func (b *bencher) timeLook(ctx context.Context, l look, dir string) (took time.Duration, err error) {
	if l.cold {
		if err := b.disk.chill(); err != nil {
			return 0, err
		}
	}
	server, err := b.server(ctx, dir) // its own pages are in memory after that
	if err != nil {
		return 0, err
	}
	defer func() { err = joinStop(err, server) }()
	if l.prepare != nil {
		if err := l.prepare(ctx, server); err != nil {
			return 0, err
		}
	}
	if took, err = timed(calling(server, l.tool, l.arguments)); err == nil && l.undo != nil {
		_, err = l.undo.must(server)
	}
	return took, err
}
