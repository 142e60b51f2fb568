package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func (b *board) history(q Query) Page {
	b.t.Helper()
	page, err := b.journal.History(q)
	b.must(err)
	return page
}

func TestHistory(t *testing.T) {
	b := newBoard(t)
	for i := range 6 {
		b.change(fmt.Sprint("t", i%2), []string{"ann@5f3a9c21d0e4", "bob@0123456789ab",
			"ann@person"}[i%3], fmt.Sprint(ticket, i))
	}
	b.write("t1", ticket)
	b.must(os.Chtimes(filepath.Join(b.dir, "t1.md"), time.Time{}, b.now.Add(time.Minute)))
	at := func(s int) Since { return SinceTime(began.Add(time.Duration(s) * time.Second)) }
	for name, c := range map[string]struct {
		query Query
		want  string
		more  bool
	}{
		"all":             {Query{}, "call1 call2 call3 call4 call5 call6 outside", false},
		"the last":        {Query{Limit: 2}, "call6 outside", true},
		"of a ticket":     {Query{Ticket: "t0"}, "call1 call3 call5", false},
		"its last":        {Query{Ticket: "t0", Limit: 1}, "call5", true},
		"by name":         {Query{By: "ann"}, "call1 call3 call4 call6", false},
		"by whole actor":  {Query{By: "ann@person"}, "call3 call6", false},
		"by half a name":  {Query{By: "an"}, "", false},
		"by nobody":       {Query{By: "@person"}, "", false},
		"since":           {Query{Since: at(4)}, "call4 call5 call6 outside", false},
		"the first since": {Query{Since: at(4), Limit: 2}, "call4 call5", true},
		"of all three":    {Query{Since: at(2), Ticket: "t1", By: "bob"}, "call2", false},
		"since later":     {Query{Since: at(3600)}, "", false},
		"no such ticket":  {Query{Ticket: "nope"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.query.Limit == 0 {
				c.query.Limit = 100
			}
			page := b.history(c.query)
			more := page.Earlier || page.Later > 0
			if got := told(page.Rows); got != c.want || more != c.more || page.Unread != nil {
				t.Errorf("told %q, more %v, unread %v; want %q, %v", got, more, page.Unread, c.want,
					c.more)
			}
		})
	}
}

// One journal that cannot be read hides no other.
func TestHistoryUnread(t *testing.T) {
	b := newBoard(t)
	b.change("t", "a", ticket)
	b.change("u", "a", ticket)
	b.must(os.Remove(filepath.Join(b.dir, "u.md")))
	b.must(os.Mkdir(filepath.Join(b.dir, "u.md"), 0o755))
	b.must(os.Mkdir(b.journal.path("v"), 0o755))
	b.must(os.WriteFile(filepath.Join(b.journal.dir, ".hidden.jsonl"), nil, 0o644))
	page := b.history(Query{Limit: 10})
	if got := told(page.Rows); got != "call1 call2 outside" || page.Unread != nil {
		t.Errorf("told %q, unread %v", got, page.Unread)
	}
	b.must(os.Remove(b.journal.path("u")))
	b.must(os.Mkdir(b.journal.path("u"), 0o755))
	if page := b.history(Query{Ticket: "u", Limit: 10}); !slices.Equal(page.Unread, []string{"u"}) {
		t.Errorf("unread %v", page.Unread)
	}
}

// Whoever asks again and again from where the last page ended is told every row, also one that was
// appended late, in each ticket's order.
func TestCursor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBoard(t)
		b.now = began.Add(time.Minute)
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		seen := map[string]int{}
		var order []string
		since := SinceTime(began)
		ask := func() {
			for range 100 {
				again, err := ParseSince(since.String(), began)
				b.must(err)
				page := b.history(Query{Since: again, Limit: limit})
				for _, r := range page.Rows {
					if seen[r.ID()]++; seen[r.ID()] == 1 {
						order = append(order, r.ID())
					}
				}
				since = page.Next
				if page.Later == 0 {
					return
				}
			}
			rt.Fatal("no end of pages")
		}
		var wrote []string
		for i := range rapid.IntRange(1, 25).Draw(rt, "changes") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				ask()
			case 1:
				b.now = b.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt,
					"pause")) * time.Second)
			}
			ticket := rapid.SampledFrom([]string{"t", "u", "v"}).Draw(rt, "ticket")
			late := time.Duration(rapid.IntRange(0, 8).Draw(rt, "late")) * time.Second
			b.now = b.now.Add(-late)
			wrote = append(wrote, b.change(ticket, "a", fmt.Sprint(i)).ID())
			b.now = b.now.Add(late)
		}
		ask()
		for _, id := range wrote {
			if seen[id] == 0 {
				rt.Errorf("%s was never told; told %q of %q", id, order, wrote)
			}
		}
	})
}

// A board that rests is told once.
func TestCursorTellsNothingTwice(t *testing.T) {
	b := newBoard(t)
	for i := range 20 {
		b.change(fmt.Sprint("t", i%3), "a", fmt.Sprint(i))
	}
	var all []Row
	since := SinceTime(began)
	for range 20 {
		page := b.history(Query{Since: since, Limit: 3})
		all = append(all, page.Rows...)
		since = page.Next
	}
	if len(all) != 20 {
		t.Errorf("told %q", told(all))
	}
	page := b.history(Query{Limit: 1})
	b.change("t0", "a", "new")
	if next := b.history(Query{Since: page.Next, Limit: 9}); told(next.Rows) != "call21" {
		t.Errorf("behind the last page: %q", told(next.Rows))
	}
}

func TestParseSince(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 1, 4, 9, 0, 0, 0, zone)
	for text, want := range map[string]string{
		"90m": "2026-01-04T07:30:00+02:00", "2d": "2026-01-02T09:00:00+02:00", "1w": "2025-12-28T09:00:00+02:00",
		"08:15": "2026-01-04T08:15:00+02:00", "18:00": "2026-01-03T18:00:00+02:00", "18:00:30": "2026-01-03T18:00:30+02:00",
		"2026-01-04": "2026-01-04T00:00:00+02:00", "2026-01-03 18:00": "2026-01-03T18:00:00+02:00",
		"2026-01-03T18:00": "2026-01-03T18:00:00+02:00", "2026-01-03T18:00:00Z": "2026-01-03T18:00:00Z",
		" 0s ": "2026-01-04T09:00:00+02:00",
	} {
		got, err := ParseSince(text, now)
		if err != nil || got.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-5m", "25:00", "3x", "99999999d", "c1-2", "c1-zz-t",
		"cx-1-t", "2026-13-01"} {
		if got, err := ParseSince(text, now); err == nil ||
			!strings.Contains(err.Error(), "no time") {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}
