//go:build etcd

package etcd

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

func lifeOf(b *Board, name string) session.Life { return b.Marks().Probe(session.Key(name)).Life }

func wantLife(t *testing.T, b *Board, name string, want session.Life) {
	t.Helper()
	if got := lifeOf(b, name); got != want {
		t.Errorf("%s is %s, want %s", name, got, want)
	}
}

// TestServe: a mark is made by a claim, and without one only where the conversation has one.
func TestServe(t *testing.T) {
	w := newWorld(t, 1)
	one, two := w.process(), w.process()
	key := session.Key("me")
	must(t, one.Marks().Serve(key, session.Call{}, false, false))
	wantLife(t, two, "me", session.Dead)
	if one.life.current() != nil {
		t.Error("it took a lease for nothing")
	}
	must(t, one.Marks().Serve(key, session.Call{Client: "c", Agent: "old"}, true, false))
	wantLife(t, two, "me", session.Alive)
	must(t, one.Marks().Serve(key, session.Call{Client: "c", Agent: "new"}, false, false))
	h := two.Marks().Probe(key)
	if !slices.Equal(h.Agents, []string{"new", "old"}) ||
		!slices.Equal(h.Elsewhere, []string{"new"}) || h.PID != 1 || h.Key != key {
		t.Errorf("%+v", h)
	}
	if h := one.Marks().Probe(key); len(h.Elsewhere) > 0 {
		t.Errorf("its own name is elsewhere: %+v", h)
	}
	must(t, two.Marks().Serve(key, session.Call{}, false, false))
	must(t, one.Marks().Drop(key))
	wantLife(t, one, "me", session.Alive) // the other process serves it too
	must(t, two.Marks().Drop(key))
	wantLife(t, one, "me", session.Dead)
	if d := one.Marks().Grace(one.Marks().Probe(key)); d != 0 {
		t.Error(d)
	}
}

