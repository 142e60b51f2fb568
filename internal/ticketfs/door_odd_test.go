package ticketfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Programs that take no locks, editors and git, are noticed up to the rename. What they wrote
// stays.
func TestDoorOtherPrograms(t *testing.T) {
	for name, write := range map[string]func(path string) error{
		"written":                      func(path string) error { return os.WriteFile(path, []byte("by hand\n"), 0o666) },
		"same size and time":           sameSizeAndTime,
		"replaced by an equal file":    replaceByEqual,
		"removed":                      os.Remove,
		"the lock file is removed":     func(path string) error { return os.Remove(path + lockExt) },
		"the lock file is another one": func(path string) error { return replaceByEqual(path + lockExt) },
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("open files cannot be replaced there")
			}
			s, path := sampleBoard(t)
			var after durable.File
			err := s.WithTicketLock(t.Context(), path, func(content []byte) ([]byte, error) {
				if err := write(path); err != nil {
					t.Fatal(err)
				}
				var err error
				if after, err = readTicketFile(path); err != nil {
					t.Fatal(err)
				}
				return append(content, "lost\n"...), nil
			})
			if CodeOf(err) != Busy || !strings.Contains(err.Error(), "another program") ||
				!strings.Contains(err.Error(), "retry") {
				t.Errorf("error %v", err)
			}
			now, err := readTicketFile(path)
			if err != nil || !bytes.Equal(now.Content, after.Content) || now.Info != nil &&
				!durable.SameVersion(now.Info, after.Info) {
				t.Errorf("the file holds %q (%v), want what the other program left, %q",
					now.Content, err, after.Content)
			}
			if _, err := os.Lstat(durable.TempPath(path)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a temp file is left (%v)", err)
			}
			if err := os.WriteFile(path, []byte(sample), 0o666); err != nil {
				t.Fatal(err)
			}
			lockIsFree(t, path)
		})
	}
}

// sameSizeAndTime is a write that only the change time of the inode gives away.
func sameSizeAndTime(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text[0]++
	return errors.Join(os.WriteFile(path, text, 0o666),
		os.Chtimes(path, info.ModTime(), info.ModTime()))
}

func replaceByEqual(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(path+".new", text, 0o666), os.Rename(path+".new", path))
}

// What a killed writer left is replaced and never written through; what no writer leaves is named,
// and neither followed nor removed.
func TestDoorLeftoverTemp(t *testing.T) {
	victim := "kept\n"
	for _, test := range []struct {
		name string
		make func(temp, victim string) error
		code Code
	}{
		{"a file", func(temp, _ string) error { return os.WriteFile(temp, []byte("half a tick"), 0o600) }, ""},
		{"an unwritable file",
			func(temp, _ string) error { return os.WriteFile(temp, []byte("half a tick"), 0o400) }, ""},
		{"a hard link", func(temp, victim string) error { return os.Link(victim, temp) }, ""},
		{"a link", func(temp, victim string) error { return os.Symlink(victim, temp) }, BadFile},
		{"a dangling link", func(temp, victim string) error { return os.Symlink(victim+"-not", temp) }, BadFile},
		{"an empty folder", func(temp, _ string) error { return os.Mkdir(temp, 0o777) }, BadFile},
		{"a folder in use", func(temp, _ string) error { return os.MkdirAll(filepath.Join(temp, "in use"), 0o777) }, BadFile},
		{"a FIFO", func(temp, _ string) error { return makeFIFO(temp) }, BadFile},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, path := sampleBoard(t)
			other := filepath.Join(t.TempDir(), "victim")
			writeFile(t, other, victim)
			if err := test.make(durable.TempPath(path), other); err != nil {
				t.Skip("cannot be made here:", err)
			}
			want := sample
			if test.code == "" {
				want += "one\n"
			}
			err := s.WithTicketLock(t.Context(), path, appendLine("one"))
			if CodeOf(err) != test.code || test.code == "" && err != nil || test.code != "" &&
				!strings.Contains(err.Error(), ".t.md.tmp") {
				t.Errorf("error %v, want code %q", err, test.code)
			}
			if got := textOf(t, path); got != want {
				t.Errorf("the file holds %q, want %q", got, want)
			}
			if _, err := os.Lstat(durable.TempPath(path)); test.code != "" && err != nil {
				t.Error("what is not ours was removed")
			}
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
				t.Errorf("the ticket is %v (%v)", info.Mode(), err)
			}
			if textOf(t, other) != victim {
				t.Errorf("the link's target now holds %q", textOf(t, other))
			}
			if _, err := os.Lstat(other + "-not"); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a file was made through a dangling link")
			}
		})
	}
}

