package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// board is a ticket folder and the journal of what the test does to its tickets.
type board struct {
	t       testing.TB
	dir     string
	journal Journal
	now     time.Time
	calls   int
}

var began = time.Date(2026, 1, 4, 5, 22, 9, 0, time.UTC)

func newBoard(t testing.TB) *board {
	t.Helper()
	dir := filepath.Join(t.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return &board{t: t, dir: dir, journal: Of(dir), now: began}
}

func (b *board) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// write changes a ticket without a row, as an editor would.
func (b *board) write(ticket, content string) {
	b.t.Helper()
	b.must(os.WriteFile(filepath.Join(b.dir, ticket+".md"), []byte(content), 0o644))
}

func (b *board) text(ticket string) []byte {
	b.t.Helper()
	content, err := os.ReadFile(filepath.Join(b.dir, ticket+".md"))
	if os.IsNotExist(err) {
		return nil
	}
	b.must(err)
	return content
}

// change changes a ticket and appends its row, a second later than the last one.
func (b *board) change(ticket, actor, content string) Row {
	b.t.Helper()
	before := b.text(ticket)
	b.write(ticket, content)
	b.now = b.now.Add(time.Second)
	b.calls++
	r := Row{
		Time: b.now, Ticket: ticket,
		Cause:  Cause{Call: fmt.Sprintf("call%d", b.calls), Actor: actor, Tool: "update"},
		Before: HashOf(before), After: HashOf([]byte(content)), Former: FormerOf(before,
			[]byte(content)),
	}
	b.must(b.journal.Append(r))
	return r
}

func (b *board) rows(ticket string) []Row {
	b.t.Helper()
	var rows []Row
	b.must(b.journal.Ticket(ticket, true, func(r Row) bool {
		rows = append(rows, r)
		return true
	}))
	return rows
}

// told is rows by their calls, outside rows as a word.
func told(rows []Row) string {
	var words []string
	for _, r := range rows {
		word := r.Call
		if r.IsOutside() {
			word = "outside"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
