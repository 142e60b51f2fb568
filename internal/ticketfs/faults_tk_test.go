package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/flock"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
)

// tkUpdates is how many notes each side writes in one race with tk.
const tkUpdates = 40

// tkChild writes notes into the ticket at path as the tk program does, and says which.
func tkChild(t *testing.T, path string) {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
	for n := range tkUpdates {
		mark := fmt.Sprintf("tk-%d", n)
		if err := tkUpdate(path, mark); err != nil {
			t.Fatal(err)
		}
	}
}

// tkUpdate speaks tk's protocol: lock its file, begin again if that is no longer the one at the
// path, replace the ticket, remove the lock file while holding it, unlock.
func tkUpdate(path, mark string) error {
	lockPath := filepath.Join(filepath.Dir(path), tkLocks, filepath.Base(path)+lockExt)
	for {
		lock := flock.New(lockPath, flock.SetFlag(os.O_RDWR|os.O_CREATE))
		if err := lock.Lock(); err != nil {
			return err
		}
		held, err := lock.Stat()
		if err != nil {
			return err
		}
		if now, err := os.Stat(lockPath); err != nil || !os.SameFile(held, now) {
			if err := lock.Unlock(); err != nil {
				return err
			}
			continue
		}
		err = readAndReplace(path,
			func(content []byte) ([]byte, error) { return append(content, "- "+mark+"\n"...), nil })
		return errors.Join(err, os.Remove(lockPath), lock.Unlock())
	}
}

// raceTk lets a process that speaks tk's protocol and two writers of ours write one ticket, and
// returns the notes that were lost.
func raceTk(t *testing.T, update func(path, mark string) error) (lost []string) {
	t.Helper()
	path := crashBoard(t, false, true)
	must(t, os.WriteFile(path, []byte(sample+"\n## Notes\n\n"), 0o666))
	cmd := crashChild(path, "tk")
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
	ready := make([]byte, len("ready\n"))
	_, err = io.ReadFull(out, ready)
	must(t, err, in.Close())
	var group sync.WaitGroup
	for g := range 2 {
		group.Go(func() {
			for n := range tkUpdates / 2 {
				if err := update(path, fmt.Sprintf("ours-%d-%d", g, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	_, err = io.Copy(io.Discard, out)
	must(t, err, cmd.Wait())
	text := textOf(t, path)
	for n := range tkUpdates {
		for _, mark := range []string{fmt.Sprintf("tk-%d", n),
			fmt.Sprintf("ours-%d-%d", n%2, n/2)} {
			if strings.Count(text, "- "+mark+"\n") != 1 {
				lost = append(lost, mark)
			}
		}
	}
	if litter, err := litterOf(filepath.Dir(path)); err != nil || len(litter) > 0 {
		t.Errorf("left in the folder: %v (%v)", litter, err)
	}
	return lost
}

// The tk program and we lose nothing of each other's.
func TestFaultTkLosesNothing(t *testing.T) {
	skipOnWindows(t)
	var mu sync.Mutex
	stores := make(map[string]*Store)
	for range times(1, 20) {
		lost := raceTk(t, func(path, mark string) error {
			mu.Lock()
			s := stores[path]
			if s == nil {
				s = storeAt(path)
				stores[path] = s
			}
			mu.Unlock()
			return noteOn(s, "t", mark)
		})
		if len(lost) > 0 {
			t.Errorf("lost: %v", lost)
		}
	}
}

// The race finds out a door that takes our lock alone.
func TestFaultTkRaceCatches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	skipOnWindows(t)
	var ours flocker.Locks
	const most = 10
	for range most {
		lost := raceTk(t, func(path, mark string) error {
			lock, err := ours.Acquire(context.Background(), path+lockExt)
			if err != nil {
				return err
			}
			err = readAndReplace(path,
				func(content []byte) ([]byte, error) { return append(bytes.Clone(content), "- "+mark+"\n"...), nil })
			return errors.Join(err, lock.Unlock())
		})
		if len(lost) > 0 {
			return
		}
	}
	t.Errorf("nothing was lost in %d races: the race catches nothing", most)
}
