package tools_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// property is the test of the rules: whatever sessions do to a folder, in whatever order and
// whatever state they find it in, the program answers as the oracle says and leaves the tickets
// that the oracle says, byte for byte untouched where it says nothing.
//
// answered, when it is not nil, counts the answers, by operation and code. A crowded folder holds
// thousands of other tickets.
func property(base string, crowded bool, answered map[string]int) func(*rapid.T) {
	return func(t *rapid.T) {
		w := newWorld(t, base)
		if crowded {
			w.layCrowd()
		}
		hands := !rarely(t, 3, "only the program writes")
		if hands {
			drawBoard(t, w)
		}
		operate := func(verb spec.Verb) func(*rapid.T) {
			return func(t *rapid.T) {
				// what is created in order sorts in order
				w.now = w.now.Add(pick(t, []time.Duration{time.Millisecond, time.Second}, "passes"))
				s, u := drawOp(t, w, verb)
				got := w.do(s, u)
				if answered != nil {
					answered[string(verb)+" "+cmp.Or(string(got.Code), "ok")]++
				}
			}
		}
		for range 3 {
			operate(spec.Create)(t)
		}
		s := func(t *rapid.T) *actor { return w.session(pick(t, people, "session")) }
		// rapid draws the first ones more often.
		actions := []func(*rapid.T){
			operate(spec.Start), operate(spec.StartNext), operate(spec.Close), operate(spec.Block), operate(spec.Create),
			operate(spec.Release), operate(spec.Reopen), operate(spec.Update), operate(spec.Unblock), operate(spec.Plan),
			func(t *rapid.T) { drawSession(t, w) },
			func(t *rapid.T) { w.now = w.now.Add(pick(t, []time.Duration{4 * time.Second, time.Minute}, "wait")) },
			func(t *rapid.T) { drawLook(t, w, crowded) },
			operate(spec.Note),
			func(t *rapid.T) { w.repair(s(t), rarely(t, 2, "really")) },
			func(t *rapid.T) { w.nonsense(s(t), pick(t, nonsense, "call")) },
			func(t *rapid.T) {
				if hands {
					drawHand(t, w)
				}
			},
		}
		named := map[string]func(*rapid.T){}
		for i, action := range actions {
			named[fmt.Sprintf("%02d", i)] = action
		}
		t.Repeat(named)
	}
}

// drawSession lets a session end, begin again, or lose its file.
func drawSession(t *rapid.T, w *world) {
	s := w.session(pick(t, people, "session"))
	if isPerson(s.name) {
		return // a command is over before the next call
	}
	switch what := rapid.IntRange(0, 3).Draw(t, "what"); {
	case s.board == nil:
		w.begin(s)
	case what == 0 && rarely(t, 2, "lane"):
		s.board.Tags = pick(t, [][]string{nil, {"api"}, {"ui", "none"}}, "lane")
	case what == 0:
		w.lose(s)
	default:
		w.die(s)
	}
}

func TestOracle(t *testing.T) {
	t.Parallel()
	answered := map[string]int{}
	rapid.Check(t, property(t.TempDir(), false, answered))
	t.Logf("answers: %v", answered)
}

// TestOracleCrowded is the same property on a few boards of thousands of tickets.
func TestOracleCrowded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	history := rapid.MakeFuzz(property(t.TempDir(), true, nil))
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { history(t, numbers(seed)) })
	}
}

// FuzzOracle is the same property, driven by the fuzzer. Run it with -fuzzminimizetime 1x:
// histories touch the disk, so that no two runs cover quite the same code, and the fuzzer would
// spend its time on making inputs shorter that are no better than others.
func FuzzOracle(f *testing.F) {
	for seed := range uint64(3) {
		f.Add(numbers(seed))
	}
	target := rapid.MakeFuzz(property(f.TempDir(), false, nil))
	f.Fuzz(target)
}

// numbers are what a history is drawn from. It takes some thousand; from fewer it ends at once.
func numbers(seed uint64) []byte {
	source := rand.New(rand.NewPCG(seed, 0))
	bytes := make([]byte, 16<<10)
	for i := range bytes {
		bytes[i] = byte(source.Uint32())
	}
	return bytes
}
