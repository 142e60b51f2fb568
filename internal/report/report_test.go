package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

var began = time.Date(2026, 1, 4, 5, 22, 9, 0, time.UTC)

// row is the how manyth row, a minute after the one before.
func row(n int, id, actor, from, to string) journal.Row {
	r := journal.Row{
		Time: began.Add(time.Duration(n) * time.Minute), Ticket: id, From: from, To: to,
		Cause:  journal.Cause{Call: fmt.Sprint(n), Actor: actor, Tool: "x"},
		Before: journal.HashOf([]byte(from)), After: journal.HashOf([]byte(to)),
	}
	if from == "" {
		r.Before = ""
	}
	if to == "" {
		r.After = ""
	}
	return r
}

func outside(r journal.Row) journal.Row {
	r.Cause = journal.Cause{Tool: journal.Outside}
	return r
}

func ids(items []Item) string {
	var all []string
	for _, i := range items {
		all = append(all, i.ID)
	}
	return strings.Join(all, " ")
}

func TestReport(t *testing.T) {
	b := New(began, began.Add(time.Hour))
	claimed := row(5, "dead", "gone@1", open, inProgress)
	takeover := row(6, "over", "ann@1", inProgress, inProgress)
	takeover.Fields = []journal.Field{{Key: "claimed-by", Old: "gone@1", New: "ann@1"}}
	held := row(7, "held", "bob@2", inProgress, open)
	held.Fields = []journal.Field{{Key: "hold", New: "Grace must decide"}}
	tail := outside(row(9, "byhand", "", open, "x"))
	tail.To = ""
	for _, r := range []journal.Row{
		row(1, "done", "ann@1", "", open), row(2, "done", "ann@1", open, inProgress), row(4, "done",
			"ann@1", inProgress, closed),
		claimed, takeover, held, tail,
		row(8, "dropped", "bob@2", open, closed), row(10, "again", "bob@2", closed, open),
		row(11, "removed", "bob@2", open, inProgress), outside(row(12, "removed", "", inProgress,
			"")),
	} {
		b.Row(r)
	}
	b.Refused(journal.Refusal{Actor: "bob@2", Code: "claimed"})
	b.Refused(journal.Refusal{Actor: "eve@3", Code: "blocked"})
	r := b.Finish([]Ticket{
		{ID: "done", Status: closed, Evidence: true}, {ID: "dead", Status: inProgress, Dead: true,
			LastNote: "half way", Holder: "gone@1"},
		{ID: "over", Status: inProgress, Changed: began.Add(51 * time.Minute)}, {ID: "held",
			Status: open, Hold: "Grace must decide"},
		{ID: "older", Status: open, Hold: "who?"}, {ID: "byhand", Status: closed}, {ID: "dropped",
			Status: closed, Resolution: "dropped"},
		{ID: "again", Status: open}, {ID: "slow", Status: inProgress, Changed: began},
		{ID: "torn", Status: Malformed}, {ID: "made", Status: open,
			Created: began.Add(time.Second)},
	})
	for name, got := range map[string][2]string{
		"needs a person": {ids(r.NeedsPerson), "older held"}, "abandoned": {ids(r.Abandoned),
			"dead"}, "stuck": {ids(r.Stuck), "slow"},
		"done": {ids(r.Done), "done"}, "dropped": {ids(r.Dropped), "dropped"}, "new": {ids(r.New),
			"done"},
		"outside": {strings.Join(r.Outside, " "),
			"byhand made removed"}, "unclear": {strings.Join(r.Unclear, " "), ""},
		"usual": {r.Usual, "10m0s"}, "note": {r.Abandoned[0].Why,
			"half way"}, "evidence": {fmt.Sprint(r.Evidence), "1"},
		"then": {fmt.Sprint(r.Then), "map[closed:1 in_progress:3 malformed:1 open:5]"},
		"now":  {fmt.Sprint(r.Now), "map[closed:3 in_progress:3 malformed:1 open:4]"},
		"agents": {fmt.Sprint(r.Agents),
			"[{ann@1 2 1 0 0 2m0s [120000000000]} {bob@2 1 1 1 1  []} {eve@3 0 0 0 1  []} {gone@1 1 0 0 0  []}]"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", name, got[0], got[1])
		}
	}
	addsUp(t, r)
}

// addsUp checks that what there was, and what came and went, is what there is.
func addsUp(t rapid.TB, r Report) {
	t.Helper()
	want := map[string]int{}
	for status, n := range r.Then {
		want[status] += n
	}
	for move, n := range r.Moves {
		from, to, _ := strings.Cut(move, " -> ")
		want[from] -= n
		want[to] += n
	}
	for _, status := range []string{open, inProgress, closed, malformed} {
		if want[status] != r.Now[status] {
			t.Errorf("%s: %d then and %v make %d, but there are %d", status, r.Then[status],
				r.Moves, want[status], r.Now[status])
		}
	}
}

// A ticket whose rows lead elsewhere is named.
func TestUnclear(t *testing.T) {
	b := New(began, began.Add(time.Hour))
	b.Row(row(1, "a", "x", open, inProgress))
	b.Row(row(1, "b", "x", open, inProgress))
	b.Row(row(2, "b", "x", open, closed)) // which is no chain
	b.Row(row(1, "gone", "x", open, closed))
	r := b.Finish([]Ticket{{ID: "a", Status: closed}, {ID: "b", Status: closed}})
	if want := []string{"a", "b", "gone"}; !slices.Equal(r.Unclear, want) {
		t.Errorf("%v, want %v", r.Unclear, want)
	}
}

// Whatever happens to tickets, with rows or without, the numbers add up, and none is unclear.
func TestNumbersAddUp(t *testing.T) {
	statuses := []string{"", open, inProgress, closed}
	rapid.Check(t, func(t *rapid.T) {
		b := New(began, began.Add(time.Hour))
		var tickets []Ticket
		for i := range rapid.IntRange(0, 6).Draw(t, "tickets") {
			id := fmt.Sprint("t", i)
			status := rapid.SampledFrom(statuses).Draw(t, "first")
			for n := range rapid.IntRange(0, 6).Draw(t, "rows") {
				to := rapid.SampledFrom(statuses).Draw(t, "to")
				r := row(n, id, "a", status, to)
				if to == "" || status == "" && n > 0 ||
					rapid.IntRange(0, 4).Draw(t, "outside") == 0 {
					r = outside(r)
				}
				if n == 5 && r.IsOutside() && to != "" {
					r.To = "" // the last one: what became of it only the ticket says
				}
				b.Row(r)
				status = to
			}
			if status != "" {
				tickets = append(tickets, Ticket{ID: id, Status: status})
			}
		}
		r := b.Finish(tickets)
		addsUp(t, r)
		if len(r.Unclear) > 0 {
			t.Errorf("unclear: %v", r.Unclear)
		}
	})
}
