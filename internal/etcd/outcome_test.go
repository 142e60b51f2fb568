//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// once meets the first transaction that puts a ticket.
func once(w *world, do func(*txn) (*clientv3.TxnResponse, error)) way {
	done := false
	return met(func(x *txn) (*clientv3.TxnResponse, error) {
		for _, op := range x.then {
			if op.IsPut() && strings.HasPrefix(string(op.KeyBytes()), w.tickets()) && !done {
				done = true
				return do(x)
			}
		}
		return x.send()
	})
}

// TestUnknownOutcome: whatever error comes instead of an answer, the change is made once, whether
// it was made before or not.
func TestUnknownOutcome(t *testing.T) {
	w := newWorld(t, 1)
	for name, err := range map[string]error{
		"time-out":       context.DeadlineExceeded,
		"leader changed": rpctypes.ErrLeaderChanged,
		"no leader":      rpctypes.ErrNoLeader,
		"timed out":      rpctypes.ErrTimeout,
		"stopped":        rpctypes.ErrStopped,
		"too many":       rpctypes.ErrTooManyRequests,
		"old token":      rpctypes.ErrAuthOldRevision,
		"connection":     errors.New("transport is closing"),
	} {
		for made, do := range map[bool]func(*txn) (*clientv3.TxnResponse, error){
			true: func(x *txn) (*clientv3.TxnResponse, error) {
				if _, sent := x.send(); sent != nil {
					t.Error(sent)
				}
				return nil, err
			},
			false: func(*txn) (*clientv3.TxnResponse, error) { return nil, err },
		} {
			w := w.clear(t)
			w.ticketIs("a", "open")
			b := w.process(once(w, do))
			if err := b.Change(t.Context(), change("a", false, note("mine"))); err != nil {
				t.Errorf("%s, made %v: %v", name, made, err)
			}
			if n := strings.Count(w.value(w.ticket("a")), "mine"); n != 1 {
				t.Errorf("%s, made %v: %d times", name, made, n)
			}
			if err := b.Change(t.Context(), change("a", false, note("next"))); err != nil {
				t.Errorf("%s, made %v, then %v", name, made, err)
			}
		}
	}
}

// TestDefinite: errors that say that nothing happened are answered at once, without asking again.
func TestDefinite(t *testing.T) {
	w := newWorld(t, 1)
	for _, err := range definite {
		if err == rpctypes.ErrLeaseNotFound {
			continue // it is tried again
		}
		w := w.clear(t)
		w.ticketIs("a", "open")
		asked := 0
		count := met(func(x *txn) (*clientv3.TxnResponse, error) {
			asked++
			return x.send()
		})
		b := w.process(count, once(w, func(*txn) (*clientv3.TxnResponse, error) {
			asked = 0
			return nil, err
		}))
		wantCode(t, b.Change(t.Context(), change("a", false, note("mine"))), ticketfs.Unreachable)
		if asked > 0 {
			t.Errorf("%v: asked %d times", err, asked)
		}
	}
}

// TestNoSpace: of changes that reach the quota together some are made, though the cluster answers
// them that there is no space. A change is answered as made exactly when it was.
func TestNoSpace(t *testing.T) {
	w := newWorld(t, 1, "--quota-backend-bytes=2000000")
	const tickets = 32
	for i := range tickets {
		w.ticketIs(fmt.Sprint("t", i), "open")
	}
	noSpace := func(do func(*txn)) way {
		return once(w, func(x *txn) (*clientv3.TxnResponse, error) {
			do(x)
			return nil, rpctypes.ErrNoSpace
		})
	}
	made := w.process(noSpace(func(x *txn) {
		_, err := x.send()
		must(t, err)
	}))
	must(t, made.Change(t.Context(), change("t0", false, note("mine"))))
	b := w.process(noSpace(func(*txn) {}))
	wantCode(t, b.Change(t.Context(), change("t1", false, note("mine"))), ticketfs.Unreachable)
	big := "mine " + strings.Repeat("x", 200_000)
	var all sync.WaitGroup
	for i := 2; i < tickets; i++ {
		all.Go(func() {
			id := fmt.Sprint("t", i)
			err := b.Change(t.Context(), change(id, false, note(big)))
			if err != nil && !strings.Contains(err.Error(), "quota") {
				t.Error(err)
			}
			if made := strings.Contains(w.value(w.ticket(id)), "mine"); made != (err == nil) {
				t.Errorf("%s was made: %v, and answered %v", id, made, err)
			}
		})
	}
	all.Wait()
}

