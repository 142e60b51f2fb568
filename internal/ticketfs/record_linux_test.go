package ticketfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

// The disk becomes full between the rename and the row: the change stands, the torn row is skipped,
// and the next one follows.
func TestRecordDiskFull(t *testing.T) {
	if !inOwnProcess(t, ownMounts()) {
		return
	}
	for _, change := range faultChanges {
		dir := mountTmpfs(t, "size=128k")
		s, path := faultBoard(t, dir, true)
		path = filepath.Join(filepath.Dir(path), change.id+".md")
		if !change.creates {
			// So that the next row crosses the end of a page: half of it is written.
			must(t, noteOn(s, change.id, "before"))
			growTo(t, filepath.Join(filepath.Dir(path), journal.Folder, change.id+".jsonl"), 4000)
		}
		var free func()
		undo := atStep(t, visibleFrom, func() { free = fillUp(t, dir, false, 0) })
		err := change.make(s)
		undo()
		if !errors.Is(err, ErrNotJournaled) || !errors.Is(err, syscall.ENOSPC) ||
			errors.Is(err, ErrNotDurable) {
			t.Errorf("%s: %v", change.name, err)
		}
		free()
		must(t, noteOn(s, change.id, "after"))
		rows := rowsOf(t, path)
		last := rows[len(rows)-1]
		if last.IsOutside() || last.After != journal.HashOf([]byte(textOf(t, path))) {
			t.Errorf("%s: the next row is %+v", change.name, last)
		}
		if !change.creates && !rows[len(rows)-2].IsOutside() {
			t.Errorf("%s: the change without a row is told as %+v", change.name, rows[len(rows)-2])
		}
	}
}

// growTo makes a journal so many bytes long, by a line that is no row.
func growTo(t *testing.T, path string, size int) {
	t.Helper()
	text := textOf(t, path)
	writeFile(t, path, text+strings.Repeat("x", size-len(text)))
}

// A journal that this user may not write, as one that another user made.
func TestRecordNotPermitted(t *testing.T) {
	if !inOwnProcess(t, nil) {
		return
	}
	dir := os.Getenv("FAULT_DIR")
	s, path := faultBoard(t, dir, true)
	must(t, noteOn(s, "t", "before"))
	becomeNobody(t, dir)
	folder := filepath.Join(filepath.Dir(path), journal.Folder)
	for name, denied := range map[string]string{"its folder": folder,
		"its file": filepath.Join(folder, "t.jsonl")} {
		must(t, os.Chmod(denied, 0o000))
		if err := noteOn(s, "t", name); !errors.Is(err, ErrNotJournaled) ||
			!errors.Is(err, syscall.EACCES) {
			t.Errorf("%s: %v", name, err)
		}
		must(t, os.Chmod(denied, 0o700))
	}
	must(t, noteOn(s, "t", "after"))
	if d, err := s.get("t"); err != nil || len(d.Notes()) < 4 {
		t.Errorf("%v, %v", d, err)
	}
}
