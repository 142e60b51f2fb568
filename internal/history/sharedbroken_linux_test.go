//go:build etcd

package history_test

import (
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// brokenShared are the program for shared boards with one idea taken out. internal/etcd has more of
// them, in a fixed order of events; these show that histories of real processes notice them too.
var brokenShared = []struct {
	name  string
	load  play
	edits []sourceEdit
	apart bool // the clocks of the hosts
}{
	{"tickets are not compared", crowd, []sourceEdit{
		{"internal/etcd/transaction.go", "	for i, id := range t.operation.IDs {\n",
			"	for i, id := range t.operation.IDs[:0] {\n"},
	}, false},
	{"relations are not compared", families, []sourceEdit{
		{"internal/etcd/transaction.go", "	if o.Relations || moved {\n", "	if false {\n"},
	}, false},
	{"a session ends by the clock on the wall", wallClock, []sourceEdit{
		{"internal/etcd/marks.go", `		h.Life = session.Alive
		signed := decodeMark(kv.Value)
`, `		signed := decodeMark(kv.Value)
		if b.Now().Sub(signed.Since) < time.Minute {
			h.Life = session.Alive
		}
`},
		{"internal/etcd/transaction.go", "	for _, conversation := range c.ended {\n",
			"	for _, conversation := range c.ended[:0] {\n"},
	}, true},
}

var wallClock = play{name: "wall clock", board: loose(4), sessions: 8, lanes: 1, calls: 30, lives: 1,
	choose: claiming}

func TestSharedBrokenPrograms(t *testing.T) {
	needProcesses(t)
	m := newMachines(t, 4)
	for _, i := range longtest.Some(len(brokenShared), 1) {
		b := brokenShared[i]
		t.Run(b.name, func(t *testing.T) {
			var edits []servertest.Edit
			for _, e := range b.edits {
				edits = append(edits, servertest.Edit(e))
			}
			m := m.in(t)
			if m.apart = b.apart; m.apart {
				edits = append(edits, readsClock...)
			}
			broken := servertest.BrokenShared(t, "shared "+b.name, edits...)
			began := time.Now()
			for round := 1; ; round++ {
				h := b.load.playShared(m, broken, uint64(round))
				took := time.Since(began).Seconds()
				if by := h.caughtBy(); by != "" {
					t.Logf("caught in round %d of %q, after %.1f s and %d calls, by %s", round,
						b.load.name, took, round*len(h.entries), by)
					break
				}
				if round == maxRounds {
					t.Fatalf("not caught in %d rounds of %q, %.1f s", round, b.load.name, took)
				}
			}
		})
	}
}
