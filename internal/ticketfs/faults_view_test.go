package ticketfs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/index"
)

// viewText is a ticket whose priority changes without its size.
func viewText(id string, priority int) []byte {
	return fmt.Appendf(nil, "---\nid: %s\nstatus: open\npriority: %d\n---\n# T\n", id, priority)
}

const viewBroken = -1 // the priority of a ticket that cannot be read

// viewChanges are what one process does to a ticket before another asks: through the door, or as a
// program does that knows none.
var viewChanges = map[string]func(s *Store, path, id string, priority int) error{
	"door": func(s *Store, path, id string, priority int) error {
		return s.WithTicketLock(context.Background(), path,
			func([]byte) ([]byte, error) { return viewText(id, priority), nil })
	},
	"in-place": func(_ *Store, path, id string, priority int) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return err
		}
		_, err = f.Write(viewText(id, priority))
		return errors.Join(err, f.Close())
	},
	"rename": func(_ *Store, path, id string, priority int) error {
		return errors.Join(os.WriteFile(path+"~", viewText(id, priority), 0o666),
			os.Rename(path+"~", path))
	},
	"made-again": func(_ *Store, path, id string, priority int) error {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.WriteFile(path, viewText(id, priority), 0o666)
	},
}

// viewChild makes the changes that it is told to, one for each line, and answers each.
func viewChild(t *testing.T, dir string) {
	s := NewStore(board.Where{Start: dir}, DefaultLockTimeout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var what, id string
		var priority int
		if _, err := fmt.Sscan(lines.Text(), &what, &id, &priority); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, id+document.Ext)
		var err error
		switch {
		case priority == 0:
			err = os.Remove(path)
		case priority == viewBroken:
			err = os.WriteFile(path, []byte("---\nstatus: broken\n---\n"), 0o666)
		default:
			err = viewChanges[what](s, path, id, priority)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("done")
	}
}

// viewBoard makes a board of n tickets and returns their priorities.
func viewBoard(t *testing.T, n int) (s *Store, priorities map[string]int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), board.FolderName)
	makeFolder(t, dir)
	priorities = make(map[string]int)
	for i := range n {
		id := fmt.Sprintf("v%d", i)
		priorities[id] = 1
		writeFile(t, filepath.Join(dir, id+document.Ext), string(viewText(id, 1)))
	}
	return NewStore(board.Where{Start: dir}, DefaultLockTimeout), priorities
}

// compareView compares what a view says of tickets with what is known of them.
func compareView(v *Snapshot, known map[string]int, ids ...string) error {
	for _, id := range ids {
		priority, exists := known[id]
		t, err := v.Get(id)
		switch {
		case !exists && CodeOf(err) != NotFound:
			return fmt.Errorf("%s is gone; the view says %d, %v", id, t.Priority, err)
		case priority == viewBroken && CodeOf(err) != BadFile:
			return fmt.Errorf("%s cannot be read; the view says %d, %v", id, t.Priority, err)
		case priority > 0 && (err != nil || t.Priority != priority):
			return fmt.Errorf("%s has priority %d; the view says %d, %v", id, priority, t.Priority,
				err)
		}
	}
	return nil
}

// compareIDs compares the list of tickets.
func compareIDs(v *Snapshot, known map[string]int) error {
	ids := v.IDs()
	if want := slices.Sorted(maps.Keys(known)); !slices.Equal(ids, want) {
		return fmt.Errorf("the view knows %d tickets, there are %d", len(ids), len(want))
	}
	return nil
}

// raceView lets another process make changes, and asks as soon as each is answered. It returns the
// first answer that was stale.
func raceView(t *testing.T, tickets, rounds int, ask func(s *Store) (*Snapshot, error)) error {
	t.Helper()
	s, known := viewBoard(t, tickets)
	dir, err := s.dirOf()
	must(t, err)
	cmd := crashChild(filepath.Join(dir, "-"), "view")
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err, cmd.Start())
	defer func() {
		must(t, in.Close())
		_, err := io.Copy(io.Discard, out)
		must(t, err, cmd.Wait())
	}()
	answers := bufio.NewReader(out)
	kinds := slices.Collect(maps.Keys(viewChanges))
	for round := range rounds {
		id := fmt.Sprintf("v%d", rand.N(40)+tickets-20) // half of them are new
		_, exists := known[id]
		priority := 1 + (max(known[id], 0)+rand.N(3))%4
		switch dice := rand.N(10); {
		case dice == 0 && exists:
			priority = 0
			delete(known, id)
		case dice == 1:
			priority = viewBroken
		}
		if priority != 0 {
			known[id] = priority
		}
		what := kinds[rand.N(len(kinds))]
		if _, err := fmt.Fprintln(in, what, id, priority); err != nil {
			t.Fatal(err)
		}
		if answer, err := answers.ReadString('\n'); strings.TrimSpace(answer) != "done" {
			t.Fatalf("%s %s %d: the other process says %q (%v)", what, id, priority, answer, err)
		}
		v, err := ask(s)
		must(t, err)
		all := []string{id}
		if round%50 == 0 {
			all = slices.Collect(maps.Keys(known))
		}
		if err := errors.Join(compareView(v, known, all...), compareIDs(v, known)); err != nil {
			return fmt.Errorf("round %d, %s: %w", round, what, err)
		}
	}
	return nil
}

// aboveWatch is a number of tickets from which the folder is watched where that can be.
const aboveWatch = index.WatchFrom + 100

// What one process was answered, another one sees when it asks, below and above the number of
// tickets from which a folder is watched.
func TestFaultViewIsNeverStale(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	for _, tickets := range []int{20, aboveWatch} {
		if err := raceView(t, tickets, times(500, 10_000), (*Store).snapshot); err != nil {
			t.Errorf("%d tickets: %v", tickets, err)
		}
	}
}

// The race finds out a view that trusts what it knows.
func TestFaultViewRaceCatches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, tickets := range []int{20, aboveWatch} {
		asked := 0
		err := raceView(t, tickets, 500, func(s *Store) (*Snapshot, error) {
			asked++
			if asked%10 == 1 {
				return s.snapshot()
			}
			f, err := s.Open()
			return f.view(context.Background()), err
		})
		if err == nil {
			t.Errorf("%d tickets: no answer was found to be stale", tickets)
		}
	}
}
