package tools_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
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

// A world is a ticket folder on the real disk and the sessions that share it. Each session has a
// Board, a Store and locks of its own, as if it were a process of its own: flock(2) excludes open
// files, not processes.
type world struct {
	t        tb
	root     string // the repository
	dir      string // its .tickets
	now      time.Time
	sessions map[string]*actor // by name
	// by key: what can be told of a session, also of those without a Board
	lives  map[string]spec.Life
	deaths int
	// all that ever stood for a ticket, in an order that does not depend on chance
	ids []string
}

// actor is one agent's session.
type actor struct {
	name    string
	key     string
	board   *tools.Board // nil when no process of the session runs
	holds   bool         // its process holds a slot, perhaps of a file that was removed
	started map[string]bool
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
	// answers name the board unless it is below the working directory
	root, err = filepath.EvalSymlinks(root)
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
	if isPerson(name) {
		s.key = name
	}
	w.sessions[name] = s
	w.begin(s)
	return s
}

// isPerson tells of an actor who types commands: Ada@person.
func isPerson(name string) bool { return strings.HasSuffix(name, "@person") }

// keyOf is the key of a session by its name, which is its id.
func keyOf(name string) string { return session.Key(name) }

// begin starts a process for a session. It knows nothing of what a former one did.
func (w *world) begin(s *actor) {
	now := func() time.Time { return w.now }
	s.started = map[string]bool{}
	store := ticketfs.NewStore(board.Where{Start: w.dir}, ticketfs.DefaultLockTimeout)
	store.Now = now
	s.board = &tools.Board{
		Store:   store,
		Session: session.New(s.name, now),
		Agent:   s.name,
		Now:     now,
		WorkDir: w.root,
	}
	if isPerson(s.name) {
		s.board.Session, s.board.Person = session.NewVisitor("", now), strings.TrimSuffix(s.name,
			"@person")
	}
	s.board.Session.SinceBoot = w.sinceBoot
	s.board.Attend()
	if _, exists := w.lives[s.key]; exists {
		w.settled(s)
	}
}

// sinceBoot is the clock that all processes share.
func (w *world) sinceBoot() (time.Duration, bool) { return w.now.Sub(began) + time.Hour, true }

// die ends the process of a session: its slot is free, and no process of its number is there.
func (w *world) die(s *actor) {
	must(w.t, s.board.Session.Close())
	s.board, s.holds = nil, false
	if w.lives[s.key] == spec.Alive {
		// there is no such process
		w.remark(s.key, func(mark map[string]any) { mark["pid"] = 1<<30 + w.deaths })
		w.deaths++
		w.lives[s.key] = spec.Dead
	}
}

// remark changes the mark in a session's file, which stays the same file.
func (w *world) remark(key string, change func(mark map[string]any)) {
	w.t.Helper()
	text, err := os.ReadFile(w.sessionFile(key))
	must(w.t, err)
	var mark map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	must(w.t, decoder.Decode(&mark))
	change(mark)
	text, err = json.Marshal(mark)
	must(w.t, err)
	must(w.t, os.WriteFile(w.sessionFile(key), append(text, '\n'), 0o644))
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
	s.holds, w.lives[s.key] = true, spec.Alive
}

func (w *world) sessionFile(key string) string {
	return filepath.Join(w.dir, ".sessions", key+".lock")
}

// mark is the file of a session that ended before the world began, or of which nobody can tell.
func (w *world) mark(name string, life spec.Life) {
	p := session.New(name, func() time.Time { return began.Add(-time.Hour) })
	_, err := p.Attend(w.dir, session.Call{Client: "test"}).Claim()
	must(w.t, err)
	must(w.t, p.Close())
	key := keyOf(name)
	w.remark(key, func(mark map[string]any) {
		mark["pid"] = 1 << 30
		if life == spec.CannotTell {
			mark["boot"], mark["host"] = "another", "another"
		}
	})
	if w.lives[key] = life; life != spec.CannotTell {
		w.lives[key] = spec.Dead
		w.markAsOwn(key, life == spec.Dead)
	}
}

// markAsOwn makes the mark of a dead session one of the file that it is in, and has it seen long
// ago, or never.
func (w *world) markAsOwn(key string, seen bool) {
	w.t.Helper()
	info, err := os.Stat(w.sessionFile(key))
	must(w.t, err)
	var boot string
	w.remark(key, func(mark map[string]any) {
		mark["ino"] = reflect.ValueOf(info.Sys()).Elem().FieldByName("Ino").Uint()
		boot, _ = mark["boot"].(string)
	})
	if err := os.Remove(w.seenFile(key)); err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	if seen {
		must(w.t, os.WriteFile(w.seenFile(key),
			fmt.Appendf(nil, "%s %020d %s\n", boot, 0, w.marks(key)), 0o644))
	}
}

func (w *world) seenFile(key string) string {
	return filepath.Join(w.dir, ".sessions",
		key+".seen")
}

// marks is the hash of what a session's file says.
func (w *world) marks(key string) string {
	text, err := os.ReadFile(w.sessionFile(key))
	must(w.t, err)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// isOver reports whether ten seconds have passed since somebody first saw a session dead.
func (w *world) isOver(key string) bool {
	text, err := os.ReadFile(w.seenFile(key))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) != 3 || fields[2] != w.marks(key) {
		return false
	}
	at, err := strconv.ParseInt(fields[1], 10, 64)
	must(w.t, err)
	now, _ := w.sinceBoot()
	return now-time.Duration(at) >= 10*time.Second
}

// write puts a file into the folder, as an editor would.
func (w *world) write(name, content string) {
	must(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o644))
}

// state is what the oracle is asked about: the tickets of a look, and who lives.
func (w *world) state(tickets map[string]spec.Ticket) spec.State {
	lives := maps.Clone(w.lives)
	for key, life := range lives {
		if life == spec.Dead && !w.isOver(key) {
			lives[key] = spec.InGrace
		}
	}
	return spec.State{Tickets: tickets, Sessions: lives}
}

// testWorld is a world for a plain test.
func testWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, t.TempDir())
}
