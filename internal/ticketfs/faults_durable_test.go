package ticketfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// failSync lets every sync of a folder fail, until undo.
func failSync() (undo func()) {
	before := durable.SyncFolder
	durable.SyncFolder = func(durable.Syncable) error { return errors.New("disk on fire") }
	return func() { durable.SyncFolder = before }
}

// When only the sync of the folder fails, the change is there, and the caller gets the ticket and
// is told that the disk did not confirm it. What must be durable before a claim may name it, the
// session's file and folder, fails as a whole.
func TestFaultFolderSync(t *testing.T) {
	s, path := faultBoard(t, t.TempDir(), true)
	dir := filepath.Dir(path)
	undo := failSync()
	defer undo()
	for name, change := range map[string]func() (*document.Document, error){
		"edit": func() (*document.Document, error) {
			return s.editWith(t.Context(), "t", func(*document.Document) ([]document.Edit, error) {
				return []document.Edit{document.AppendNote("one")}, nil
			})
		},
		"change": func() (*document.Document, error) {
			return s.changeWith(t.Context(), "t",
				func(*document.Document, View) ([]document.Edit, error) {
					return []document.Edit{document.AddItem("blocked-by", "other")}, nil
				})
		},
		"create": func() (*document.Document, error) {
			return s.createWith(t.Context(), time.Now(),
				func(id string, _ View) ([]byte, error) { return crashContent(id), nil })
		},
	} {
		d, err := change()
		if !errors.Is(err, ErrNotDurable) || !strings.Contains(err.Error(), "disk on fire") ||
			CodeOf(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
		if d == nil || textOf(t, filepath.Join(dir,
			d.Ticket().ID+document.Ext)) != string(d.Bytes()) {
			t.Errorf("%s: the ticket is not the one that was returned", name)
		}
		must(t, locksAreFree(dir))
	}

	process := session.New("", time.Now)
	if _, err := process.Attend(dir, session.Call{}).Claim(); err == nil ||
		!strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("settle: %v", err)
	}
	where := board.Where{Start: filepath.Join(t.TempDir(), board.FolderName)}
	if _, err := where.Make(); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("make the folder: %v", err)
	}

	undo()
	must(t, noteOn(s, "t", "two"), nextWriter(path))
	_, makeErr := where.Make()
	_, settleErr := process.Attend(dir, session.Call{}).Claim()
	must(t, makeErr, settleErr)
}

// A process that made the ticket folder may have died before its name was durable. Whoever creates
// a ticket there makes good for it, once, and again when the folder is another one.
func TestFaultFolderNameSync(t *testing.T) {
	var synced []string
	fail := false
	before := durable.SyncFolder
	durable.SyncFolder = func(f durable.Syncable) error {
		synced = append(synced, f.Name())
		if fail && filepath.Base(f.Name()) != board.FolderName {
			return errors.New("disk on fire")
		}
		return before(f)
	}
	defer func() { durable.SyncFolder = before }()
	root := t.TempDir()
	dir := filepath.Join(root, board.FolderName)
	makeFolder(t, dir) // by one that has just died
	s := NewStore(board.Where{Start: dir}, DefaultLockTimeout)
	create := func() error {
		_, err := s.createWith(t.Context(), time.Now(),
			func(id string, _ View) ([]byte, error) { return crashContent(id), nil })
		return err
	}
	names := func() int {
		n := 0
		for _, name := range synced {
			if name == root {
				n++
			}
		}
		return n
	}
	fail = true
	if err := create(); !errors.Is(err, ErrNotDurable) {
		t.Errorf("a name that may be lost: %v", err)
	}
	fail = false
	must(t, create(), create())
	if n := names(); n != 2 {
		t.Errorf("the name was synced %d times, want one that failed and one that did not", n)
	}
	must(t, os.Rename(dir, dir+".away"))
	makeFolder(t, dir)
	must(t, create())
	if n := names(); n != 3 {
		t.Errorf("the name of another folder was synced %d times", n-2)
	}
}
