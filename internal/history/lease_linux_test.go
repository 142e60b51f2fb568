//go:build etcd

package history_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// How long a ticket stays with a session that the cluster hears no more of: a lease is renewed when
// a third of its 60 seconds is gone, and what is over is seen within some seconds.
const (
	keptAtLeast = 40 * time.Second
	takenWithin = 75 * time.Second
)

// The tickets of sessions that were killed, stopped or cut off are free once their leases are over,
// and not before; who comes back late is told. An idle session that the cluster can reach keeps its
// own. The clocks of the hosts are apart, and nothing depends on them.
func TestSharedTakeOver(t *testing.T) {
	program := apartServer(t)
	t.Parallel() // it waits
	m := newMachines(t, 4)
	m.apart = true
	b := m.share(loose(4), "")
	r := &recorder{program: program, sites: b.sites(), began: time.Now(), lag: mourning}
	var sessions []*session
	for i, name := range []string{"killed", "stopped", "cut off", "other", "idle"} {
		where := i
		if name == "idle" { // beside the one that is killed
			where = 0
		}
		s, err := r.joinAt(t.Context(), r.at(where), name)
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	lane := 0
	ask := func(s *session, op spec.UserInput) entry { lane++; return r.call(s, lane, op) }
	holders := []*session{sessions[0], sessions[1], sessions[2], sessions[4]}
	for i, s := range holders {
		if e := ask(s, start(ticketID(i))); !e.done() {
			t.Fatal(e)
		}
	}
	other, gone := sessions[3], time.Now()
	if err := r.kill(holders[0], 100); err != nil {
		t.Fatal(err)
	}
	stopped := holders[1].cmd.Process
	if err := stopped.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	m.net.Cut(m.hosts[2])
	from := r.now()
	for taken := 0; taken < 3; time.Sleep(time.Second) {
		for i := range holders {
			e := ask(other, start(ticketID(i)))
			if after := time.Since(gone); e.result.TakenOver {
				t.Logf("%s was taken over after %s", ticketID(i), after.Round(time.Second))
				taken++
				if i == 3 || after < keptAtLeast || after > takenWithin {
					t.Errorf("after %s: %s", after, e)
				}
			}
		}
		if time.Since(gone) > 2*takenWithin {
			t.Fatalf("%d of 3 tickets were taken over", taken)
		}
	}
	for _, s := range holders[1:3] {
		r.record(entry{op: spec.UserInput{Verb: death}, session: s.key, lane: 101, sent: from,
			got: r.now() + int64(mourning)})
	}
	if err := stopped.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	m.net.Join(m.hosts[2])
	for i, s := range holders[1:] {
		insist(t, ask, s, spec.UserInput{Verb: spec.Close, ID: ticketID(i + 1)}, i == 2)
	}
	for i := range 3 {
		insist(t, ask, other, spec.UserInput{Verb: spec.Close, ID: ticketID(i)}, true)
	}
	for i, s := range sessions[1:] {
		if err := r.leave(s, 102+i); err != nil {
			t.Error(err)
		}
	}
	h := history{before: loose(4), entries: r.entries, reach: 1}
	if err := b.end(&h, r); err != nil {
		t.Fatal(err)
	}
	h.check(t, true)
}

// insist asks until the cluster is reached, and compares whether the call is done.
func insist(t *testing.T, ask func(*session, spec.UserInput) entry, s *session, op spec.UserInput,
	done bool) {
	t.Helper()
	for late := time.Now().Add(takenWithin); ; time.Sleep(time.Second) {
		e := ask(s, op)
		if e.result.Code == spec.Unreachable && time.Now().Before(late) {
			continue
		}
		if e.done() != done || !done && e.result.Code != spec.Claimed {
			t.Error(fmt.Sprintf("done should be %v: ", done), e)
		}
		return
	}
}
