package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// What the files crash*_test.go and faults*_test.go show, here and in cmd/ticket-mcp: killed at any
// instant, a writer leaves the old ticket or the new one, no lock, and at most one hidden temp,
// which the next writer replaces. What the system refuses is said in its words and leaves the old
// ticket. What other programs do to the folder meanwhile is noticed, and an answer knows all that
// was done a moment before the question.
//
// With TICKET_MCP_LONG set each load is some twenty times longer, and every kind of change meets
// every fault:
//
//	TICKET_MCP_LONG=1 go test -run 'Crash|Fault' -timeout 1h ./internal/ticketfs ./cmd/ticket-mcp

// times is how often to do something: in the normal run, half as often with -short, or in the long
// one.
func times(short, long int) int {
	switch {
	case longtest.Wanted():
		return long
	case testing.Short():
		return (short + 1) / 2
	}
	return short
}

// crashContent is a ticket that is long enough to be torn.
func crashContent(id string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "---\nid: %s\nstatus: open\n---\n# A ticket\n\n", id)
	for i := range 200 {
		fmt.Fprintf(&b, "Line %d of two hundred.\n", i)
	}
	return []byte(b.String())
}

// crashBoard makes a board with the tickets t, unless it is still to be created, and other.
func crashBoard(t *testing.T, creates, tk bool) (path string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), board.FolderName)
	makeFolder(t, dir)
	if tk {
		makeFolder(t, filepath.Join(dir, tkLocks))
	}
	writeFile(t, filepath.Join(dir, "other.md"), string(crashContent("other")))
	path = filepath.Join(dir, "t.md")
	if !creates {
		writeFile(t, path, string(crashContent("t")))
	}
	return path
}

func makeFolder(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
}

// crashChange is a change that a process makes through the door, in a board of crashBoard.
type crashChange struct {
	creates bool // there is no ticket before
	make    func(s *Store) error
}

var crashChanges = map[string]crashChange{
	"edit":   {false, func(s *Store) error { return noteOn(s, "t", "what was done") }},
	"change": {false, func(s *Store) error { return blockOn(s, "t", "other") }},
	"create": {true, createT},
	// What else happens at the first change of a folder, and of a session.
	"first":  {true, firstT},
	"settle": {false, settleT},
}

// crashSession is the name of a session, as a client gives it.
const crashSession = "crash"

// noteOn is what the tool note does.
func noteOn(s *Store, id, text string) error {
	_, err := s.editWith(context.Background(), id,
		func(*document.Document) ([]document.Edit, error) {
			return []document.Edit{document.AppendNote(text)}, nil
		})
	return err
}

// blockOn is what the tool block does.
func blockOn(s *Store, id, blocker string) error {
	_, err := s.changeWith(context.Background(), id,
		func(_ *document.Document, v View) ([]document.Edit, error) {
			if _, err := v.Get("other"); err != nil {
				return nil, err
			}
			return []document.Edit{document.AddItem("blocked-by", blocker)}, nil
		})
	return err
}

// createAs is Store.Create, but for the id, which others have to know.
func createAs(s *Store, id string) error {
	dir, err := s.dirOf()
	if err != nil {
		return err
	}
	return s.withTicketLock(context.Background(), filepath.Join(dir, id+document.Ext),
		withRelations, func(content []byte) ([]byte, error) {
			if content != nil {
				return nil, fs.ErrExist
			}
			return crashContent(id), nil
		})
}

func createT(s *Store) error { return createAs(s, "t") }

// firstT is createT where there is no folder yet.
func firstT(s *Store) error {
	if _, err := s.Where.Make(); err != nil {
		return err
	}
	return createT(s)
}

// settleT makes the process a session, and only then writes a ticket, as the tool start does.
func settleT(s *Store) error {
	dir, err := s.dirOf()
	if err == nil {
		_, err = session.New(crashSession, time.Now).Attend(dir, session.Call{}).Claim()
	}
	if err != nil {
		return err
	}
	return noteOn(s, "t", "claimed")
}

