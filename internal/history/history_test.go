// Histories: real server processes work on one board at the same time, everything they are asked
// and answer is written down with its time, and what was seen is judged afterwards.
//
//   - porcupine, ticket by ticket: there is an order of the calls in which spec.StepOne gives all
//     these answers and, at the end, this file (model_test.go).
//   - The rules between tickets, over the whole history and in the files at the end (rules_test.go,
//     by what is certain at a moment: time_test.go).
//   - Notes: each that was answered is in the file once, none that was not sent (notes_test.go).
//
// The checkers reject histories made bad by hand (reject_test.go), and catch the program when an
// idea is taken out of its source (broken_test.go). Short versions run always. The long run is
//
//	go test ./internal/history -run 'TestHistory|TestClaims|TestStopped' -history.rounds 200 -v -timeout 3h
//
// With the tag etcd the same loads run on shared boards: see shared_linux_test.go.
//
// A failure names its seed: -history.seed makes the same calls again, though not at the same
// moments.
package history_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

var (
	historyRounds = flag.Int("history.rounds", 1, "`number` of times that each history is played")
	historySeed   = flag.Uint64("history.seed", 0,
		"`number` that decides the calls of the first round; 0 for others each time")
)

// seeds are the seeds of the rounds.
func seeds() []uint64 {
	first := *historySeed
	if first == 0 {
		first = 1 + rand.Uint64N(1_000_000)
	}
	out := make([]uint64, *historyRounds)
	for i := range out {
		out[i] = first + uint64(i)
	}
	return out
}

// realServer is the program under test, for tests of several processes.
func realServer(t *testing.T) string {
	t.Helper()
	needProcesses(t)
	return servertest.Program(t)
}

func needProcesses(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts many processes")
	}
}

// check reports everything that is wrong with a history, and draws the tickets that cannot be put
// in order.
func (h history) check(t *testing.T, mayBeBusy bool) {
	t.Helper()
	sortEntries(h.entries)
	bad, order := h.disorder(orderTime)
	complaints := slices.Concat(h.rulesBroken(), h.notesBroken(), order)
	if !mayBeBusy {
		complaints = append(complaints, h.busy()...)
	}
	for _, why := range complaints {
		t.Error(why)
	}
	if len(bad) == 0 {
		return
	}
	dir, err := pictures(t)
	if err != nil {
		t.Fatal(err)
	}
	const most = 3 // a picture takes its time
	for _, th := range bad[:min(most, len(bad))] {
		path := filepath.Join(dir, th.id+".html")
		if err := th.draw(path); err != nil {
			t.Error(err)
		}
		t.Error("see " + path)
	}
}

// pictures is a folder that is kept: the one for artifacts if there is one, else a temporary one.
func pictures(t *testing.T) (string, error) {
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		return t.ArtifactDir(), nil
	}
	return os.MkdirTemp("", "ticket-mcp-history-")
}

func TestHistory(t *testing.T) {
	program := realServer(t)
	for _, p := range []play{
		{name: "calm", board: family(16), sessions: 6, lanes: 2, calls: 60, lives: 1,
			choose: anything},
		{name: "killed", board: family(16), sessions: 6, lanes: 2, calls: 30, lives: 2,
			choose: anything},
		// So many tickets that the program watches the folder, and no longer looks at each file.
		{name: "watched", board: family(16), closed: 600, sessions: 6, lanes: 2, calls: 30,
			lives: 1, choose: anything},
		// Several conversations of each process, with agents of each, on a board of the other
		// dialect.
		{name: "conversations", board: family(16), blockerKey: document.KeyDeps, sessions: 4,
			lanes: 3, calls: 30, lives: 1, choose: anything,
			conversations: 2, agents: []string{"one", "two"}},
		dialect, drops, crowd, claims, rings, families, vandalized, worktrees,
	} {
		t.Run(p.name, func(t *testing.T) {
			for _, seed := range seeds() {
				h := p.run(t, program, seed)
				h.check(t, p.unlink)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
				t.Log(h.summary())
			}
		})
	}
}

// summary counts what was answered.
func (h history) summary() string {
	counts := map[string]int{}
	for _, e := range h.entries {
		answer := "done"
		switch {
		case e.lost():
			answer = "lost"
		case e.fault != "":
			answer = "fault"
		case e.result.Code != "":
			answer = string(e.result.Code)
		case e.result.AlreadyYours:
			answer = "already"
		case e.result.TakenOver:
			answer = "takenover"
		}
		counts[string(e.op.Verb)+" "+answer]++
	}
	lines := fmt.Sprintf("%d entries, %d tickets:", len(h.entries), len(h.after))
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		lines += fmt.Sprintf(" %s %d,", key, counts[key])
	}
	return lines
}
