//go:build etcd

package etcd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

func TestChange(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	b := w.process()
	must(t, b.Change(t.Context(), set("a", true, "status", "closed")))
	if got := fields(t, w, "a"); got.Status != document.StatusClosed {
		t.Errorf("it is %s", got.Status)
	}
	content, err := b.Read(t.Context(), "a")
	if string(content) != w.value(w.ticket("a")) || err != nil {
		t.Errorf("read %q (%v)", content, err)
	}
	if content, err := b.Read(t.Context(), "b"); content != nil || err != nil {
		t.Errorf("read of none: %q (%v)", content, err)
	}
	if err := errors.Join(b.Exists(t.Context(), "a")); err != nil {
		t.Error(err)
	}
	if err := b.Exists(t.Context(), "b"); err != fs.ErrNotExist {
		t.Error(err)
	}
}

// TestRow: each operation leaves its rows, without the former text.
func TestRow(t *testing.T) {
	w := newWorld(t, 1)
	before := ticketText("a", "open")
	w.put(w.ticket("a"), before)
	b := w.process()
	must(t, b.Change(t.Context(), set("a", true, "status", "closed", "close-reason",
		strings.Repeat("x", 5000), "assignee", "Ada")))
	resp, err := w.raw.Get(t.Context(), w.rows(), clientv3.WithPrefix())
	must(t, err)
	if len(resp.Kvs) != 1 || len(resp.Kvs[0].Value) > maxRow+1 {
		t.Fatalf("%d rows, %d bytes", len(resp.Kvs), len(resp.Kvs[0].Value))
	}
	lines := bufio.NewScanner(strings.NewReader(string(resp.Kvs[0].Value)))
	lines.Buffer(nil, 1<<20)
	var row journal.Row
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &row) != nil {
		t.Fatalf("%q is no row", resp.Kvs[0].Value)
	}
	after := w.value(w.ticket("a"))
	if row.Ticket != "a" || row.Call != "call" || row.From != "open" || row.To != "closed" ||
		row.Before != journal.HashOf([]byte(before)) || row.After != journal.HashOf([]byte(after)) {
		t.Errorf("row %+v", row)
	}
	if string(resp.Kvs[0].Key) != w.row(w.value(w.tip())) {
		t.Errorf("row %s, tip %s", resp.Kvs[0].Key, w.value(w.tip()))
	}
}

// TestOperationsSort: rows are found by their time.
func TestOperationsSort(t *testing.T) {
	last := ""
	for _, at := range []int64{0, 1, 1_000, 1_700_000_000_000, 1_700_000_000_001, 99_999_999_999_999} {
		name := newOperation(time.UnixMilli(at))
		if name <= last {
			t.Errorf("%s is not behind %s", name, last)
		}
		last = name
	}
	if one, two := newOperation(time.UnixMilli(1)), newOperation(time.UnixMilli(1)); one == two {
		t.Error("two operations of one name")
	}
}

// TestSlots: an operation uses a slot that another has done with.
func TestSlots(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	b := w.process()
	for range 3 {
		must(t, b.Change(t.Context(), change("a", false, note("n"))))
	}
	resp, err := w.raw.Get(t.Context(), w.prefix+"op/", clientv3.WithPrefix())
	must(t, err)
	if len(resp.Kvs) != 1 || resp.Kvs[0].Version != 3 {
		t.Errorf("slots %v", resp.Kvs)
	}
}

// note appends a line to a ticket's notes.
func note(line string) func(*document.Document) ([]document.Edit, error) {
	return func(*document.Document) ([]document.Edit, error) {
		return []document.Edit{document.AppendNote(line)}, nil
	}
}

func create(id, text string) ticketfs.Change {
	return ticketfs.Change{IDs: []string{id}, Relations: true,
		Decide: func(contents [][]byte, _ ticketfs.Viewer) ([]ticketfs.Write, error) {
			if contents[0] != nil {
				return nil, fs.ErrExist
			}
			return []ticketfs.Write{{Content: []byte(text)}}, nil
		}}
}

// TestCreate: of two who make the same ticket one does, and the other is told its own error.
func TestCreate(t *testing.T) {
	w := newWorld(t, 1)
	one, two := w.process(), w.process()
	mine, other := ticketText("a", "open"), ticketText("a", "open", "assignee: Eve")
	err := one.Change(t.Context(), meanwhile(create("a", mine), func() {
		must(t, two.Change(t.Context(), create("a", other)))
	}))
	if err != fs.ErrExist {
		t.Error(err)
	}
	if got := w.value(w.ticket("a")); got != other {
		t.Errorf("it is %q", got)
	}
}

