package ticketfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// indexOps are what anybody may do to a file of a ticket folder, which is there or not.
var indexOps = map[string]func(t *rapid.T, s *Store, path string) error{
	"door": func(t *rapid.T, s *Store, path string) error {
		return s.WithTicketLock(t.Context(), path,
			func([]byte) ([]byte, error) { return drawTicket(t, path), nil })
	},
	"write": func(t *rapid.T, _ *Store, path string) error { return os.WriteFile(path, drawTicket(t, path), 0o666) },
	"replace": func(t *rapid.T, _ *Store, path string) error {
		return errors.Join(os.WriteFile(path+"~", drawTicket(t, path), 0o666),
			os.Rename(path+"~", path))
	},
	// As some editors do: the time of the last write is set back.
	"write, keep time": func(t *rapid.T, _ *Store, path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(path, drawTicket(t, path), 0o666),
			os.Chtimes(path, info.ModTime(), info.ModTime()))
	},
	"touch": func(_ *rapid.T, _ *Store, path string) error {
		return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
	},
	"remove": func(_ *rapid.T, _ *Store, path string) error { return os.Remove(path) },
	"move": func(t *rapid.T, _ *Store, path string) error {
		to := filepath.Join(filepath.Dir(path), drawID(t, "to")+document.Ext)
		return errors.Join(removeOdd(to), os.Rename(path, to))
	},
	"folder in its place": func(_ *rapid.T, _ *Store, path string) error {
		return errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o777))
	},
	"link in its place": func(_ *rapid.T, _ *Store, path string) error {
		return errors.Join(os.RemoveAll(path), os.Symlink("elsewhere", path))
	},
	"all in a new folder": func(_ *rapid.T, _ *Store, path string) error {
		dir := filepath.Dir(path)
		if err := errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o777)); err != nil {
			return err
		}
		names, err := listFolder(dir + ".old")
		for _, name := range names {
			err = errors.Join(err, os.Rename(filepath.Join(dir+".old", name),
				filepath.Join(dir, name)))
		}
		return errors.Join(err, os.Remove(dir+".old"))
	},
}

// listFolder returns the names in a folder.
func listFolder(dir string) ([]string, error) {
	f, err := durable.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Names()
}

// removeOdd removes what is no regular file.
func removeOdd(path string) error {
	if info, err := os.Lstat(path); err != nil || info.Mode().IsRegular() {
		return nil
	}
	return os.Remove(path)
}

func drawID(t *rapid.T, label string) string {
	return fmt.Sprintf("v%d", rapid.IntRange(0, 9).Draw(t, label))
}

// drawTicket makes what may stand in a ticket file: mostly a ticket with relations.
func drawTicket(t *rapid.T, path string) []byte {
	if rapid.IntRange(0, 9).Draw(t, "broken") == 9 {
		return []byte(rapid.SampledFrom([]string{"", "no ticket v1\n",
			"---\nstatus: odd\nparent: v2\n---\n"}).Draw(t, "text"))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\nid: %s\nstatus: %s\n", document.IDOf(filepath.Base(path)),
		rapid.SampledFrom(document.Statuses).Draw(t, "status"))
	if rapid.Bool().Draw(t, "has parent") {
		fmt.Fprintf(&b, "parent: %s\n", drawID(t, "parent"))
	}
	if blockers := rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 0, 3, rapid.ID).Draw(t,
		"blockers"); len(blockers) > 0 {
		fmt.Fprintf(&b, "blocked-by: [v%s]\n",
			strings.Join(strings.Fields(strings.Trim(fmt.Sprint(blockers), "[]")), ", v"))
	}
	fmt.Fprintf(&b, "---\n# Title %d\n", rapid.IntRange(0, 9).Draw(t, "title"))
	return []byte(b.String())
}

