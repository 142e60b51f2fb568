//go:build etcd

package history_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

var (
	shiftTime    = flag.Duration("history.shift", 20*time.Second, "how long TestSharedShift works")
	shiftServers = flag.Int("history.servers", 12, "`number` of server processes in it")
	shiftTickets = flag.Int("history.tickets", 60, "`number` of tickets on its board")
)

// shift is many sessions on several hosts that work off a board as agents do: take the next ticket,
// think, note, think, close it.
type shift struct {
	sharedBoard
	*recorder
	sessions []*session // session i is on host i modulo their number
	think    time.Duration
	end      time.Time

	mu     sync.Mutex
	events map[string]int
}

func (s *shift) count(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[event]++
}

// TestSharedShift: no ticket is finished twice, no answered change is missing and every refusal is
// right, while the leader changes, members die, and a host is cut off. The long version is in
// docs/proof.md.
func TestSharedShift(t *testing.T) {
	program := sharedServer(t)
	m := newMachines(t, 4)
	seed := seeds()[0]
	tickets := backlog(*shiftTickets, seed)
	board := m.share(tickets, "")
	s := &shift{sharedBoard: board, events: map[string]int{}, recorder: &recorder{
		program: program, sites: board.sites(), began: time.Now(), lag: mourning}}
	s.begin(t)
	t.Logf("%d servers began in %s", len(s.sessions), time.Duration(s.now()).Round(time.Second))
	// Together some two tickets a second, each of three changes.
	s.think = time.Duration(*shiftServers) * 300 * time.Millisecond
	s.end = time.Now().Add(*shiftTime)
	work := s.now()
	stop := make(chan struct{})
	var working, troubled sync.WaitGroup
	for i := range s.sessions {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		working.Go(func() { s.work(i, dice) })
	}
	for i, trouble := range []func(*rand.Rand, <-chan struct{}){s.members, s.network, s.stopped} {
		dice := rand.New(rand.NewPCG(seed, uint64(1000+i)))
		troubled.Go(func() { trouble(dice, stop) })
	}
	time.Sleep(time.Until(s.end))
	close(stop)
	troubled.Wait()
	working.Wait()
	took := time.Duration(s.now() - work)
	s.mirrors(t)
	s.leaveAll(t)

	h := history{before: tickets, entries: slices.Clone(s.entries), reach: 1}
	if err := board.end(&h, s.recorder); err != nil {
		t.Fatal(err)
	}
	h.broken = append(h.broken, h.finishedTwice()...)
	h.broken = append(h.broken, h.takenEarly()...)
	h.check(t, true)
	s.report(t, h, took)
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
}