// TestNoChange: what is no change is no transaction that puts anything.
func TestNoChange(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	before := w.value(w.ticket("a"))
	b := w.process()
	refusal := ticketfs.Refuse(ticketfs.Blocked, "", "no")
	for name, tt := range map[string]struct {
		result []ticketfs.Write
		err    error
	}{
		"nothing":       {},
		"nil":           {result: []ticketfs.Write{{}}},
		"equal content": {result: []ticketfs.Write{{Content: []byte(before)}}},
		"refusal":       {err: refusal},
		"error":         {err: context.DeadlineExceeded},
	} {
		err := b.Change(t.Context(), ticketfs.Change{IDs: []string{"a"}, Relations: true,
			Decide: func([][]byte, ticketfs.Viewer) ([]ticketfs.Write, error) {
				return tt.result, tt.err
			}})
		if err != tt.err {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
	if got := w.value(w.tip()); got != "" {
		t.Errorf("tip is %s", got)
	}
}

// TestMalformedStaysOut: what is no ticket is not written.
func TestMalformedStaysOut(t *testing.T) {
	w := newWorld(t, 1)
	b := w.process()
	wantCode(t, b.Change(t.Context(), create("a", "no ticket")), ticketfs.BadFile)
	wantCode(t, b.Change(t.Context(), create("a", ticketText("b", "open"))), ticketfs.BadFile)
	if w.value(w.ticket("a")) != "" {
		t.Error("it was written")
	}
}

// TestLimits: what is too large is refused before it is sent.
func TestLimits(t *testing.T) {
	w := newWorld(t, 1)
	sent := 0
	b := w.process(met(func(x *txn) (*clientv3.TxnResponse, error) {
		if len(x.then) > 0 && x.then[0].IsPut() {
			sent++
		}
		return x.send()
	}))
	many := func(n, size int) ticketfs.Change {
		c := ticketfs.Change{Relations: true, Cause: journal.Cause{Reason: strings.Repeat("r", 3000)}}
		for i := range n {
			c.IDs = append(c.IDs, fmt.Sprintf("t%03d", i))
		}
		c.Decide = func([][]byte, ticketfs.Viewer) (writes []ticketfs.Write, _ error) {
			for i, id := range c.IDs {
				text := ticketText(id, "open")
				text += strings.Repeat("x", size-len(text))
				writes = append(writes, ticketfs.Write{N: i, Content: []byte(text)})
			}
			return writes, nil
		}
		return c
	}
	wantCode(t, b.Change(t.Context(), many(maxTickets+1, 100)), ticketfs.Invalid)
	wantCode(t, b.Change(t.Context(), many(2, maxBytes/2+1)), ticketfs.Invalid)
	if sent > 0 {
		t.Errorf("%d were sent", sent)
	}
	must(t, b.Change(t.Context(), many(maxTickets, maxBytes/maxTickets)))
	if w.value(w.ticket(fmt.Sprintf("t%03d", maxTickets-1))) == "" {
		t.Error("the largest was not made")
	}
}

// TestManyOnOne: no note of several processes on one ticket is lost, and each is there once.
func TestManyOnOne(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	const processes, each = 8, 12
	var all sync.WaitGroup
	for p := range processes {
		b := w.process()
		all.Go(func() {
			for i := range each {
				line := fmt.Sprintf("note %d of %d.", i, p)
				if err := b.Change(t.Context(), change("a", false, note(line))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	text := w.value(w.ticket("a"))
	for p := range processes {
		for i := range each {
			if n := strings.Count(text, fmt.Sprintf("note %d of %d.", i, p)); n != 1 {
				t.Errorf("note %d of %d is there %d times", i, p, n)
			}
		}
	}
	resp, err := w.raw.Get(t.Context(), w.prefix+"q/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	must(t, err)
	if resp.Count > 0 {
		t.Errorf("%d places in queues are left", resp.Count)
	}
}

// TestBusy: who is overtaken until the time is up is told so, and nothing is written.
func TestBusy(t *testing.T) {
	t.Parallel() // most of it is waiting
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	one, two := w.process(), w.process()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c := change("a", false, note("mine"))
	decide := c.Decide
	c.Decide = func(contents [][]byte, v ticketfs.Viewer) ([]ticketfs.Write, error) {
		must(t, two.Change(t.Context(), change("a", false, note("other"))))
		return decide(contents, v)
	}
	wantCode(t, one.Change(ctx, c), ticketfs.Busy)
	if text := w.value(w.ticket("a")); strings.Contains(text, "mine") {
		t.Error(text)
	}
}

// TestCancelled: a caller who gives up ends the wait; once the rule has said what to write, it is
// written.
func TestCancelled(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	b := w.process()
	ctx, cancel := context.WithCancel(t.Context())
	must(t, b.Change(ctx, meanwhile(change("a", false, note("late")), cancel)))
	if text := w.value(w.ticket("a")); !strings.Contains(text, "late") {
		t.Error(text)
	}
	if err := b.Change(ctx, change("a", false, note("no more"))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if text := w.value(w.ticket("a")); strings.Contains(text, "no more") {
		t.Error(text)
	}
}

// A rule that asks for other tickets is shown them as they were when its own was read, or it is not
// run to an end: also where it makes nothing of an error. One that asks for none does not wait.
func TestWaitsOnlyToBeShown(t *testing.T) {
	w := newWorld(t, 1)
	behind := errors.New("it stays behind")
	for _, tt := range []struct {
		name    string
		of      func(string, ticketfs.Change) ticketfs.Change
		reaches bool
	}{
		{"asks for another ticket", asking, true},
		{"asks for none", func(_ string, c ticketfs.Change) ticketfs.Change { return c }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := w.clear(t)
			w.ticketIs("a", "open")
			w.ticketIs("b", "open")
			w.put(w.keys.relations(), "somebody's")
			reached := false
			one := w.process()
			one.Shown.Revision = func() (int64, error) { return 1, nil }
			one.Shown.Reach = func(context.Context, int64) error { reached = true; return behind }
			err := one.Change(t.Context(), tt.of("b", set("a", true, "status", "closed")))
			if reached != tt.reaches || (ticketfs.CodeOf(err) == ticketfs.Unreachable) != tt.reaches {
				t.Errorf("waited %v: %v", reached, err)
			}
			status := fields(t, w, "a").Status
			if changed := status == document.StatusClosed; changed == tt.reaches {
				t.Errorf("a is %s", status)
			}
		})
	}
}
