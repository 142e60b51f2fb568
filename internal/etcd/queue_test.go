//go:build etcd

package etcd

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// TestQueue: who was overtaken waits for the one before, and goes on when that one is through.
func TestQueue(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	one, two := w.process(), w.process()
	place := w.keys.queue("a") + "0-before"
	var got string
	var left time.Time
	var all sync.WaitGroup
	must(t, one.Change(t.Context(), meanwhile(change("a", false, note("mine")), func() {
		must(t, two.Change(t.Context(), change("a", false, note("other"))))
		w.put(place, "")
		all.Go(func() {
			soon(t, "it queues", func() bool {
				resp, err := w.raw.Get(t.Context(), w.keys.queue("a"), clientv3.WithPrefix())
				return err == nil && len(resp.Kvs) == 2
			})
			got = w.value(w.ticket("a"))
			left = time.Now()
			if _, err := w.raw.Delete(t.Context(), place); err != nil {
				t.Error(err)
			}
		})
	})))
	woke := time.Now()
	all.Wait()
	if strings.Contains(got, "mine") {
		t.Error("it did not wait")
	}
	if took := woke.Sub(left); took > queueTime {
		t.Errorf("it went on %s after the one before", took)
	}
	if w.value(w.keys.queue("a")) != "" {
		t.Error("its place is left")
	}
}

// TestWhoCameFirst: nobody passes those who wait.
func TestWhoCameFirst(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	w.put(w.keys.queue("a")+"0-before", "")
	b := w.process()
	var all sync.WaitGroup
	all.Go(func() {
		if err := b.Change(t.Context(), change("a", false, note("mine"))); err != nil {
			t.Error(err)
		}
	})
	soon(t, "it queues", func() bool {
		resp, err := w.raw.Get(t.Context(), w.keys.queue("a"), clientv3.WithPrefix())
		return err == nil && len(resp.Kvs) == 2
	})
	if text := w.value(w.ticket("a")); strings.Contains(text, "mine") {
		t.Error(text)
	}
	_, err := w.raw.Delete(t.Context(), w.keys.queue("a")+"0-before")
	must(t, err)
	all.Wait()
}

// TestQueueIsAdvisory: a place that nobody leaves holds up those behind it once, and not for long.
func TestQueueIsAdvisory(t *testing.T) {
	t.Parallel() // most of it is waiting
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	w.put(w.keys.queue("a")+"0-stopped", "")
	began := time.Now()
	var all sync.WaitGroup
	for range 4 {
		b := w.process()
		all.Go(func() {
			if err := b.Change(t.Context(), change("a", false, note("mine"))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took < queueTime || took > 3*queueTime {
		t.Errorf("they waited for %s", took)
	}
	if n := strings.Count(w.value(w.ticket("a")), "mine"); n != 4 {
		t.Errorf("%d of 4 were made", n)
	}
}

// TestPlaceIsLeft: also who is refused in the end leaves the queue.
func TestPlaceIsLeft(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	one, two := w.process(), w.process()
	no := errors.New("no")
	runs := 0
	c := change("a", false, note("mine"))
	decide := c.Decide
	c.Decide = func(contents [][]byte, v ticketfs.Viewer) ([]ticketfs.Write, error) {
		if runs++; runs > 1 {
			return nil, no
		}
		must(t, two.Change(t.Context(), change("a", false, note("other"))))
		return decide(contents, v)
	}
	if err := one.Change(t.Context(), c); err != no {
		t.Error(err)
	}
	resp, err := w.raw.Get(t.Context(), w.prefix+"q/", clientv3.WithPrefix())
	must(t, err)
	if len(resp.Kvs) > 0 {
		t.Errorf("left: %v", resp.Kvs)
	}
}

// TestStoppedNeighbour: a process of this machine that holds its lock and was stopped holds up the
// others for a second.
func TestStoppedNeighbour(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	one, two := w.process(), w.process()
	one.QueueDir = t.TempDir()
	two.QueueDir = one.QueueDir
	o := &operation{board: two}
	o.IDs, o.Relations = []string{"a"}, true
	leave, waited := o.queueHere(t.Context())
	defer leave()
	if waited {
		t.Error("nobody was there")
	}
	began := time.Now()
	must(t, one.Change(t.Context(), change("a", false, note("mine"))))
	if took := time.Since(began); took < hereTime || took > 5*hereTime {
		t.Errorf("it waited for %s", took)
	}
	behind := &operation{board: one}
	behind.IDs = []string{"a"}
	leaveHere, waited := behind.queueHere(t.Context())
	defer leaveHere()
	if !waited {
		t.Error("who stood behind it did not wait")
	}
}

// TestFair: machines that all want the relations get them in turn.
func TestFair(t *testing.T) {
	w := newWorld(t, 1)
	const machines = 8
	deadline := time.Now().Add(3 * time.Second)
	made := make([]int, machines)
	var all sync.WaitGroup
	for m := range machines {
		b := w.process()
		all.Go(func() {
			for time.Now().Before(deadline) {
				id := fmt.Sprintf("t%d-%d", m, made[m])
				if err := b.Change(t.Context(), create(id, ticketText(id, "open"))); err != nil {
					t.Error(err)
					return
				}
				made[m]++
			}
		})
	}
	all.Wait()
	least, most, sum := made[0], made[0], 0
	for _, n := range made {
		least, most, sum = min(least, n), max(most, n), sum+n
	}
	t.Logf("%d changes of relations in 3 s, %d to %d a machine", sum, least, most)
	if 3*least < most {
		t.Errorf("%d to %d a machine", least, most)
	}
}
