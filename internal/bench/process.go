//go:build linux

package bench

import (
	"context"
	"fmt"
	"time"
)

// processFound is a figure of one server process.
type processFound struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Targets []goal  `json:"targets,omitempty"`
}

const megabyte = 1 << 20

// measureProcess measures what a server costs that has little or nothing to do, and whether it
// keeps what it should give back.
func (b *bencher) measureProcess(ctx context.Context) ([]processFound, error) {
	dir, err := b.disk.board("process")
	if err != nil {
		return nil, err
	}
	if err := b.disk.fill(ctx, dir, smallBoard); err != nil {
		return nil, err
	}
	if err := b.disk.put(dir, "work", "held"); err != nil {
		return nil, err
	}
	start, err := b.measureStart(ctx, dir)
	if err != nil {
		return nil, err
	}
	idle, err := b.measureIdle(ctx, dir)
	if err != nil {
		return nil, err
	}
	leaks, err := b.measureLeaks(ctx, dir)
	return append(append(start, idle...), leaks...), err
}

// measureStart times a server from its start to its list of tools.
func (b *bencher) measureStart(ctx context.Context, dir string) ([]processFound, error) {
	var times []time.Duration
	for n := range b.starts {
		b.show(fmt.Sprintf("starting a server: %d of %d", n, b.starts))
		began := time.Now()
		server, err := b.server(ctx, dir)
		if err != nil {
			return nil, err
		}
		err = server.Request("tools/list", struct{}{}, nil)
		times = append(times, time.Since(began))
		if err = joinStop(err, server); err != nil {
			return nil, err
		}
	}
	ms := milliseconds(median(times))
	return []processFound{{"from exec to the tools, median", ms, "ms",
		[]goal{atMost("", ms, 15, " ms")}}}, nil
}

// measureIdle looks at a server that was asked for its tools and nothing else.
func (b *bencher) measureIdle(ctx context.Context, dir string) (found []processFound, err error) {
	b.show("watching an idle server")
	server, err := b.server(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = joinStop(err, server) }()
	if err := server.Request("tools/list", struct{}{}, nil); err != nil {
		return nil, err
	}
	const settle = 500 * time.Millisecond
	if err := sleep(ctx, settle); err != nil {
		return nil, err
	}
	before, err := lookAtProcess(server.Cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, b.idle); err != nil {
		return nil, err
	}
	after, err := lookAtProcess(server.Cmd.Process.Pid)
	rss, used := float64(after.rss)/megabyte, milliseconds(after.cpu-before.cpu)
	return []processFound{
		{"memory, idle", rss, "MB", []goal{atMost("", rss, 16, " MB")}},
		{fmt.Sprintf("processor time in %s, idle", b.idle), used, "ms",
			[]goal{atMost("", used, 0, "")}},
	}, err
}

// measureLeaks counts what a server holds before and after many calls and many time-outs behind a
// lock that is held.
func (b *bencher) measureLeaks(ctx context.Context, dir string) (found []processFound, err error) {
	server, err := b.server(ctx, dir, "--lock-timeout", "10ms")
	if err != nil {
		return nil, err
	}
	defer func() { err = joinStop(err, server) }()
	work := func(calls int) error {
		for n := range calls {
			j := job{"show", map[string]any{"id": "work"}}
			if n%20 == 0 {
				j = job{"note", map[string]any{"id": "work", "text": "n"}}
			}
			if _, _, err := j.do(server); err != nil {
				return err
			}
		}
		return nil
	}
	stuck := func(calls int) (busy int, err error) {
		letGo, err := b.disk.hold(dir, "held")
		if err != nil {
			return 0, err
		}
		defer letGo()
		for range calls {
			was, _, err := job{"note", map[string]any{"id": "held", "text": "n"}}.do(server)
			if err != nil {
				return busy, err
			}
			if was {
				busy++
			}
		}
		return busy, nil
	}
	look := func() (process, error) {
		// a wait that was left behind ends when the lock is free
		const settle = 200 * time.Millisecond
		if err := sleep(ctx, settle); err != nil {
			return process{}, err
		}
		return lookAtProcess(server.Cmd.Process.Pid)
	}
	timeOuts := b.Calls / 10
	b.show(fmt.Sprintf("%d calls and %d time-outs", b.Calls, timeOuts))
	if err := work(100); err != nil {
		return nil, err
	}
	if _, err := stuck(2); err != nil {
		return nil, err
	}
	before, err := look()
	if err != nil {
		return nil, err
	}
	if err := work(b.Calls); err != nil {
		return nil, err
	}
	busy, err := stuck(timeOuts)
	if err != nil {
		return nil, err
	}
	if busy != timeOuts {
		return nil, fmt.Errorf("%d of %d calls behind a held lock were refused", busy, timeOuts)
	}
	after, err := look()
	descriptors := float64(after.descriptors - before.descriptors)
	what := fmt.Sprintf("after %d calls, %d time-outs: ", b.Calls, timeOuts)
	return []processFound{
		{what + "more descriptors", descriptors, "", []goal{atMost("", descriptors, 0, "")}},
		{what + "more threads", float64(after.threads - before.threads), "", nil},
		{what + "memory", float64(after.rss) / megabyte, "MB", nil},
	}, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
