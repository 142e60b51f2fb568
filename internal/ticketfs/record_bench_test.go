package ticketfs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// BenchmarkRecord is the share of a change that its row takes: of each change the time between the
// rename and the row is taken, so that other work on the machine disturbs both alike. The first
// change of a ticket also makes its journal.
func BenchmarkRecord(b *testing.B) {
	dir := filepath.Join(b.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		id := fmt.Sprint("t", i)
		if err := os.WriteFile(filepath.Join(dir, id+".md"), crashContent(id), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	f, err := storeAt(filepath.Join(dir, "t0.md")).Open()
	if err != nil {
		b.Fatal(err)
	}
	var renamed time.Time
	var rows, changes []time.Duration
	was := durable.Step
	defer func() { durable.Step = was }()
	durable.Step = func(name string) {
		switch name {
		case "renamed":
			renamed = time.Now()
		case "journaled":
			rows = append(rows, time.Since(renamed))
		}
	}
	cause := journal.Cause{Call: "k3f9x2ab", Actor: "planner@5f3a9c21d0e4", Client: "codex",
		Tool: "note", Reason: "what was learned"}
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		_, err := f.Edit(b.Context(), fmt.Sprintf("t%d", n%100), cause,
			func(*document.Document) (Decision, error) {
				return Decision{Edits: []document.Edit{document.Set("priority",
					fmt.Sprint(n/100%4)),
					document.Set("assignee", fmt.Sprint(n))}}, nil
			})
		if err != nil {
			b.Fatal(err)
		}
		changes = append(changes, time.Since(began))
	}
	row, change := medianOf(rows), medianOf(changes)
	b.ReportMetric(float64(row.Microseconds()), "row-µs")
	b.ReportMetric(float64(change.Microseconds()), "change-µs")
	b.ReportMetric(100*float64(row)/float64(change-row), "%-more")
}

func medianOf(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
