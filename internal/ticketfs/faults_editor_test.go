package ticketfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// An editor or git, which take no locks, write the ticket between our read and our rename: busy,
// and their bytes stand.
func TestFaultEditor(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	skipOnWindows(t)
	theirs := []byte(strings.Replace(string(crashContent("t")), "Line 7 ", "Line 8 ", 1))
	for _, editor := range []struct {
		name  string
		write func(path string) error
	}{
		{"same size", func(path string) error { return os.WriteFile(path, theirs, 0o666) }},
		{"longer", func(path string) error { return os.WriteFile(path, append(theirs, "more\n"...), 0o666) }},
		{"by rename", func(path string) error {
			return errors.Join(os.WriteFile(path+"~", theirs, 0o666), os.Rename(path+"~", path))
		}},
		{"removed", os.Remove},
	} {
		for _, change := range faultChanges {
			if change.creates && editor.name == "removed" {
				continue // there is nothing yet
			}
			for _, at := range betweenReadAndRename {
				t.Run(fmt.Sprintf("%s, %s, %s", editor.name, change.name, at), func(t *testing.T) {
					s, path := faultBoard(t, t.TempDir(), true)
					path = filepath.Join(filepath.Dir(path), change.id+document.Ext)
					var untouched func()
					undo := atStep(t, at, func() {
						must(t, editor.write(path))
						untouched = watchFile(t, path)
					})
					err := change.make(s)
					undo()
					if CodeOf(err) != Busy || !strings.Contains(err.Error(), "another program") ||
						!strings.Contains(err.Error(), "retry") {
						t.Errorf("error %v", err)
					}
					untouched()
					must(t, nextWriter(path))
				})
			}
		}
	}
}

// The tk program's folder of locks comes or goes while a change is under way: a tk that we did not
// lock out may be writing.
func TestFaultTkComesOrGoes(t *testing.T) {
	skipOnWindows(t)
	for _, comes := range []bool{true, false} {
		for _, change := range faultChanges {
			for _, at := range betweenReadAndRename {
				s, path := faultBoard(t, t.TempDir(), true)
				locks := filepath.Join(filepath.Dir(path), tkLocks)
				appear, vanish := func() { makeFolder(t, locks) }, func() { must(t, os.RemoveAll(locks)) }
				if !comes {
					appear()
					appear = vanish
				}
				path = filepath.Join(filepath.Dir(path), change.id+document.Ext)
				untouched := watchFile(t, path)
				undo := atStep(t, at, appear)
				err := change.make(s)
				undo()
				if CodeOf(err) != Busy {
					t.Errorf("%s, tk comes: %v, at %q: %v", change.name, comes, at, err)
				}
				untouched()
				must(t, change.make(s), nextWriter(path))
			}
		}
	}
}
