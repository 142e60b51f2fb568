//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// crowdFound is what a number of processes did in a fixed time, each calling as fast as it is
// answered.
type crowdFound struct {
	Name      string        `json:"name"`
	Processes int           `json:"processes"`
	Rate      float64       `json:"changes_per_second"`
	Ratio     float64       `json:"ratio"`    // to one process, right before and after
	OfFloor   float64       `json:"of_floor"` // to as many threads that make the bare system calls; 0: not measured
	Fairness  float64       `json:"fairness"` // changes of the slowest to those of the fastest
	Busy      int           `json:"busy"`     // refused because a lock was not free in time
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	Max       time.Duration `json:"max_ns"`
	CPU       time.Duration `json:"cpu_ns"` // that the servers used for each change
	Targets   []goal        `json:"targets,omitempty"`
}

// load is what the processes of a crowd do.
type load struct {
	name   string
	shared bool // all on one ticket
	jobs   func(process int) []job
	most   int // changes to one ticket in one window, for those that make it longer; 0: any number
}

func ownID(process int) string { return fmt.Sprintf("own-%d", process) }
func byID(process int) string  { return fmt.Sprintf("blocker-%d", process) }

func floorID(thread int) string { return fmt.Sprintf("floor-%d", thread) }

const sharedID = "shared"

func loads() []load {
	note := func(id string) []job { return []job{{"note", map[string]any{"id": id, "text": "n"}}} }
	block := func(id string, process int) []job {
		arguments := map[string]any{"id": id, "blocked_by": byID(process)}
		return []job{{"block", arguments}, {"unblock", arguments}}
	}
	const most = 2000
	return []load{
		{"one ticket: note", true, func(int) []job { return note(sharedID) }, most},
		{"one ticket: block, unblock", true, func(p int) []job { return block(sharedID, p) }, 0},
		{"own tickets: note", false, func(p int) []job { return note(ownID(p)) }, most},
		{"own tickets: block, unblock", false, func(p int) []job { return block(ownID(p), p) }, 0},
		{"own tickets: start, release", false, func(p int) []job {
			arguments := map[string]any{"id": ownID(p)}
			return []job{{"start", arguments}, {"release", arguments}}
		}, 0},
	}
}

// lane is one process and the calls that it makes in turn.
type lane struct {
	server *client.Client
	jobs   []job
	next   int
}

// measureCrowds lets crowds of each size do each kind of work, and one process alone between any
// two of them.
func (b *bencher) measureCrowds(ctx context.Context) (found []crowdFound, err error) {
	dir, err := b.disk.board("crowd")
	if err != nil {
		return nil, err
	}
	most := slices.Max(b.Processes)
	ids := []string{sharedID}
	for p := range most {
		ids = append(ids, ownID(p), byID(p), floorID(p))
	}
	if err := b.disk.put(dir, ids...); err != nil {
		return nil, err
	}
	b.show(fmt.Sprintf("starting %d servers", most))
	servers, err := b.servers(ctx, most, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = joinStop(err, servers...) }()
	if err := warmUp(servers); err != nil {
		return nil, err
	}
	for _, l := range loads() {
		var alone []crowdFound // windows of one process
		window := func(processes int, d time.Duration) (crowdFound, error) {
			b.show(fmt.Sprintf("%s, %d processes", l.name, processes))
			if err := b.disk.put(dir, ids...); err != nil {
				return crowdFound{}, err
			}
			return l.window(ctx, servers[:processes], d)
		}
		crowds := slices.DeleteFunc(slices.Clone(b.Processes), func(n int) bool { return n == 1 })
		rows := make([]crowdFound, len(crowds))
		for i := 0; ; i++ {
			one, err := window(1, b.Cell/2)
			if err != nil {
				return nil, err
			}
			alone = append(alone, one)
			if i == len(crowds) {
				break
			}
			if rows[i], err = window(crowds[i], b.Cell); err != nil {
				return nil, err
			}
			if !l.shared {
				floor, err := floorRate(ctx, dir, crowds[i], b.Cell/2)
				if err != nil {
					return nil, fmt.Errorf("the system calls alone: %w", err)
				}
				rows[i].OfFloor = rows[i].Rate / floor
			}
		}
		found = append(found, l.aloneRow(alone))
		for i, row := range rows {
			row.Ratio = 2 * row.Rate / (alone[i].Rate + alone[i+1].Rate)
			row.Targets = l.targets(row)
			found = append(found, row)
		}
	}
	return found, nil
}