// TestTwins: of several processes that find the same name in their environment one has it.
func TestTwins(t *testing.T) {
	w := newWorld(t, 1)
	const processes = 6
	var all sync.WaitGroup
	errs := make([]error, processes)
	for i := range processes {
		b := w.process()
		all.Go(func() { errs[i] = b.Marks().Serve(session.Key("me"), session.Call{}, true, true) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, session.ErrTwin) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d processes have the name", won)
	}
}

// TestNoTwinOfOneself: what a process signed under a former lease, and was not told, is its own.
func TestNoTwinOfOneself(t *testing.T) {
	w := newWorld(t, 1)
	b, other := w.process(), w.process()
	former, err := w.raw.Grant(t.Context(), lifetime)
	must(t, err)
	me := session.Key("me")
	op := b.putMark(&lease{id: former.ID}, me, b.newMark(mark{}, session.Call{}))
	_, err = w.raw.Do(t.Context(), op)
	must(t, err)
	must(t, b.Marks().Serve(me, session.Call{}, true, true))
	if err := other.Marks().Serve(me, session.Call{}, true, true); !errors.Is(err,
		session.ErrTwin) {
		t.Errorf("another process was told: %v", err)
	}
}

// TestLeave: what a process that ends in order leaves keeps its claims for a moment, and is no twin
// of the next one.
func TestLeave(t *testing.T) {
	w := newWorld(t, 1)
	one, two := w.process(), w.process()
	key := session.Key("me")
	must(t, one.Marks().Serve(key, session.Call{Agent: "planner"}, true, true))
	must(t, one.Marks().Leave())
	if left := ttl(t, w, w.marks(key)); left > restartTime || left < 1 {
		t.Errorf("the mark is kept for %d s", left)
	}
	wantLife(t, two, "me", session.Alive)
	resp, err := w.raw.Leases(t.Context())
	must(t, err)
	if len(resp.Leases) != 1 {
		t.Errorf("%d leases are left", len(resp.Leases))
	}
	must(t, two.Marks().Serve(key, session.Call{Agent: "planner"}, false, true))
	if left := ttl(t, w, w.mark(key, two.life.current().name())); left <= restartTime {
		t.Errorf("the next process has a mark for %d s", left)
	}
	err = w.process().Marks().Serve(key, session.Call{}, true, true)
	if !errors.Is(err, session.ErrTwin) {
		t.Errorf("a third one: %v", err)
	}
	must(t, one.Marks().Leave()) // twice is once
}

// ttl is how long the lease of the first key of a prefix lasts, in seconds.
func ttl(t *testing.T, w *world, prefix string) int64 {
	t.Helper()
	resp, err := w.raw.Get(t.Context(), prefix, clientv3.WithPrefix())
	must(t, err)
	if len(resp.Kvs) == 0 {
		t.Fatalf("nothing at %s", prefix)
	}
	l, err := w.raw.TimeToLive(t.Context(), clientv3.LeaseID(resp.Kvs[0].Lease))
	must(t, err)
	return l.TTL
}

// TestDeath: the marks of a process that ends without a word end with its lease, and its slots too.
func TestDeath(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	one, two := w.process(), w.process()
	serves(t, one, "me")
	must(t, one.Change(t.Context(), change("a", false, note("n"))))
	l := one.life.current()
	one.life.mu.Lock()
	one.life.marks = make(map[string]mark) // it does not sign again
	one.life.mu.Unlock()
	_, err := w.raw.Revoke(t.Context(), l.id)
	must(t, err)
	wantLife(t, two, "me", session.Dead)
	resp, err := w.raw.Get(t.Context(), w.prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	must(t, err)
	for _, kv := range resp.Kvs {
		if strings.Contains(string(kv.Key), l.name()) {
			t.Errorf("%s is left", kv.Key)
		}
	}
}

// TestSignsAgain: a process that was thought dead signs again by itself, all that it signed.
func TestSignsAgain(t *testing.T) {
	t.Parallel() // it waits for the next sign of life
	w := newWorld(t, 1)
	one, two := w.process(), w.process()
	serves(t, one, "me")
	serves(t, one, "you")
	_, err := w.raw.Revoke(t.Context(), one.life.current().id)
	must(t, err)
	soon(t, "it signs again", func() bool {
		return lifeOf(two, "me") == session.Alive && lifeOf(two, "you") == session.Alive
	})
}

// TestManyLives: who asks about many in one call is told the same as who asks about one.
func TestManyLives(t *testing.T) {
	w := newWorld(t, 1)
	one, two := w.process(), w.process()
	for round, want := range []session.Life{session.Dead, session.Alive} {
		must(t, two.Marks().Serve(session.Key("asks"), session.Call{}, false, false)) // a call
		for range 2 * fewAsked {
			wantLife(t, two, "me", want)
			wantLife(t, two, "nobody", session.Dead)
		}
		if round == 0 {
			serves(t, one, "me")
		}
	}
	must(t, one.Marks().Drop(session.Key("me")))
	soon(t, "an answer about many is forgotten", func() bool {
		return lifeOf(two, "me") == session.Dead
	})
}

// TestCutOffLife: while the cluster is known not to answer, nobody waits for it.
func TestCutOffLife(t *testing.T) {
	w := newWorld(t, 1)
	b := w.process()
	cut := &ticketfs.CutOff{Why: errors.New("no answer")}
	b.Shown.Reading = func(context.Context, func(context.Context) error) error { return cut }
	w.cluster.Members[0].Pause()
	defer w.cluster.Members[0].Continue()
	began := time.Now()
	wantLife(t, b, "me", session.Unknown)
	if err := b.Marks().Serve(session.Key("you"), session.Call{}, false, true); err != cut {
		t.Error(err)
	}
	if took := time.Since(began); took > markTimeout/2 {
		t.Errorf("after %s", took)
	}
}

// TestUnknownLife: of a cluster that does not answer nothing is known.
func TestUnknownLife(t *testing.T) {
	t.Parallel() // it waits for an answer
	w := newWorld(t, 1)
	b := w.process()
	w.cluster.Members[0].Pause()
	defer w.cluster.Members[0].Continue()
	began := time.Now()
	wantLife(t, b, "me", session.Unknown)
	if took := time.Since(began); took > 2*markTimeout {
		t.Errorf("after %s", took)
	}
}