// TestCrashChild is another process of other tests.
func TestCrashChild(t *testing.T) {
	path := os.Getenv("CRASH_PATH")
	switch os.Getenv("CRASH_ROLE") {
	case "":
		t.Skip("a part of other tests")
	case "step":
		stepChild(path, os.Getenv("CRASH_CHANGE"), os.Getenv("CRASH_STEP"))
	case "thread":
		threadChild(path, crashChanges[os.Getenv("CRASH_CHANGE")])
	case "hold":
		holdChange(path, os.Getenv("CRASH_CHANGE"))
	case "tk":
		tkChild(t, path)
	case "view":
		viewChild(t, filepath.Dir(path))
	case "load":
		loadChild(t, filepath.Dir(path), os.Getenv("CRASH_NAME"), os.Getenv("CRASH_CHANGE"))
	}
}

// crashChild is the test binary as another process; what it does there stands in env.
func crashChild(path, role string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	// The race detector would wait a second before each end.
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0", "CRASH_PATH="+path,
		"CRASH_ROLE="+role), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// storeAt is a store of the folder of a ticket file.
func storeAt(path string) *Store {
	return NewStore(board.Where{Start: filepath.Dir(path)}, time.Minute)
}

// dieHere ends this process as nothing else does: no deferred function runs, and nothing is flushed
// or removed.
func dieHere() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Kill()
	}
	select {}
}

// afterDeath judges the folder of a ticket whose writer has died, and lets the next one write. It
// returns all that is wrong.
func afterDeath(path string, old, new []byte, answered bool) error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	now, err := readTicketFile(path)
	switch isNew := now.Content != nil && bytes.Equal(now.Content, new); {
	case err != nil:
		say("%w", err)
	case answered && !isNew:
		say("the change was answered, and is not there")
	case !isNew && (!bytes.Equal(now.Content, old) || (now.Content == nil) != (old == nil)):
		say("neither the old nor the new ticket, but %d bytes", len(now.Content))
	}
	// What tk's lock leaves is not ours alone to judge: there the file goes with the lock, and with
	// a dead holder stays.
	litter, err := litterOf(filepath.Dir(path))
	litter = slices.DeleteFunc(litter,
		func(name string) bool { return strings.HasPrefix(name, tkLocks) })
	if err != nil || len(litter) > 1 || len(litter) == 1 &&
		litter[0] != filepath.Base(durable.TempPath(path)) {
		say("left in the folder: %v (%v)", litter, err)
	}
	return errors.Join(append(wrong, nextWriter(path))...)
}

// nextWriter checks that no lock in the folder of a ticket is held, that the next one to write the
// ticket need not wait, and that it leaves no files behind.
func nextWriter(path string) error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	dir := filepath.Dir(path)
	if err := locksAreFree(dir); err != nil {
		say("%w", err)
	}
	before, err := readTicketFile(path)
	if err != nil {
		say("%w", err)
	}
	s := storeAt(path)
	s.LockTimeout = time.Second
	if err := s.WithTicketLock(context.Background(), path,
		appendLine("The next one.")); err != nil {
		say("the next writer: %w", err)
	} else if now, err := readTicketFile(path); err != nil ||
		string(now.Content) != string(before.Content)+"The next one.\n" {
		say("the next writer found %d bytes and left %d (%v)", len(before.Content),
			len(now.Content), err)
	}
	litter, err := litterOf(dir)
	litter = slices.DeleteFunc(litter,
		func(name string) bool { return !strings.Contains(name, filepath.Base(path)) })
	if err != nil || len(litter) > 0 {
		say("the next writer left %v (%v)", litter, err)
	}
	return errors.Join(wrong...)
}

// litterOf lists the files below a folder that are not meant to stay there.
func litterOf(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if filepath.Dir(name) == journal.Folder && filepath.Ext(name) == ".jsonl" {
			return nil
		}
		inTk := strings.HasPrefix(name, tkLocks)
		if inTk || name != ".gitignore" && document.IDOf(name) == "" &&
			filepath.Ext(name) != lockExt {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// locksAreFree probes all lock files below a folder.
func locksAreFree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != lockExt {
			return err
		}
		if held, err := flocker.Held(path); held || err != nil {
			return fmt.Errorf("%s is held: %v (%v)", filepath.Base(path), held, err)
		}
		return nil
	})
}
