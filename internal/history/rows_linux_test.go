//go:build etcd

package history_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// row is a change as its journal tells it.
type row struct {
	journal.Row
	revision int64 // of the cluster
	matched  bool
}

// rows are all changes of a board in the order in which they were made.
func (s sharedBoard) rows() (rows []*row, err error) {
	resp, err := s.client.Get(s.t.Context(), s.key("j/"), clientv3.WithPrefix(),
		clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortAscend))
	if err != nil {
		return nil, err
	}
	for _, kv := range resp.Kvs {
		for line := range strings.Lines(string(kv.Value)) {
			r := &row{revision: kv.ModRevision}
			if err := json.Unmarshal([]byte(line), &r.Row); err != nil {
				return nil, fmt.Errorf("row %s: %w", kv.Key, err)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// settle compares what was answered with the rows, one to one, and settles by them what became of
// the calls without an answer: a call that left no row had no effect, and is left out. This hides
// nothing: where a row and the tickets tell different stories, no order explains them.
func (h *history) settle(rows []*row, began time.Time, now int64) (wrong []string) {
	sortEntries(h.entries)
	begun := slices.SortedStableFunc(slices.Values(rows),
		func(a, b *row) int { return a.Time.Compare(b.Time) })
	find := func(e entry, until int64) *row {
		for _, r := range begun {
			const slack = int64(20 * time.Millisecond) // between two clocks of a machine
			at := int64(r.Time.Sub(began))
			if !r.matched && keyIn(r.Actor) == e.session && r.Tool == e.tool() &&
				(e.about() == "" || r.Ticket == e.about()) && at >= e.sent-slack &&
				at <= until+slack &&
				(e.op.Verb != spec.StartNext || r.To == string(spec.InProgress)) {
				r.matched = true
				return r
			}
		}
		return nil
	}
	// Of calls that overlap, as two lanes of a session start one ticket, the first that was answered
	// takes the first row that was begun in its time: any other order may leave one without.
	answered := slices.SortedStableFunc(slices.Values(h.entries),
		func(a, b entry) int { return cmp.Compare(a.got, b.got) })
	for _, e := range answered {
		if !changes(e.op.Verb) || !e.done() || e.result.AlreadyYours || find(e, e.got) != nil {
			continue
		}
		if e.op.Verb != spec.Update { // which may have found everything as it should be
			wrong = append(wrong, "an answered change is in no row: "+e.String())
		}
	}
	kept := h.entries[:0]
	for _, e := range h.entries {
		if e.lost() {
			r := find(e, now)
			if r == nil {
				continue
			}
			e.by, e.result.ID = now, r.Ticket
		}
		kept = append(kept, e)
	}
	h.entries = kept
	for _, r := range rows {
		if !r.matched {
			wrong = append(wrong, fmt.Sprintf("nobody asked for the change of row %+v", r.Row))
		}
	}
	return wrong
}

// changes reports whether a call of a verb leaves a row when it is done.
func changes(v spec.Verb) bool { return v != look && v != death }

// tool is the tool that was called.
func (e entry) tool() string {
	verb := e.op.Verb
	if e.part != "" {
		verb = e.part
	}
	return strings.Fields(string(verb))[0]
}

// chainBroken follows the rows of each ticket: each change begins with the text that the one before
// left, the first with the text that was laid out, and the last left what is there.
func chainBroken(rows []*row, before, after map[string][]byte) (wrong []string) {
	last := map[string]journal.Hash{}
	for id, text := range before {
		last[id] = journal.HashOf(text)
	}
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b *row) int {
		return cmp.Compare(a.revision, b.revision)
	})
	for _, r := range rows {
		if r.Before != last[r.Ticket] {
			wrong = append(wrong, fmt.Sprintf("%s was changed from a text that was not there: %+v",
				r.Ticket, r.Row))
		}
		last[r.Ticket] = r.After
	}
	for id, text := range after {
		if last[id] != journal.HashOf(text) {
			wrong = append(wrong, id+" is not what its last row left")
		}
		delete(last, id)
	}
	for id := range last {
		wrong = append(wrong, id+" is missing")
	}
	return wrong
}
