package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// Claims: a queue that many sessions empty, with and without kills. Histories of it are judged by
// the same checkers.

// backlog is n tickets, most of them blocked by one or two that come before them.
func backlog(n int, seed uint64) map[string]spec.Ticket {
	dice := rand.New(rand.NewPCG(seed, 0))
	board := map[string]spec.Ticket{}
	for i := range n {
		t := spec.Ticket{Status: spec.Open, Title: "Ticket " + ticketID(i), Type: "task",
			Priority: 1 + dice.IntN(4)}
		for range dice.IntN(3) {
			if b := ticketID(max(0, i-1-dice.IntN(12))); i > 0 && !slices.Contains(t.BlockedBy, b) {
				t.BlockedBy = append(t.BlockedBy, b)
			}
		}
		board[ticketID(i)] = t
	}
	return board
}

// worker is a session that empties the queue.
type worker struct {
	*recorder
	*session
	lane  int
	fatal int64 // the call at which it is killed, 0 for never
	delay time.Duration
	calls atomic.Int64
	group sync.WaitGroup
	err   error // of the kill
}

// does makes a call. In the middle of the fatal one the worker is killed.
func (w *worker) does(op spec.UserInput) entry {
	if w.calls.Add(1) == w.fatal {
		w.group.Go(func() {
			// the call takes about as long; each instruction of it may be the last
			time.Sleep(w.delay)
			w.err = w.kill(w.session, w.lane)
		})
	}
	return w.call(w.session, w.lane, op)
}

// work takes tickets until nothing is left, or the end.
func (w *worker) work(ctx context.Context) error {
	for {
		e := w.does(spec.UserInput{Verb: spec.StartNext})
		switch {
		case e.lost():
			return nil
		case e.done():
			if err := w.finish(e.result.ID); err != nil {
				return err
			}
			continue
		case e.result.Code != spec.NotFound:
			return fmt.Errorf("start of the next ticket: %s", e)
		}
		// Either others hold what is left, or it is of somebody who died. Of these ready tells, and
		// start takes them by id.
		orphans, err := w.orphans()
		if err != nil {
			return err
		}
		for _, id := range orphans {
			e := w.does(spec.UserInput{Verb: spec.Start, ID: id})
			switch {
			case e.lost():
				return nil
			case e.done():
				if err := w.finish(id); err != nil {
					return err
				}
			case e.result.Code != spec.Claimed && e.result.Code != spec.WrongStatus: // another was faster, and may have closed it
				return fmt.Errorf("start of an orphan: %s", e)
			}
		}
		if len(orphans) == 0 {
			if left, err := w.left(); err != nil || left == 0 {
				return err
			}
			time.Sleep(200 * time.Millisecond) // not to be the load that all others wait for
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// finish notes and closes what the worker holds. Nothing may be refused, but the worker may be
// killed.
func (w *worker) finish(id string) error {
	for _, op := range []spec.UserInput{{Verb: spec.Note, ID: id,
		Text: "worked on by " + w.key + " for " + id}, {Verb: spec.Close, ID: id}} {
		if e := w.does(op); !e.done() {
			if e.lost() {
				return nil
			}
			return fmt.Errorf("wrongly refused: %s", e)
		}
	}
	return nil
}

// orphans are the tickets of dead owners that can be taken over.
func (w *worker) orphans() (ids []string, err error) {
	line, err := w.ask("tools/call", map[string]any{"name": "ready", "arguments": map[string]any{}})
	if err != nil {
		return nil, nil // it was killed, and does not live to see that there are none
	}
	var m struct {
		Result struct {
			StructuredContent struct{ Tickets []struct{ ID, Holder string } }
		}
	}
	err = json.Unmarshal(line, &m)
	for _, t := range m.Result.StructuredContent.Tickets {
		if t.Holder != "" {
			ids = append(ids, t.ID)
		}
	}
	return ids, err
}

// left is how many tickets are not closed.
func (w *worker) left() (n int, err error) {
	var h history
	err = h.readFiles(w.dir)
	for _, t := range h.after {
		if t.Status != spec.Closed {
			n++
		}
	}
	return n, err
}

// empty has sessions empty a backlog. Of each place, lives-1 sessions are killed, and a new one
// takes its place.
func empty(t *testing.T, program string, seed uint64, sessions, tickets, lives int) history {
	t.Helper()
	h := history{before: backlog(tickets, seed)}
	r := &recorder{program: program, dir: filepath.Join(t.TempDir(), ".tickets"), began: time.Now()}
	if err := layOut(r.dir, h.before, ""); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), playTime)
	defer end()
	errs := make([]error, sessions)
	var group sync.WaitGroup
	for place := range sessions {
		group.Go(func() {
			for life := range lives {
				s, err := r.join(ctx, fmt.Sprintf("%d-%d-%d", seed, place, life))
				if err != nil {
					errs[place] = err
					return
				}
				dice := rand.New(rand.NewPCG(seed, uint64(place*100+life+1)))
				w := &worker{recorder: r, session: s, lane: place,
					delay: time.Duration(dice.Int64N(int64(8 * time.Millisecond)))}
				if life < lives-1 {
					w.fatal = 1 + dice.Int64N(10)
				}
				err = w.work(ctx)
				w.group.Wait()
				if w.fatal == 0 || w.calls.Load() < w.fatal {
					err = errors.Join(err, r.leave(s, place))
				}
				if errs[place] = errors.Join(err, w.err); errs[place] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	h.entries = r.entries
	if err := h.readFiles(r.dir); err != nil {
		t.Fatal(err)
	}
	return h
}

// closedOnce judges a queue that was emptied: each ticket is closed, by one close. One without an
// answer may have been it.
func (h history) closedOnce() []string {
	done, lost := map[string]int{}, map[string]int{}
	for _, e := range h.entries {
		if e.op.Verb == spec.Close && e.done() {
			done[e.op.ID]++
		} else if e.op.Verb == spec.Close && e.lost() {
			lost[e.op.ID]++
		}
	}
	var why []string
	for _, id := range h.ids() {
		if h.after[id].Status != spec.Closed {
			why = append(why, id+" is left over")
		}
		if done[id] != 1 && (done[id] != 0 || lost[id] == 0) {
			why = append(why, fmt.Sprintf("%s was closed %d times, and perhaps %d more", id,
				done[id], lost[id]))
		}
	}
	return why
}

func TestClaims(t *testing.T) {
	program := realServer(t)
	for _, tt := range []struct {
		name  string
		lives int
	}{{"calm", 1}, {"killed", 2}} {
		t.Run(tt.name, func(t *testing.T) {
			for _, seed := range seeds() {
				h := empty(t, program, seed, 8, 30, tt.lives)
				h.check(t, false)
				for _, why := range h.closedOnce() {
					t.Error(why)
				}
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
				t.Log(h.summary())
			}
		})
	}
}
