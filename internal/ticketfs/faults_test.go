package ticketfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// must is for what a test itself does to files.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func skipOnWindows(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("files and folders in use are not replaced there")
	}
}

// faultBoard makes a board in dir in which every lock file and .gitignore are there, as after some
// changes, or only the tickets.
func faultBoard(t *testing.T, dir string, used bool) (s *Store, path string) {
	t.Helper()
	dir = filepath.Join(dir, board.FolderName)
	makeFolder(t, dir)
	path = filepath.Join(dir, "t.md")
	for _, id := range []string{"t", "other"} {
		writeFile(t, filepath.Join(dir, id+document.Ext), string(crashContent(id)))
	}
	if used {
		writeFile(t, filepath.Join(dir, ".gitignore"), board.Gitignore)
		for _, name := range []string{"t.md.lock", "n.md.lock", relationsLock} {
			writeFile(t, filepath.Join(dir, name), "")
		}
	}
	return storeAt(path), path
}

// faultChanges are changes that need the disk; each with the id of the ticket that it writes.
var faultChanges = []struct {
	name, id string
	creates  bool
	make     func(s *Store) error
}{
	{"edit", "t", false, func(s *Store) error { return noteOn(s, "t", "a note") }},
	{"change", "t", false, func(s *Store) error { return blockOn(s, "t", "other") }},
	{"create", "n", true, func(s *Store) error { return createAs(s, "n") }},
}

// readable is what a file holds, to tell whether that changed.
func readable(path string) string {
	content, err := os.ReadFile(path)
	return fmt.Sprintf("%s %t", content, err == nil)
}

// atStep does something at a step of the next change, as another program would do it just then.
func atStep(t *testing.T, name string, do func()) (undo func()) {
	t.Helper()
	before, reached := durable.Step, false
	durable.Step = func(now string) {
		if now == name && !reached {
			reached = true
			do()
		}
	}
	return func() {
		t.Helper()
		durable.Step = before
		if !reached {
			t.Errorf("step %q was not reached", name)
		}
	}
}

// betweenReadAndRename are the steps at which whatever another program does must be noticed.
// Between the last check, which follows "judged", and the rename nothing can be.
var betweenReadAndRename = []string{"temp created", "temp written", "temp synced", "judged"}