// floorRate is how many changes a second threads make by the bare system calls, each of its own
// ticket.
func floorRate(ctx context.Context, dir string, threads int, d time.Duration) (float64, error) {
	var done atomic.Int64
	errs := make([]error, threads)
	begin := time.Now()
	end := begin.Add(d)
	var group sync.WaitGroup
	for i := range threads {
		group.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			floor, err := newFloor(dir, floorID(i))
			if err != nil {
				errs[i] = err
				return
			}
			defer floor.close()
			for time.Now().Before(end) && ctx.Err() == nil {
				if _, err := floor.change(); err != nil {
					errs[i] = err
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(max(done.Load(), 1)) / time.Since(begin).Seconds(), errors.Join(errs...)
}

// warmUp lets each server make its first changes, which do what later ones need not do: they sign
// the session, and try whether locks work on this filesystem.
func warmUp(servers []*client.Client) error {
	errs := make([]error, len(servers))
	var group sync.WaitGroup
	for i, server := range servers {
		group.Go(func() {
			for _, tool := range []string{"start", "release"} {
				_, _, err := job{tool, map[string]any{"id": ownID(i)}}.do(server)
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// window lets each server work until the time is over.
func (l load) window(ctx context.Context, servers []*client.Client,
	d time.Duration) (crowdFound, error) {
	lanes := make([]lane, len(servers))
	answers := make([][]answered, len(servers))
	errs := make([]error, len(servers))
	var busy, done atomic.Int64
	most := int64(l.most)
	if !l.shared {
		most *= int64(len(servers))
	}
	before, err := timeOf(servers)
	if err != nil {
		return crowdFound{}, err
	}
	begin := time.Now()
	end := begin.Add(d)
	var group sync.WaitGroup
	for i := range lanes {
		lanes[i] = lane{server: servers[i], jobs: l.jobs(i)}
		group.Go(func() {
			// Each makes one call, however late it gets its turn on a busy machine.
			for first := true; first || time.Now().Before(end) && ctx.Err() == nil &&
				(most == 0 || done.Load() < most); first = false {
				sent := time.Now()
				wasBusy, err := lanes[i].step()
				if err != nil {
					errs[i] = err
					return
				}
				answers[i] = append(answers[i], answered{sent, time.Now()})
				if wasBusy {
					busy.Add(1)
				} else {
					done.Add(1)
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(ctx.Err(), errors.Join(errs...)); err != nil {
		return crowdFound{}, err
	}
	if now := time.Now(); now.Before(end) {
		end = now // so many changes that there was no need to go on
	}
	after, err := timeOf(servers)
	if err != nil {
		return crowdFound{}, err
	}
	t := tallyUp(answers, begin, end)
	return crowdFound{
		Name: l.name, Processes: len(servers), Rate: t.rate, Fairness: t.fairness, Busy: int(busy.Load()),
		P50: median(t.waits), P99: quantile(t.waits, 0.99), Max: quantile(t.waits,
			1), CPU: (after - before) / time.Duration(max(done.Load(), 1)),
	}, nil
}

func timeOf(servers []*client.Client) (used time.Duration, err error) {
	for _, server := range servers {
		t, _, err := timeUsed(server.Cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		used += t
	}
	return used, nil
}

func (l *lane) step() (busy bool, err error) {
	busy, _, err = l.jobs[l.next%len(l.jobs)].do(l.server)
	if err == nil && !busy {
		l.next++
	}
	return busy, err
}

// aloneRow sums up the windows of one process, which its neighbours are compared with.
func (l load) aloneRow(windows []crowdFound) crowdFound {
	row := crowdFound{Name: l.name, Processes: 1, Ratio: 1, Fairness: 1}
	var rates []float64
	var p50s, p99s, cpus []time.Duration
	for _, w := range windows {
		rates, p50s, p99s, cpus = append(rates, w.Rate), append(p50s, w.P50), append(p99s,
			w.P99), append(cpus, w.CPU)
		row.Max = max(row.Max, w.Max)
		row.Busy += w.Busy
	}
	row.Rate, row.P50, row.P99, row.CPU = median(rates), median(p50s), median(p99s), median(cpus)
	return row
}

// targets are those that crowds of these sizes have.
func (l load) targets(row crowdFound) []goal {
	goals := []goal{atMost("busy", float64(row.Busy), 0, "")}
	switch {
	case l.shared && row.Processes == 48:
		goals = append(goals, atLeast("ratio", row.Ratio, 0.6, ""),
			atLeast("fairness", row.Fairness, 1.0/3, ""))
	case !l.shared && row.Processes == 8 && l.most > 0:
		goals = append(goals, atLeast("of floor", row.OfFloor, 0.5, ""))
	case !l.shared && row.Processes == 32:
		goals = append(goals, atLeast("ratio", row.Ratio, 1.5, ""))
	case row.Processes == 128:
		goals = append(goals, atMost("max", row.Max.Seconds(), 4, " s"))
	}
	return goals
}