// The first change makes sure that git sees no locks and no temps, and no more than that: every
// ticket stays visible.
func TestDoorGitignore(t *testing.T) {
	s, path := sampleBoard(t)
	ignore := filepath.Join(filepath.Dir(path), ".gitignore")
	if err := s.WithTicketLock(t.Context(), path,
		func([]byte) ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for line := range strings.Lines(textOf(t, ignore)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, line)
		}
	}
	ignored := func(name string) bool {
		for _, p := range patterns {
			if ok, err := filepath.Match(strings.Trim(p, "/"), name); ok || err != nil {
				return true
			}
		}
		return false
	}
	for _, name := range []string{"t.md.lock", relationsLock, filepath.Base(durable.TempPath(path)),
		session.Folder, journal.Folder, ".gitignore"} {
		if !ignored(name) {
			t.Errorf("%s is not ignored by %q", name, patterns)
		}
	}
	for _, name := range []string{"t.md", "lock.md", "a.lock.md", "tmp.md", "a.tmp.md",
		"sessions.md", "journal.md"} {
		if ignored(name) {
			t.Errorf("%s is ignored by %q", name, patterns)
		}
	}

	// One that is there already is somebody's; an empty one is what a killed writer left.
	made := textOf(t, ignore)
	writeFile(t, ignore, "mine\n")
	untouched := watchFile(t, ignore)
	if err := s.WithTicketLock(t.Context(), path, appendLine("x")); err != nil {
		t.Fatal(err)
	}
	untouched()
	writeFile(t, ignore, "")
	if err := s.WithTicketLock(t.Context(), path, appendLine("y")); err != nil {
		t.Fatal(err)
	}
	if got := textOf(t, ignore); got != made {
		t.Errorf("an empty .gitignore became %q, want %q", got, made)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".gitignore" && e.Name() != "t.md" && e.Name() != "t.md.lock" &&
			e.Name() != journal.Folder {
			t.Errorf("%s was left in the folder", e.Name())
		}
	}
}

// A target that is not a regular file is refused before there is a lock file for it.
func TestDoorNotRegular(t *testing.T) {
	for name, make := range map[string]func(path, other string) error{
		"link":          func(path, other string) error { return os.Symlink(other, path) },
		"dangling link": func(path, other string) error { return os.Symlink(other+"-not", path) },
		"folder":        func(path, _ string) error { return os.Mkdir(path, 0o777) },
		"FIFO":          func(path, _ string) error { return makeFIFO(path) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := sampleBoard(t)
			dir, err := s.dirOf()
			if err != nil {
				t.Fatal(err)
			}
			path, other := filepath.Join(dir, "odd.md"), filepath.Join(t.TempDir(), "other")
			writeFile(t, other, sample)
			if err := make(path, other); err != nil {
				t.Skip("cannot be made here:", err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.editWith(t.Context(), "odd",
				func(*document.Document) ([]document.Edit, error) { t.Error("fn ran"); return nil, nil })
			if CodeOf(err) != BadFile || !strings.Contains(err.Error(),
				"odd.md is not a regular file") {
				t.Errorf("Edit: %v", err)
			}
			err = s.WithTicketLock(t.Context(), path,
				func([]byte) ([]byte, error) { t.Error("fn ran"); return nil, nil })
			if CodeOf(err) != BadFile || !strings.Contains(err.Error(),
				"odd.md is not a regular file") {
				t.Errorf("WithTicketLock: %v", err)
			}
			after, err := os.Lstat(path)
			if err != nil || before.Mode() != after.Mode() || textOf(t, other) != sample {
				t.Errorf("it is now %v (%v), and the link's target holds %q", after.Mode(), err,
					textOf(t, other))
			}
			if _, err := os.Lstat(path + lockExt); !errors.Is(err, fs.ErrNotExist) {
				t.Error("a lock file was made")
			}
		})
	}
}
