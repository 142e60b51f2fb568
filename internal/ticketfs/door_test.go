package ticketfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

const sample = "---\nid: t\nstatus: open\n---\n# T\n"

// sampleBoard is a folder with one ticket t.
func sampleBoard(t *testing.T) (s *Store, path string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "t.md")
	writeFile(t, path, sample)
	return NewStore(board.Where{Start: dir}, 10*time.Second), path
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// watchFile returns a check that the file was not written since: bytes, times and identity are as
// they were, and no temp is left.
func watchFile(t *testing.T, path string) (untouched func()) {
	t.Helper()
	before, err := readTicketFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		after, err := readTicketFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !bytes.Equal(before.Content, after.Content):
			t.Errorf("%s holds %q, and held %q", filepath.Base(path), after.Content, before.Content)
		case before.Info == nil && after.Info == nil:
		case !durable.SameVersion(before.Info, after.Info):
			t.Errorf("%s was written: %v, was %v", filepath.Base(path), after.Info.ModTime(),
				before.Info.ModTime())
		}
		if _, err := os.Lstat(durable.TempPath(path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a temp file is left (%v)", err)
		}
	}
}

// lockIsFree checks that no lock of the ticket at path is held: locks are of open files, so another
// store of this process sees what another process would.
func lockIsFree(t *testing.T, path string) {
	t.Helper()
	for _, lock := range []string{path + lockExt,
		filepath.Join(filepath.Dir(path), relationsLock)} {
		held, err := flocker.Held(lock)
		// A wait that its caller gave up is still in the kernel's queue: it gets the lock for an
		// instant and frees it.
		for end := time.Now().Add(time.Minute); held &&
			time.Now().Before(end); held, err = flocker.Held(lock) {
			time.Sleep(time.Millisecond)
		}
		if held || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is held: %v (%v)", filepath.Base(lock), held, err)
		}
	}
	other := &Store{LockTimeout: 10 * time.Second}
	entered := false
	err := other.WithTicketLock(t.Context(), path,
		func([]byte) ([]byte, error) { entered = true; return nil, nil })
	if err != nil || !entered {
		t.Errorf("the next caller: %v", err)
	}
}

// appendLine is a rule that adds a line.
func appendLine(line string) func([]byte) ([]byte, error) {
	return func(content []byte) ([]byte, error) { return append(bytes.Clone(content), line+"\n"...), nil }
}

func TestDoorWrites(t *testing.T) {
	s, path := sampleBoard(t)
	if err := s.WithTicketLock(t.Context(), path, appendLine("one")); err != nil {
		t.Fatal(err)
	}
	if got, want := textOf(t, path), sample+"one\n"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
	lockIsFree(t, path)
	// The lock file is kept for ever: unlinking it would let two processes lock two files of one
	// name.
	if _, err := os.Lstat(path + lockExt); err != nil {
		t.Error(err)
	}
}

// fn is run once, whatever becomes of what it returns.
func TestDoorRunsOnce(t *testing.T) {
	s, path := sampleBoard(t)
	runs := 0
	for _, result := range []func([]byte) ([]byte, error){
		appendLine("x"),
		func([]byte) ([]byte, error) { return nil, nil },
		func([]byte) ([]byte, error) { return nil, errors.New("no") },
		func(content []byte) ([]byte, error) {
			writeFile(t, path, "of an editor")
			return append(content, 'x'), nil
		},
	} {
		runs = 0
		_ = s.WithTicketLock(t.Context(), path,
			func(content []byte) ([]byte, error) { runs++; return result(content) })
		if runs != 1 {
			t.Errorf("fn ran %d times", runs)
		}
	}
}

func TestDoorNoChange(t *testing.T) {
	for name, fn := range map[string]func([]byte) ([]byte, error){
		"nil":      func([]byte) ([]byte, error) { return nil, nil },
		"the same": func(content []byte) ([]byte, error) { return content, nil },
		"equal":    func(content []byte) ([]byte, error) { return bytes.Clone(content), nil },
	} {
		t.Run(name, func(t *testing.T) {
			s, path := sampleBoard(t)
			untouched := watchFile(t, path)
			if err := s.WithTicketLock(t.Context(), path, fn); err != nil {
				t.Error(err)
			}
			untouched()
			lockIsFree(t, path)
		})
	}
}

// A change that fn makes in the very bytes it was given is a change.
func TestDoorChangeInPlace(t *testing.T) {
	s, path := sampleBoard(t)
	err := s.WithTicketLock(t.Context(), path, func(content []byte) ([]byte, error) {
		content[len(content)-2] = 'X'
		return content, nil
	})
	if err != nil {
		t.Error(err)
	}
	if got, want := textOf(t, path), strings.Replace(sample, "# T", "# X", 1); got != want {
		t.Errorf("the change was answered with success, and the file holds %q, want %q", got, want)
	}
}

// Content is nil exactly when there is no file; so create is a change like the others.
func TestDoorMissingAndEmpty(t *testing.T) {
	s, path := sampleBoard(t)
	for _, test := range []struct {
		name   string
		isFile bool
		write  string
	}{{"missing.md", false, "new\n"}, {"empty.md", true, "no longer\n"}, {"stays-missing.md", false,
		""}} {
		path := filepath.Join(filepath.Dir(path), test.name)
		if test.isFile {
			writeFile(t, path, "")
		}
		err := s.WithTicketLock(t.Context(), path, func(content []byte) ([]byte, error) {
			if len(content) > 0 || (content != nil) != test.isFile {
				t.Errorf("%s: content is %#v", test.name, content)
			}
			if test.write == "" {
				return nil, nil
			}
			return []byte(test.write), nil
		})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, err := os.Lstat(path); test.write == "" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was made", test.name)
		}
		if test.write != "" && textOf(t, path) != test.write {
			t.Errorf("%s holds %q", test.name, textOf(t, path))
		}
	}
	// An empty file is a change as well, and not the same as none.
	made := filepath.Join(filepath.Dir(path), "made-empty.md")
	if err := s.WithTicketLock(t.Context(), made,
		func([]byte) ([]byte, error) { return []byte{}, nil }); err != nil ||
		textOf(t, made) != "" {
		t.Errorf("made empty: %v", err)
	}
	if err := s.WithTicketLock(t.Context(), path,
		func([]byte) ([]byte, error) { return []byte{}, nil }); err != nil ||
		textOf(t, path) != "" {
		t.Errorf("emptied: %q, %v", textOf(t, path), err)
	}
}

// When only the sync of the folder fails, the change can be seen by all: it is a success that is
// not confirmed durable.
func TestDoorNotDurable(t *testing.T) {
	s, path := sampleBoard(t)
	sync := durable.SyncFolder
	durable.SyncFolder = func(durable.Syncable) error { return errors.New("disk on fire") }
	defer func() { durable.SyncFolder = sync }()
	err := s.WithTicketLock(t.Context(), path, appendLine("one"))
	if !errors.Is(err, ErrNotDurable) || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("error %v", err)
	}
	if got, want := textOf(t, path), sample+"one\n"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
	lockIsFree(t, path)
}
