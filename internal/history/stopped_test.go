//go:build unix

package history_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// An owner that is stopped, as by a laptop's lid or a debugger, is not dead. Its ticket is never
// taken over, whatever moment it was stopped at, and goes on with what it holds.
func TestStopped(t *testing.T) {
	for _, seed := range seeds() {
		dice := rand.New(rand.NewPCG(seed, 0))
		b := newTable(t, loose(1))
		h := history{before: loose(1)}
		owner := b.sit("owner")
		// an owner that is stopped in the middle of a write keeps its locks
		other := b.sit("other", "--lock-timeout", "150ms")
		b.says(owner, start("t00"), "done")
		for round := range 8 {
			note := make(chan entry, 1)
			text := fmt.Sprintf("%d-%d", seed, round)
			go func() { note <- b.call(owner, 1, spec.UserInput{Verb: spec.Note, ID: "t00", Text: text}) }()
			// somewhere in the call, or after it
			time.Sleep(time.Duration(dice.Int64N(int64(4 * time.Millisecond))))
			if err := owner.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			b.says(other, start("t00"), "claimed", "busy")
			b.says(other, takeOver("t00"), "claimed", "busy")
			b.says(other, finish("t00"), "claimed", "busy")
			b.says(other, release("t00"), "claimed", "busy")
			if err := owner.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if e := <-note; !e.done() {
				t.Errorf("the owner could not go on: %s", e)
			}
		}
		b.says(owner, start("t00"), "already")
		b.says(owner, finish("t00"), "done")
		b.rises(owner)
		b.rises(other)
		h.entries = b.entries
		if err := h.readFiles(b.dir); err != nil {
			t.Fatal(err)
		}
		h.check(t, true)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
