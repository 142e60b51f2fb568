package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// BenchmarkCost is what the journal costs a change: the same calls, interleaved, of the program and
// of one whose door writes no row, each on a board of 100 tickets. What the one takes more than the
// other is told of the medians and of the processor time, which other work on the machine disturbs
// less.
func BenchmarkCost(b *testing.B) {
	programs := []string{servertest.Program(b), servertest.Broken(b, "no journal", servertest.Edit{
		File: "internal/ticketfs/door.go", Old: "recordErr := p.record(s, cause)", New: "var recordErr error",
	})}
	for _, call := range []struct {
		name string
		make func(*client.Client, int) error
	}{{"note", noteOn}, {"start and release", startOn}} {
		b.Run(call.name, func(b *testing.B) {
			var servers [2]*client.Client
			for i, program := range programs {
				servers[i] = costBoard(b, program)
			}
			var took [2][]time.Duration
			for n := 0; b.Loop(); n++ {
				for turn := range servers {
					i := (n + turn) % 2 // neither is always the first
					began := time.Now()
					if err := call.make(servers[i], n%100); err != nil {
						b.Fatal(err)
					}
					took[i] = append(took[i], time.Since(began))
				}
			}
			var used [2]time.Duration
			for i, c := range servers {
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				used[i] = c.Cmd.ProcessState.UserTime() + c.Cmd.ProcessState.SystemTime()
			}
			report(b, "median", median(took[0]), median(took[1]))
			report(b, "cpu", used[0]/time.Duration(len(took[0])),
				used[1]/time.Duration(len(took[1])))
		})
	}
}

func report(b *testing.B, what string, with, without time.Duration) {
	b.ReportMetric(float64(with.Microseconds()), what+"-µs-with")
	b.ReportMetric(float64(without.Microseconds()), what+"-µs-without")
	b.ReportMetric(100*(float64(with)/float64(without)-1), what+"-%-more")
}

func costBoard(b *testing.B, program string) *client.Client {
	b.Helper()
	dir := filepath.Join(b.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		text := fmt.Sprintf("---\nschema_version: 1\nid: t%d\nstatus: open\nblocked-by: []\ncreated: 2026-01-04T05:22:09Z\npriority: 2\n---\n# T\n\nWords.\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("t%d.md", i)), []byte(text),
			0o644); err != nil {
			b.Fatal(err)
		}
	}
	c, err := client.Start(b.Context(), program, []string{"--dir", dir}, client.Environment())
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func call(c *client.Client, tool string, arguments map[string]any) error {
	r, err := c.Call(tool, arguments)
	if err == nil && r.IsError {
		err = fmt.Errorf("%s: %s", tool, r.Text)
	}
	return err
}

func noteOn(c *client.Client, n int) error {
	return call(c, "note", map[string]any{"id": fmt.Sprint("t", n), "text": "a line of a note"})
}

func startOn(c *client.Client, n int) error {
	id := fmt.Sprint("t", n)
	if err := call(c, "start", map[string]any{"id": id}); err != nil {
		return err
	}
	return call(c, "release", map[string]any{"id": id})
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
