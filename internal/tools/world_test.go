package tools_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// tb is what a test of a world needs: *testing.T and *rapid.T have it.
type tb interface {
	rapid.TB
	Cleanup(func())
}

// A world is a ticket folder on the real disk and the sessions that share it. Each session has a Board, a Store and locks of its
// own, as if it were a process of its own: flock(2) excludes open files, not processes.
type world struct {
	t        tb
	root     string // the repository
	dir      string // its .tickets
	now      time.Time
	sessions map[string]*actor    // by name
	lives    map[string]spec.Life // by key: what can be told of a session, also of those without a Board
	ids      []string             // all that ever stood for a ticket, in an order that does not depend on chance
}

// actor is one agent's session.
type actor struct {
	name    string
	key     string
	board   *tools.Board // nil when no process of the session runs
	started map[string]bool
	seen    map[string]time.Time // dead sessions: when start without an id first came by them
}

// began is the time at which every world begins.
var began = time.Date(2026, 1, 4, 5, 22, 9, 0, time.UTC)

func newWorld(t tb, base string) *world {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a session dies here by replacing its locked file, which Windows does not let anybody do")
	}
	root, err := os.MkdirTemp(base, "")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(root) })
	root, err = filepath.EvalSymlinks(root) // answers name the board unless it is below the working directory
	must(t, err)
	w := &world{
		t: t, root: root, dir: filepath.Join(root, ".tickets"), now: began,
		sessions: map[string]*actor{}, lives: map[string]spec.Life{},
	}
	must(t, os.Mkdir(w.dir, 0o755))
	return w
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// session returns the session of a name, and begins it when there is none.
func (w *world) session(name string) *actor {
	if s := w.sessions[name]; s != nil {
		return s
	}
	s := &actor{name: name, key: keyOf(name)}
	w.sessions[name] = s
	w.begin(s)
	return s
}

// keyOf is the key of a session by its name, which is its id.
func keyOf(name string) string {
	return session.NewSession(name, time.Now).Key()
}

// begin starts a process for a session. It knows nothing of what a former one did.
func (w *world) begin(s *actor) {
	now := func() time.Time { return w.now }
	s.started, s.seen = map[string]bool{}, map[string]time.Time{}
	store := ticketfs.NewStore(board.Where{Start: w.dir}, ticketfs.DefaultLockTimeout)
	store.Now = now
	s.board = &tools.Board{
		Store:   store,
		Session: session.NewSession(s.name, now),
		Agent:   s.name,
		Now:     now,
		WorkDir: w.root,
	}
}

// die ends the process of a session. A process that still holds a lock cannot let go of it by halves, so its file is replaced by
// an equal one: a file of this host whose lock is free is all that a dead session leaves.
func (w *world) die(s *actor) {
	s.board = nil
	if w.lives[s.key] != spec.Alive {
		return
	}
	path := w.sessionFile(s.key)
	text, err := os.ReadFile(path)
	must(w.t, err)
	must(w.t, os.Remove(path))
	must(w.t, os.WriteFile(path, text, 0o644))
	w.lives[s.key] = spec.Dead
}

// lose removes the file of a session under it, as `git clean` does.
func (w *world) lose(s *actor) {
	err := os.Remove(w.sessionFile(s.key))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	delete(w.lives, s.key)
}

// settled notes that a session's lock is held now.
func (w *world) settled(s *actor) {
	if w.lives[s.key] != spec.Alive {
		w.lives[s.key] = spec.Alive
		for _, other := range w.sessions {
			delete(other.seen, s.key) // its next death is another one
		}
	}
}

func (w *world) sessionFile(key string) string {
	return filepath.Join(w.dir, ".sessions", key+".lock")
}

// mark is the file of a session that ended before the world began, or runs on another host.
func (w *world) mark(name string, life spec.Life) {
	host, err := os.Hostname()
	must(w.t, err)
	if life == spec.CannotTell {
		host = "another-" + host
	}
	text, err := json.Marshal(map[string]any{
		"pid": 4711, "host": host, "boot": "an earlier one", "client": "test", "since": began.Add(-time.Hour),
	})
	must(w.t, err)
	if err := os.Mkdir(filepath.Join(w.dir, ".sessions"), 0o755); err != nil && !os.IsExist(err) {
		w.t.Fatal(err)
	}
	must(w.t, os.WriteFile(w.sessionFile(keyOf(name)), append(text, '\n'), 0o644))
	w.lives[keyOf(name)] = life
}

// write puts a file into the folder, as an editor would.
func (w *world) write(name, content string) {
	must(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o644))
}

// state is what the oracle is asked about: the tickets of a look, and who lives.
func (w *world) state(tickets map[string]spec.Ticket) spec.State {
	return spec.State{Tickets: tickets, Sessions: maps.Clone(w.lives)}
}

// testWorld is a world for a plain test.
func testWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, t.TempDir())
}
