package tools_test

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// TestReadyIsStart: on random boards, 200 of them, ready lists exactly the tickets that start
// accepts, each tried on a copy of the board, and start without an id takes the first one that has
// no open children. No oracle is asked.
func TestReadyIsStart(t *testing.T) {
	if testing.Short() {
		t.Skip("copies a board for each of its tickets; TestOracle asks the same of the oracle")
	}
	t.Parallel()
	base := t.TempDir()
	offered, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 2 { // of 100 checks
			w := newWorld(t, base)
			drawBoard(t, w)
			s := w.session(pick(t, people, "session"))
			if rarely(t, 3, "new") {
				w.begin(s)
			}
			ready := call(t, s.board, "ready", map[string]any{"limit": 200}).ids("tickets")
			for _, id := range slices.Sorted(maps.Keys(w.look().state.Tickets)) {
				c := w.copy()
				r := call(t, c.session(s.name).board, "start", map[string]any{"id": id})
				gives := r.code == "" && !strings.Contains(r.text, " is already yours")
				if gives != slices.Contains(ready, id) {
					t.Fatalf("%s: ready is %v, but start %s says: %s\n%s", s.name, ready, id,
						r.text, w.look().dump())
				}
				if gives {
					offered++
				} else {
					refused++
				}
			}
			c := w.copy()
			me := c.session(s.name).board
			r := call(t, me, "start", map[string]any{})
			if first := w.workFirst(ready); len(ready) == 0 && r.code != "not_found" ||
				len(ready) > 0 && r.str("id") != first {
				t.Fatalf("%s: ready is %v, but start says: %s\n%s", s.name, ready, r.text,
					w.look().dump())
			}
		}
	})
	t.Logf("ready offered %d tickets and left %d out", offered, refused)
}

// workFirst is the first of these tickets that has no open children, or the first of all if they
// all have.
func (w *world) workFirst(ids []string) string {
	state := w.look().state
	for _, id := range ids {
		open := func(t spec.Ticket) bool { return !t.Malformed && t.Parent == id && t.Status != spec.Closed }
		if !slices.ContainsFunc(slices.Collect(maps.Values(state.Tickets)), open) {
			return id
		}
	}
	return cmp.Or(append(ids, "")...)
}

// copy is another folder with the same tickets and the same sessions, as alive or dead as they are
// here.
func (w *world) copy() *world {
	w.t.Helper()
	c := newWorld(w.t, filepath.Dir(w.root))
	must(w.t, os.CopyFS(filepath.Join(c.dir, "copied"), os.DirFS(w.dir)))
	entries, err := os.ReadDir(filepath.Join(c.dir, "copied"))
	must(w.t, err)
	for _, e := range entries {
		must(w.t, os.Rename(filepath.Join(c.dir, "copied", e.Name()),
			filepath.Join(c.dir, e.Name())))
	}
	must(w.t, os.Remove(filepath.Join(c.dir, "copied")))
	c.now = w.now
	maps.Copy(c.lives, w.lives)
	for _, name := range slices.Sorted(maps.Keys(w.sessions)) {
		if s := w.sessions[name]; w.lives[s.key] == spec.Alive {
			must(w.t, os.Remove(c.sessionFile(s.key)))
			c.settle(c.session(name))
		}
	}
	for key, life := range w.lives {
		if life == spec.Dead {
			c.markAsOwn(key, w.isOver(key))
		}
	}
	return c
}