// begin starts the servers, a few at a time.
func (s *shift) begin(t *testing.T) {
	t.Helper()
	s.sessions = make([]*session, *shiftServers)
	errs := make(chan error, len(s.hosts))
	for host := range s.hosts {
		go func() {
			for i := host; i < len(s.sessions); i += len(s.hosts) {
				var err error
				s.sessions[i], err = s.joinAt(t.Context(), s.at(i), fmt.Sprint("worker ", i))
				if err != nil {
					errs <- err
					return
				}
				// The first call reads the whole board.
				s.current(i)
			}
			errs <- nil
		}()
	}
	for range s.hosts {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

func (s *shift) leaveAll(t *testing.T) {
	var group sync.WaitGroup
	for i, one := range s.sessions {
		group.Go(func() {
			if err := s.leave(one, 2*i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// work is what one session does until the end.
func (s *shift) work(i int, dice *rand.Rand) {
	me, lane := s.sessions[i], 2*i+1
	ponder := func() { time.Sleep(time.Duration(dice.Int64N(int64(s.think)))) }
	for n := 0; time.Now().Before(s.end); n++ {
		text := fmt.Sprintf("%d-%d", i, n)
		ponder()
		e := s.call(me, lane, spec.UserInput{Verb: spec.StartNext})
		if e.result.Code == spec.NotFound || e.done() && dice.IntN(10) == 0 {
			s.call(me, lane, spec.UserInput{Verb: spec.Create, Title: &text})
		}
		if !e.done() {
			continue
		}
		id := e.result.ID
		ponder()
		s.call(me, lane, spec.UserInput{Verb: spec.Note, ID: id, Text: text})
		ponder()
		if dice.IntN(10) == 0 {
			s.call(me, lane, spec.UserInput{Verb: look, ID: id})
		}
		last := spec.UserInput{Verb: spec.Close, ID: id}
		if dice.IntN(20) == 0 {
			last = spec.UserInput{Verb: spec.Release, ID: id, Reason: text}
		}
		s.insist(me, lane, last)
	}
}

// insist repeats a call until its outcome is known.
func (s *shift) insist(me *session, lane int, op spec.UserInput) {
	for e := s.call(me, lane, op); e.open || e.result.Code == spec.Unreachable ||
		e.result.Code == spec.Busy; e = s.call(me, lane, op) {
		if time.Since(s.end) > time.Minute {
			return // the checkers say what is wrong
		}
		op.Reason = "" // each text is sent once
		time.Sleep(time.Second)
	}
}

// members moves the leader every few seconds, and kills a member now and then.
func (s *shift) members(dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, 2*time.Second, 60*time.Second)) {
		if dice.IntN(3) > 0 {
			s.cluster.MoveLeader()
			s.count("leader moved")
			continue
		}
		member := s.cluster.Leader()
		member.Kill()
		s.count("leader killed")
		pause(stop, between(dice, time.Second, 10*time.Second))
		member.Start()
	}
}

// network loses answers, and cuts a host off for longer than a lease, again and again.
func (s *shift) network(dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, time.Second, 40*time.Second)) {
		s.proxies[dice.IntN(len(s.proxies))].Lose(1 + dice.IntN(3))
		if dice.IntN(3) > 0 {
			continue
		}
		i := dice.IntN(len(s.hosts))
		begun := s.now()
		s.net.Cut(s.hosts[i])
		pause(stop, between(dice, 2*time.Second, 100*time.Second))
		s.net.Join(s.hosts[i])
		s.count("host cut off")
		for n := i; n < len(s.sessions); n += len(s.hosts) {
			s.suspend(n, begun)
		}
	}
}

// stopped stops a server for longer than a lease, again and again.
func (s *shift) stopped(dice *rand.Rand, stop <-chan struct{}) {
	for pause(stop, between(dice, time.Second, 20*time.Second)) {
		i := dice.IntN(len(s.sessions))
		begun := s.now()
		_ = s.sessions[i].cmd.Process.Signal(syscall.SIGSTOP)
		pause(stop, between(dice, time.Second, 100*time.Second))
		_ = s.sessions[i].cmd.Process.Signal(syscall.SIGCONT)
		s.count("server stopped")
		s.suspend(i, begun)
	}
}

// suspend writes down that a session may seem to be dead from a moment on.
func (s *shift) suspend(i int, from int64) {
	s.record(entry{op: spec.UserInput{Verb: death}, session: s.sessions[i].key, lane: 2 * i,
		sent: from, got: s.now() + int64(s.lag)})
}

// mirrors makes sure that each host shows the board as it is, once somebody there has asked.
func (s *shift) mirrors(t *testing.T) {
	t.Helper()
	for i, h := range s.hosts {
		late := time.Now().Add(etcdtest.Soon)
		for !s.current(i) {
			if time.Now().After(late) {
				t.Fatalf("%s does not reach the board", h.Name)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	texts, err := s.texts()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range s.hosts {
		dir := filepath.Join(h.Real, s.ID, ".tickets", "mirror")
		files, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil || len(files) != len(texts) {
			t.Errorf("%s shows %d of %d tickets: %v", h.Name, len(files), len(texts), err)
		}
		for _, file := range files {
			shown, err := os.ReadFile(file)
			id := strings.TrimSuffix(filepath.Base(file), ".md")
			if err != nil || string(shown) != string(texts[id]) {
				t.Errorf("%s shows another %s: %v", h.Name, id, err)
			}
		}
	}
}

// current asks the host of a session for a ticket, and reports whether the answer is current.
func (s *shift) current(i int) bool {
	line, err := s.sessions[i].tool(spec.UserInput{Verb: look, ID: ticketID(i)})
	e := entry{op: spec.UserInput{Verb: look, ID: ticketID(i)}}
	if err == nil {
		e.read(line)
	}
	return e.seen != nil && !e.stale
}

// finishedTwice finds tickets that two calls finished. In a shift nobody reopens.
func (h history) finishedTwice() (wrong []string) {
	first := map[string]entry{}
	for _, e := range h.entries {
		if e.op.Verb != spec.Close || !e.done() && !e.happened() {
			continue
		}
		if other, twice := first[e.op.ID]; twice {
			wrong = append(wrong, fmt.Sprintf("%s was finished twice: %s; %s", e.op.ID, other, e))
		}
		first[e.op.ID] = e
	}
	return wrong
}

// takenEarly finds take-overs from sessions that had shown that they live: whose change was sent,
// and done, less than a lease ago. A lease is renewed when a third of it is gone.
func (h history) takenEarly() (wrong []string) {
	const lease = int64(40 * time.Second)
	for _, e := range h.entries {
		for _, o := range h.entries {
			if e.result.TakenOver && o.session == e.result.From && changes(o.op.Verb) && o.done() &&
				o.got < e.got && o.sent > e.got-lease {
				wrong = append(wrong, fmt.Sprintf("taken from somebody who lives: %s; %s", e, o))
			}
		}
	}
	return wrong
}

// report says what the shift has done.
func (s *shift) report(t *testing.T, h history, took time.Duration) {
	counts, finished, taken, open := map[spec.Code]int{}, 0, 0, 0
	var times []time.Duration
	for _, e := range s.entries {
		if e.op.Verb == death {
			continue
		}
		counts[e.result.Code]++
		if e.open {
			open++
		}
		if e.done() && changes(e.op.Verb) {
			times = append(times, time.Duration(e.got-e.sent))
		}
		if e.done() && e.op.Verb == spec.Close {
			finished++
		}
		if e.result.TakenOver {
			taken++
		}
	}
	slices.Sort(times)
	at := func(part float64) time.Duration {
		return times[int(part*float64(len(times)-1))].Round(time.Millisecond)
	}
	t.Logf("%d servers on %d hosts, %d tickets, %s: %d changes answered (%.1f/s), %d tickets finished, %d taken over, %d outcomes left open",
		len(s.sessions), len(s.hosts), len(h.after), took.Round(time.Second), len(times),
		float64(len(times))/took.Seconds(), finished, taken, open)
	t.Logf("a change took %s (half), %s (99 of 100), %s at most; answers by code %v; troubles %v",
		at(.5), at(.99), at(1), counts, s.events)
}
