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

// BenchmarkCost is what the journal costs a change: the same calls, in turns, of the program and of one whose door writes no row,
// each on a board of 100 tickets. The medians stand beside each other, and what the one takes more than the other.
func BenchmarkCost(b *testing.B) {
	without := servertest.Broken(b, "no journal", servertest.Edit{
		File: "internal/ticketfs/door.go", Old: "recordErr := p.record(s, cause)", New: "var recordErr error",
	})
	with := costBoard(b, servertest.Program(b))
	bare := costBoard(b, without)
	for _, call := range []struct {
		name string
		make func(*client.Client, int) error
	}{
		{"note", noteOn},
		{"start and release", startOn},
	} {
		b.Run(call.name, func(b *testing.B) {
			var took [2][]time.Duration
			n := 0
			for b.Loop() {
				for i, c := range []*client.Client{with, bare} {
					began := time.Now()
					if err := call.make(c, n%100); err != nil {
						b.Fatal(err)
					}
					took[i] = append(took[i], time.Since(began))
				}
				n++
			}
			x, y := median(took[0]), median(took[1])
			b.ReportMetric(float64(x.Microseconds()), "µs-with")
			b.ReportMetric(float64(y.Microseconds()), "µs-without")
			b.ReportMetric(100*(float64(x)/float64(y)-1), "%-more")
		})
	}
}

func costBoard(b *testing.B, program string) *client.Client {
	b.Helper()
	dir := filepath.Join(b.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		text := fmt.Sprintf("---\nschema_version: 1\nid: t%d\nstatus: open\nblocked-by: []\ncreated: 2026-01-04T05:22:09Z\npriority: 2\n---\n# T\n\nWords.\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("t%d.md", i)), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	c, err := client.Start(b.Context(), program, []string{"--dir", dir}, client.Environment())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
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