// TestNobodyKnows: where the cluster does not answer in time either way, the answer says so and
// names the operation.
func TestNobodyKnows(t *testing.T) {
	t.Parallel() // most of it is waiting
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	b := w.process(once(w, func(x *txn) (*clientv3.TxnResponse, error) {
		_, err := x.send()
		w.cluster.Members[0].Pause()
		return nil, errors.Join(errors.New("no answer"), err)
	}))
	began := time.Now()
	err := b.Change(t.Context(), change("a", false, note("mine")))
	took := time.Since(began)
	w.cluster.Members[0].Continue()
	wantCode(t, err, ticketfs.Unreachable)
	named := regexp.MustCompile(`it may have happened: .* operation ([0-9a-z]+-[0-9a-z]+) `).
		FindStringSubmatch(fmt.Sprint(err))
	if named == nil || w.value(w.row(named[1])) == "" || !strings.Contains(err.Error(), " a:call,") {
		t.Errorf("%v", err)
	}
	if took < settleTime || took > 10*settleTime {
		t.Errorf("after %s", took)
	}
	must(t, b.Change(t.Context(), change("a", false, note("next"))))
}

// TestNobodyKnowsOvertaken: that a change was overtaken before does not make its outcome known.
func TestNobodyKnowsOvertaken(t *testing.T) {
	t.Parallel() // most of it is waiting
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	puts := 0
	b := w.process(met(func(x *txn) (*clientv3.TxnResponse, error) {
		for _, op := range x.then {
			if op.IsPut() && strings.HasPrefix(string(op.KeyBytes()), w.tickets()) {
				puts++
				break
			}
		}
		switch puts {
		case 1:
			w.ticketIs("a", "open") // somebody else's change comes first
		case 2:
			puts++
			_, err := x.send()
			w.cluster.Members[0].Pause()
			return nil, errors.Join(context.DeadlineExceeded, err)
		}
		return x.send()
	}))
	err := b.Change(t.Context(), change("a", false, note("mine")))
	w.cluster.Members[0].Continue()
	wantCode(t, err, ticketfs.Unreachable)
	if !strings.Contains(fmt.Sprint(err), "it may have happened") {
		t.Error(err)
	}
}

// TestTimeUsedUp: a change that has no time left is busy while the cluster answers, not unreachable.
func TestTimeUsedUp(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	b := w.process()
	must(t, b.Change(t.Context(), change("a", false, note("first"))))
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	wantCode(t, b.Change(ctx, change("a", false, note("second"))), ticketfs.Busy)
	if strings.Contains(w.value(w.ticket("a")), "second") {
		t.Error("it was made")
	}
}

// TestUnreachable: a change on a cluster that does not answer writes nothing and says so.
func TestUnreachable(t *testing.T) {
	t.Parallel() // most of it is waiting
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	b := w.process()
	must(t, b.Change(t.Context(), change("a", false, note("first"))))
	w.cluster.Members[0].Kill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := b.Change(ctx, change("a", false, note("second")))
	wantCode(t, err, ticketfs.Unreachable)
	if strings.Contains(fmt.Sprint(err), "may have") {
		t.Error("nothing was sent:", err)
	}
	w.cluster.Members[0].Start()
	must(t, b.Change(t.Context(), change("a", false, note("third"))))
	if text := w.value(w.ticket("a")); strings.Contains(text, "second") ||
		!strings.Contains(text, "third") {
		t.Error(text)
	}
}

// TestLeaseGone: a process whose lease is over takes another, signs again and makes its change, at
// whatever moment it is told.
func TestLeaseGone(t *testing.T) {
	w := newWorld(t, 1)
	same := func(c ticketfs.Change) ticketfs.Change { return c }
	for name, moment := range map[string]func(func()) (way, func(ticketfs.Change) ticketfs.Change){
		"before": func(revoke func()) (way, func(ticketfs.Change) ticketfs.Change) {
			return nil, func(c ticketfs.Change) ticketfs.Change { revoke(); return c }
		},
		"while it is judged": func(revoke func()) (way, func(ticketfs.Change) ticketfs.Change) {
			return nil, func(c ticketfs.Change) ticketfs.Change { return meanwhile(c, revoke) }
		},
		"on the way": func(revoke func()) (way, func(ticketfs.Change) ticketfs.Change) {
			return once(w, func(x *txn) (*clientv3.TxnResponse, error) {
				revoke()
				return x.send()
			}), same
		},
		"before it is settled": func(revoke func()) (way, func(ticketfs.Change) ticketfs.Change) {
			return once(w, func(x *txn) (*clientv3.TxnResponse, error) {
				_, err := x.send()
				revoke()
				return nil, errors.Join(errors.New("no answer"), err)
			}), same
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.clear(t)
			w.ticketIs("a", "open")
			var b *Board
			revoke := sync.OnceFunc(func() {
				_, err := w.raw.Revoke(t.Context(), b.life.current().id)
				must(t, err)
			})
			to, change := moment(revoke)
			b = w.process()
			serves(t, b, "me")
			must(t, b.Change(t.Context(), set("a", false, "assignee", "Ada"))) // uses a slot
			if to != nil {
				b.client.KV = to(b.client.KV)
			}
			must(t, b.Change(t.Context(), change(set("a", true, "status", "in_progress",
				"claimed-by", claimBy("me")))))
			if got := fields(t, w, "a").ClaimedBy; got != claimBy("me") {
				t.Errorf("claimed by %q", got)
			}
			soon(t, "the process signs again", func() bool {
				return w.process().Marks().Probe(keyIn(claimBy("me"))).Life == "alive"
			})
		})
	}
}
