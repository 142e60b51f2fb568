package stdio

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
)

// TestStall stops the world again and again while a thread enters a read that blocks. Without a
// pulse the runtime may wait until another timer goes off; with one it must not wait for long.
func TestStall(t *testing.T) {
	if !longtest.Wanted() {
		t.Skip("only in the long run, with TICKET_MCP_LONG set")
	}
	const rounds, other = 300_000, 2 * time.Second
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil { // which blocks, as standard input does
		t.Fatal(err)
	}
	go func() {
		for one := make([]byte, 1); ; {
			if n, err := unix.Read(ends[0], one); n == 0 && err == nil {
				_ = unix.Close(ends[0])
				return
			}
		}
	}()
	defer unix.Close(ends[1])
	for _, with := range []bool{false, true} {
		p := newPulse()
		if with {
			p.start()
			defer p.stop()
		}
		stalls, spun := 0, 0
		for n := range rounds {
			if _, err := unix.Write(ends[1], []byte{1}); err != nil {
				t.Fatal(err)
			}
			for range n % 400 * 10 {
				spun++
			}
			timer := time.AfterFunc(other, func() {})
			began := time.Now()
			runtime.ReadMemStats(new(runtime.MemStats))
			if time.Since(began) > other/2 {
				stalls++
			}
			timer.Stop()
		}
		t.Logf("pulse: %v; the world was stopped %d times, %d of them took until another timer (%d)", with, rounds, stalls, spun)
		if with && stalls > 0 {
			t.Error("the pulse does not end the wait")
		}
	}
}