// change does something to the folder of a store.
func changeFolder(t *rapid.T, s *Store, dir string) {
	t.Helper()
	name := rapid.SampledFrom([]string{"door", "write", "replace", "write, keep time", "touch",
		"remove", "move", "folder in its place", "link in its place", "all in a new folder"}).Draw(t, "op")
	path := filepath.Join(dir, drawID(t, "id")+document.Ext)
	if err := errors.Join(removeOdd(path), indexOps[name](t, s, path)); err != nil &&
		!errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s: %v", name, err)
	}
}

// told is all that a view tells about a ticket.
type told struct {
	Ticket             document.Ticket
	Err                string
	Children, Blocks   []document.Ticket
	Unreadable         []string
	Dependent, Waiting []string
}

func tellAll(t *rapid.T, s *Store) (all map[string]told, changes []string) {
	t.Helper()
	v, err := s.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	all = make(map[string]told)
	for _, id := range v.IDs() {
		var k told
		if k.Ticket, err = v.Get(id); err != nil {
			k.Err = err.Error()
		}
		all[id] = k
	}
	for i := range 10 { // the others have no relations
		id := fmt.Sprintf("v%d", i)
		k := all[id]
		var unreadable []*Refusal
		var childrenErr, blocksErr error
		k.Children, unreadable, childrenErr = v.Children(id)
		k.Blocks, blocksErr = v.Blocks(id)
		if err := errors.Join(childrenErr, blocksErr); err != nil {
			t.Fatal(err)
		}
		for _, r := range unreadable {
			k.Unreadable = append(k.Unreadable, r.Error())
		}
		k.Dependent, k.Waiting = v.Dependents(id)
		slices.Sort(k.Unreadable)
		slices.Sort(k.Dependent)
		slices.Sort(k.Waiting)
		all[id] = k
	}
	return all, v.Changes()
}

// checkIndex compares what a store tells with what a new one does, and the changes it names with
// what it told before.
func checkIndex(t *rapid.T, s *Store, before map[string]told) (now map[string]told) {
	t.Helper()
	now, changes := tellAll(t, s)
	want, _ := tellAll(t, NewStore(s.Where, s.LockTimeout))
	if diff := cmp.Diff(want, now); diff != "" {
		t.Fatalf("a new index (-) and the old one (+):\n%s", diff)
	}
	for id, is := range now {
		if was := before[id]; before != nil && !cmp.Equal(is.Ticket, was.Ticket) &&
			!slices.Contains(changes, id) {
			t.Errorf("%s became another, and is not among the changes", id)
		}
	}
	for id := range before {
		if _, exists := now[id]; !exists && !slices.Contains(changes, id) {
			t.Errorf("%s is gone, and not among the changes", id)
		}
	}
	return now
}

// An index that has lived through any changes tells the same as a new one, and names every ticket
// that became another.
func TestFaultIndexEqualsFresh(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: a process or many looks for each step")
	}
	t.Parallel()
	skipOnWindows(t)
	t.Run("small", func(t *testing.T) {
		for range times(1, 50) {
			rapid.Check(t, func(rt *rapid.T) {
				s, _ := viewBoard(t, 5)
				dir, err := s.dirOf()
				must(t, err)
				var last map[string]told
				for range rapid.IntRange(1, 10).Draw(rt, "changes") {
					last = checkIndex(rt, s, last)
					changeFolder(rt, s, dir)
				}
				checkIndex(rt, s, last)
			})
		}
	})
	// A large board is made once; so what went before counts as well, and a failure does not
	// shrink.
	t.Run("watched", func(t *testing.T) {
		s, _ := viewBoard(t, aboveWatch)
		dir, err := s.dirOf()
		must(t, err)
		var last map[string]told
		left := times(10, 300)
		for left > 0 {
			rapid.Check(t, func(rt *rapid.T) { // a hundred times, or as often as a flag says
				if left--; left < 0 {
					return
				}
				for range rapid.IntRange(1, 10).Draw(rt, "changes") {
					changeFolder(rt, s, dir)
				}
				last = checkIndex(rt, s, last)
			})
		}
	})
}
