package ticketfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// gone checks that nobody made a folder again that was taken away.
func gone(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there again (%v)", filepath.Base(dir), err)
	}
}

// The folder goes away, and comes back as another one, between two calls of a server that runs on.
func TestFaultFolderBetweenCalls(t *testing.T) {
	skipOnWindows(t)
	s, path := faultBoard(t, t.TempDir(), true)
	dir := filepath.Dir(path)
	mine := session.New("", time.Now)
	goesOn := func(wantIDs, wantTitle, note string) {
		t.Helper()
		v, err := s.snapshot()
		must(t, err)
		ids := v.IDs()
		seen, err := v.Get("t")
		must(t, err)
		d, err := s.get("t")
		must(t, err)
		if got := strings.Join(ids, " "); got != wantIDs || seen.Title != wantTitle ||
			d.Ticket().Title != wantTitle {
			t.Errorf("tickets %s, t is called %q and %q; want %s, %q", got, seen.Title,
				d.Ticket().Title, wantIDs, wantTitle)
		}
		must(t, noteOn(s, "t", note))
		c, err := mine.Attend(dir, session.Call{}).Claim()
		must(t, err)
		if h := session.New("", time.Now).Attend(dir,
			session.Call{}).Holder("a@" + c.Key); h.Life != session.Alive {
			t.Errorf("the session is %s", h.Life)
		}
	}
	goesOn("other t", "A ticket", "one")

	must(t, os.Rename(dir, dir+".away"))
	_, viewErr := s.snapshot()
	_, getErr := s.get("t")
	for what, err := range map[string]error{"view": viewErr, "get": getErr,
		"edit": noteOn(s, "t", "lost"), "change": blockOn(s, "t", "other")} {
		if CodeOf(err) != NoStore {
			t.Errorf("%s without a folder: %v", what, err)
		}
	}
	gone(t, dir)

	makeFolder(t, dir)
	writeFile(t, path, "---\nid: t\nstatus: open\n---\n# Another\n")
	goesOn("t", "Another", "two")

	must(t, os.Rename(dir, dir+".other"), os.Rename(dir+".away", dir))
	goesOn("other t", "A ticket", "three")
	for folder, notes := range map[string]string{dir: "one three", dir + ".other": "two"} {
		d, err := document.Parse("t", []byte(textOf(t, filepath.Join(folder, "t.md"))))
		must(t, err)
		if got := strings.Join(d.Notes(), " "); got != notes {
			t.Errorf("the notes in %s are %s, want %s", filepath.Base(folder), got, notes)
		}
	}

	must(t, os.RemoveAll(dir))
	if err := noteOn(s, "t", "lost"); CodeOf(err) != NoStore {
		t.Errorf("removed for good: %v", err)
	}
	gone(t, dir)
}

// The folder goes away, or another one takes its place, amid a change: nothing is answered, and no
// ticket is written anywhere.
func TestFaultFolderAmidChange(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	skipOnWindows(t)
	for _, replaced := range []bool{false, true} {
		for _, change := range faultChanges {
			for _, at := range append([]string{"locked", "checked"}, betweenReadAndRename...) {
				t.Run(fmt.Sprintf("%s, %s, replaced %v", change.name, at, replaced),
					func(t *testing.T) {
						s, path := faultBoard(t, t.TempDir(), true)
						dir := filepath.Dir(path)
						before := readable(filepath.Join(dir, change.id+document.Ext))
						undo := atStep(t, at, func() {
							must(t, os.Rename(dir, dir+".away"))
							if replaced {
								_, _ = faultBoard(t, filepath.Dir(dir), false)
							}
						})
						err := change.make(s)
						undo()
						if err == nil {
							t.Error("the change was answered")
						}
						if now := readable(filepath.Join(dir+".away",
							change.id+document.Ext)); now != before {
							t.Errorf("the ticket that was moved away holds %s", now)
						}
						if !replaced {
							gone(t, dir)
							return
						}
						if now := readable(filepath.Join(dir,
							change.id+document.Ext)); now != before {
							t.Errorf("the ticket in the new folder holds %s", now)
						}
						if litter, err := litterOf(dir); err != nil || len(litter) > 0 {
							t.Errorf("left in the new folder: %v (%v)", litter, err)
						}
						must(t, change.make(s))
					})
			}
		}
	}
}
