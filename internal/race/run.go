package race

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// racer is the server processes of a race, on one board.
type racer struct {
	board   *scratch
	servers []*client.Client
	random  *rand.Rand
}

// Result is what came of a scenario.
type Result struct {
	name                       string
	rounds                     int
	overlapping                int // rounds in which all lanes were under way at one moment
	done, refused, lost        int
	fewestWinners, mostWinners int // calls of one round that were done
	broken                     []string
	spent                      time.Duration // in the races alone
	waits                      []time.Duration
}

// run makes the rounds of a scenario and judges each. It stops early when ctx ends.
func (r *racer) run(ctx context.Context, s scenario, progress func(round int)) (Result, error) {
	total := Result{name: s.name}
	for n := range s.rounds {
		progress(n)
		one := s.round(n)
		before, err := r.board.lay(ctx, one.tickets)
		if err != nil {
			return total, err
		}
		began := time.Now()
		lanes := r.fire(one.lanes)
		total.spent += time.Since(began)
		if ctx.Err() != nil {
			return total, ctx.Err()
		}
		final, faults := r.board.read(one.tickets)
		replies := slices.Concat(lanes...)
		total.add(lanes, replies, lost(replies, final),
			append(faults, one.judge(replies, before, final)...))
		if err := r.board.clear(one.tickets); err != nil {
			return total, err
		}
	}
	return total, nil
}

// add counts a round.
func (t *Result) add(lanes [][]reply, replies, lost []reply, broken []string) {
	winners := 0
	for _, r := range replies {
		if r.done() {
			winners++
		} else {
			t.refused++
		}
		t.waits = append(t.waits, r.got.Sub(r.sent))
	}
	t.done += winners
	t.lost += len(lost)
	t.broken = append(t.broken, broken...)
	if t.rounds == 0 || winners < t.fewestWinners {
		t.fewestWinners = winners
	}
	t.mostWinners = max(t.mostWinners, winners)
	t.rounds++
	if overlapping(lanes) {
		t.overlapping++
	}
}

// overlapping reports whether there was a moment at which every lane was under way.
func overlapping(lanes [][]reply) bool {
	var lastBegin, firstEnd time.Time
	for _, lane := range lanes {
		begin, end := lane[0].sent, lane[len(lane)-1].got
		if begin.After(lastBegin) {
			lastBegin = begin
		}
		if firstEnd.IsZero() || end.Before(firstEnd) {
			firstEnd = end
		}
	}
	return lastBegin.Before(firstEnd)
}

// fire makes the calls of each lane in a process of its own, all lanes at once. Who is first is
// left to chance.
func (r *racer) fire(lanes [][]call) [][]reply {
	processes := r.random.Perm(len(r.servers))
	replies := make([][]reply, len(lanes))
	begin := make(chan struct{})
	var group sync.WaitGroup
	for _, i := range r.random.Perm(len(lanes)) {
		process := processes[i]
		group.Go(func() {
			<-begin
			for _, c := range lanes[i] {
				replies[i] = append(replies[i], ask(r.servers[process], process, c))
			}
		})
	}
	close(begin)
	group.Wait()
	return replies
}

// ask makes one call.
func ask(server *client.Client, process int, c call) reply {
	arguments := map[string]string{"id": c.ticket}
	if c.other != "" {
		arguments["blocked_by"] = c.other
	}
	r := reply{call: c, process: process, sent: time.Now()}
	answer, err := server.Call(c.tool, arguments)
	r.got = time.Now()
	r.text = answer.Text
	switch {
	case err != nil:
		r.fault = err.Error()
	case answer.IsError && answer.Code == "":
		r.fault = answer.Text
	case answer.IsError:
		r.code = answer.Code
	case c.tool == "start":
		var started struct {
			ClaimedBy string `json:"claimed_by"`
		}
		if err := json.Unmarshal(answer.Structured, &started); err != nil {
			r.fault = fmt.Sprintf("structured content %.200q: %v", answer.Structured, err)
		}
		r.claim = started.ClaimedBy
	}
	return r
}
