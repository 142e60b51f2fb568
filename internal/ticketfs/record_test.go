package ticketfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// rowsOf reads a ticket's journal.
func rowsOf(t *testing.T, path string) (rows []journal.Row) {
	t.Helper()
	id := document.IDOf(filepath.Base(path))
	must(t, journal.Of(filepath.Dir(path)).Ticket(id, true, func(r journal.Row) bool {
		rows = append(rows, r)
		return true
	}))
	return rows
}

// Every way to change a ticket leaves one row that says who did what, and holds the former text;
// what changes nothing leaves none.
func TestRecord(t *testing.T) {
	s, path := sampleBoard(t)
	now := time.Date(2026, 1, 4, 5, 22, 9, 0, time.UTC)
	s.Now = func() time.Time { now = now.Add(time.Second); return now }
	cause := journal.Cause{Call: "c1", Actor: "ann@5f3a9c21d0e4", Client: "codex", Tool: "start",
		Reason: "because"}
	start := func(d *document.Document, _ View) ([]document.Edit, error) {
		return []document.Edit{
			document.Set("status", "in_progress"), document.Set("claimed-by", cause.Actor),
			document.Set("claimed-at", "2026-01-04T05:22:09Z"), document.SetTitle("New"),
		}, nil
	}
	ctx := t.Context()
	for range 2 { // the second time it changes nothing
		if _, err := s.changeFor(ctx, "t", cause, start); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.editFor(ctx, "t", journal.Cause{Call: "c2"},
		func(*document.Document) ([]document.Edit, error) {
			return nil, errors.New("refused")
		}); err == nil {
		t.Fatal("not refused")
	}
	must(t, noteOn(s, "t", "a note"), s.WithTicketLock(ctx, path,
		func([]byte) ([]byte, error) { return []byte("no ticket"), nil }))
	rows := rowsOf(t, path)
	if len(rows) != 3 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	first := rows[0]
	want := []journal.Field{{Key: "title", Old: "T", New: "New"}}
	if first.Cause != cause || first.From != "open" || first.To != "in_progress" ||
		fmt.Sprint(first.Fields) != fmt.Sprint(want) {
		t.Errorf("%+v", first)
	}
	if rows[2].From != "in_progress" || rows[2].To != "" || rows[2].Call == "" {
		t.Errorf("a text that is no ticket: %+v", rows[2])
	}
	text := []byte(textOf(t, path))
	for i := len(rows) - 1; i >= 0; i-- {
		var err error
		if text, err = rows[i].Restore(text); err != nil {
			t.Fatal(err)
		}
	}
	if string(text) != sample {
		t.Errorf("restored %q, want %q", text, sample)
	}

	d, err := s.createFor(ctx, now, journal.Cause{Call: "c3", Tool: "create"},
		func(id string, _ View) ([]byte, error) {
			return []byte(strings.Replace(sample, "id: t", "id: "+id, 1)), nil
		})
	must(t, err)
	created := rowsOf(t, filepath.Join(filepath.Dir(path), d.Ticket().ID+document.Ext))
	if len(created) != 1 || created[0].Before != "" || created[0].From != "" ||
		created[0].To != "open" || created[0].Tool != "create" {
		t.Errorf("created: %+v", created)
	}
}

// A process that dies between the rename and its row loses the row and nothing else: the change is
// told as made outside, and undone by nobody.
func TestRecordAfterDeath(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	for _, name := range []string{"edit", "change", "create"} {
		for step, want := range map[string]bool{"checked": false, visibleFrom: false,
			"journaled": true, "folder synced": true} {
			change := crashChanges[name]
			path := crashBoard(t, change.creates, false)
			s := storeAt(path)
			if !change.creates {
				must(t, noteOn(s, "t", "before")) // behind which the next row is missed
			}
			crashAt(t, name, path, step)
			rows := rowsOf(t, path)
			if !change.creates {
				rows = rows[1:]
			}
			visible := step != "checked"
			if got := len(rows) == 1 && !rows[0].IsOutside(); got != want {
				t.Errorf("%s, died at %q: row %v, want %v: %+v", name, step, got, want, rows)
			}
			if outside := len(rows) == 1 && rows[0].IsOutside(); !change.creates &&
				outside != (visible && !want) {
				t.Errorf("%s, died at %q: outside %v: %+v", name, step, outside, rows)
			}
			if visible {
				must(t, noteOn(s, "t", "after"))
				now := rowsOf(t, path)
				if last := now[len(now)-1]; last.IsOutside() ||
					last.After != journal.HashOf([]byte(textOf(t, path))) {
					t.Errorf("%s, died at %q: the next row is %+v", name, step, last)
				}
			}
		}
	}
}

// Rows of one ticket that many stores append stand in the order of its changes: each begins where
// the last one ended.
func TestRecordOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	const stores, changes = 6, 40
	_, path := sampleBoard(t)
	var wg sync.WaitGroup
	for n := range stores {
		s := storeAt(path)
		wg.Go(func() {
			for i := range changes {
				cause := journal.Cause{Call: fmt.Sprintf("%d-%d", n, i), Tool: "note"}
				_, err := s.editFor(context.Background(), "t", cause,
					func(*document.Document) ([]document.Edit, error) {
						return []document.Edit{document.AppendNote(cause.Call)}, nil
					})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rows := rowsOf(t, path)
	d, err := storeAt(path).get("t")
	must(t, err)
	notes := d.Notes()
	if len(rows) != stores*changes || len(notes) != len(rows) {
		t.Fatalf("%d rows, %d notes, want %d", len(rows), len(notes), stores*changes)
	}
	for i, r := range rows {
		if r.IsOutside() || r.Call != notes[i] {
			t.Errorf("row %d is of %q (%s), the note of %q", i, r.Call, r.Tool, notes[i])
		}
	}
}

// A journal that cannot be written never fails a change, and says so.
func TestRecordFails(t *testing.T) {
	skipOnWindows(t)
	for name, lay := range map[string]func(folder string) error{
		"a link":   func(folder string) error { return os.Symlink(t.TempDir(), folder) },
		"a file":   func(folder string) error { return os.WriteFile(folder, nil, 0o644) },
		"a folder": func(folder string) error { return os.MkdirAll(filepath.Join(folder, "t.jsonl"), 0o755) },
	} {
		s, path := sampleBoard(t)
		must(t, lay(filepath.Join(filepath.Dir(path), journal.Folder)))
		d, err := s.editFor(t.Context(), "t", journal.Cause{Call: "c"},
			func(*document.Document) ([]document.Edit, error) {
				return []document.Edit{document.AppendNote("x")}, nil
			})
		if !Made(err) || !errors.Is(err, ErrNotJournaled) || errors.Is(err, ErrNotDurable) ||
			d == nil || len(d.Notes()) != 1 {
			t.Errorf("%s: %v, %v", name, d, err)
		}
		if got := textOf(t, path); !strings.HasSuffix(got, "- x\n") {
			t.Errorf("%s: %q", name, got)
		}
		if litter, err := litterOf(filepath.Dir(path)); err != nil || len(litter) > 1 {
			t.Errorf("%s: %v, %v", name, litter, err)
		}
	}
}
