package ticketfs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// holdChange makes a change of t and stays amid it, with all its locks, until its input ends.
func holdChange(path, change string) {
	s := storeAt(path)
	stay := func() ([]document.Edit, error) {
		fmt.Println("held")
		_, err := io.Copy(io.Discard, os.Stdin)
		return []document.Edit{document.AppendNote("of the holder")}, err
	}
	var err error
	switch change {
	case "edit":
		_, err = s.editWith(context.Background(), "t",
			func(*document.Document) ([]document.Edit, error) { return stay() })
	case "change":
		runs := 0 // the second is under the relations lock
		_, err = s.changeWith(context.Background(), "t",
			func(*document.Document, View) ([]document.Edit, error) {
				if runs++; runs == 2 {
					return stay()
				}
				return []document.Edit{document.AppendNote("a speculative run")}, nil
			})
	}
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("answered")
}

// holder is a process amid a change.
type holder struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Scanner
}

func startHolder(t *testing.T, path, change string) *holder {
	t.Helper()
	cmd := crashChild(path, "hold", "CRASH_CHANGE="+change)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	h := &holder{cmd, in, bufio.NewScanner(out)}
	if !h.out.Scan() || h.out.Text() != "held" {
		t.Fatalf("the holder began with %q (%v)", h.out.Text(), h.out.Err())
	}
	return h
}

// finish lets the holder go on, and returns what it says then.
func (h *holder) finish(t *testing.T) (said string) {
	t.Helper()
	must(t, h.in.Close())
	for h.out.Scan() {
		if said == "" {
			said = h.out.Text()
		}
	}
	must(t, h.out.Err(), h.cmd.Wait())
	return said
}

// Lock files that are removed between two calls, by git clean for one, are made again.
func TestFaultLockFilesBetweenCalls(t *testing.T) {
	s, path := faultBoard(t, t.TempDir(), true)
	for _, change := range faultChanges {
		locks, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+lockExt))
		must(t, err)
		for _, lock := range append(locks, filepath.Join(filepath.Dir(path), relationsLock)) {
			if err := os.Remove(lock); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		must(t, change.make(s), nextWriter(path))
	}
}

// A lock file is removed while a writer holds it. The writer then writes nothing. Another one that
// makes a new lock file of that name waits for the first all the same, since the ticket itself is
// locked too; one that needs only the new relations lock, for another ticket, does not.
func TestFaultLockFileWhileHeld(t *testing.T) {
	skipOnWindows(t)
	for _, test := range []struct {
		change, lock string
		other        func(s *Store) error
		waits        bool
	}{
		{"edit", "t.md.lock", func(s *Store) error { return noteOn(s, "t", "of the other") }, true},
		{"change", "t.md.lock", func(s *Store) error { return noteOn(s, "t", "of the other") },
			true},
		{"change", relationsLock, func(s *Store) error { return createAs(s, "n") }, false},
	} {
		s, path := faultBoard(t, t.TempDir(), true)
		h := startHolder(t, path, test.change)
		before := textOf(t, path)
		must(t, os.Remove(filepath.Join(filepath.Dir(path), test.lock)))
		done := make(chan error, 1)
		go func() { done <- test.other(s) }()
		if !test.waits {
			must(t, <-done)
		}
		if said := h.finish(t); !strings.HasPrefix(said, "error: busy: a lock file was removed") {
			t.Errorf("%s, %s removed: the holder says %q", test.change, test.lock, said)
		}
		if test.waits {
			must(t, <-done)
		}
		after := textOf(t, path)
		if !strings.HasPrefix(after, strings.TrimRight(before, "\n")) ||
			strings.Contains(after, "of the other") != test.waits {
			t.Errorf("%s, %s removed: the ticket ends with %q", test.change, test.lock,
				after[max(0, len(after)-200):])
		}
		must(t, nextWriter(path))
	}
}
