package tools_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// These tests are section 7 of the design where it is about the files of sessions. The rules are in
// seeds.

// lifeOf is what another session can tell of one.
func (w *world) lifeOf(key string) session.Life {
	w.t.Helper()
	return session.New("somebody else", time.Now).Attend(w.dir,
		session.Call{}).Holder("x@" + key).Life
}

// keyNow is who the calls of a server are at this moment.
func (w *world) keyNow(b *tools.Board) string {
	return b.Session.Attend(w.dir, session.Call{Agent: b.Agent}).Key
}

// TestTwins: two processes of one client session never share an identity; the second takes a new
// one.
func TestTwins(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	first := w.session("me")
	w.do(first, spec.UserInput{Verb: spec.Start, ID: "a"})
	second := &actor{name: "me"}
	w.begin(second)
	// To itself the ticket of its twin is not its own, from the first look on.
	if r := call(t, second.board, "show", map[string]any{"id": "a"}); r.str("holder") != "alive" {
		t.Errorf("before its first claim the twin sees: %s", r.text)
	}
	if r := call(t, second.board, "start", map[string]any{"id": "a"}); r.code != ticketfs.Claimed {
		t.Errorf("the twin starts the other's ticket: %s", r.text)
	}
	call(t, second.board, "start", map[string]any{"id": "b"})
	key := w.keyNow(second.board)
	if key == first.key || len(key) != 12 {
		t.Fatalf("keys %s and %s", first.key, key)
	}
	if got := w.look().state.Tickets["b"].Holder; got != key {
		t.Errorf("b is held by %s, want %s", got, key)
	}
	for _, of := range []string{first.key, key} {
		if life := w.lifeOf(of); life != session.Alive {
			t.Errorf("%s is %s", of, life)
		}
	}
	for _, tool := range []string{"close", "release"} {
		if r := call(t, second.board, tool, map[string]any{"id": "a"}); r.code != ticketfs.Claimed {
			t.Errorf("the twin may %s the other's ticket: %s", tool, r.text)
		}
		if r := call(t, first.board, tool, map[string]any{"id": "b"}); r.code != ticketfs.Claimed {
			t.Errorf("the first may %s its twin's ticket: %s", tool, r.text)
		}
	}
}

// TestSessionFileIsMadeAgain: a session whose file was removed makes it again before its next
// claim, close and release, so that others can see it again.
func TestSessionFileIsMadeAgain(t *testing.T) {
	for _, op := range []spec.UserInput{
		{Verb: spec.Start, ID: "b"}, {Verb: spec.StartNext}, {Verb: spec.Close,
			ID: "a"}, {Verb: spec.Release, ID: "a"}, {Verb: spec.Start, ID: "a"},
	} {
		t.Run(string(op.Verb)+" "+op.ID, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a open; b open")
			me := w.session("me")
			w.do(me, spec.UserInput{Verb: spec.Start, ID: "a"})
			w.lose(me)
			if life := w.lifeOf(me.key); life != session.Unknown {
				t.Fatalf("without a file it is %s", life)
			}
			w.do(me, op)
			if life := w.lifeOf(me.key); life != session.Alive {
				t.Errorf("after %s it is %s", op.Verb, life)
			}
			if key := w.keyNow(me.board); key != me.key {
				t.Errorf("it took another key: %s, had %s", key, me.key)
			}
		})
	}
}

// TestLifeOfFiles: dead is only what is proved to be; of anything else nobody can tell, and nothing
// else suffers.
func TestLifeOfFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	set := func(field string, value any) func(w *world, path string) {
		return func(w *world, path string) {
			w.remark(keyOf("lost"), func(mark map[string]any) { mark[field] = value })
		}
	}
	write := func(text string) func(w *world, path string) {
		return func(w *world, path string) { must(w.t, os.WriteFile(path, []byte(text), 0o644)) }
	}
	instead := func(lay func(path string) error) func(w *world, path string) {
		return func(w *world, path string) { must(w.t, errors.Join(os.Remove(path), lay(path))) }
	}
	for _, tt := range []struct {
		name   string
		change func(w *world, path string)
		dead   bool
	}{
		{"as it was left", func(*world, string) {}, true},
		{"of another host name", set("host", "another"), true},
		{"of another file", set("ino", 17), false},
		{"of another machine",
			func(w *world, path string) { set("boot", "b")(w, path); set("machine", "m")(w, path) }, false},
		{"of the form of an earlier version",
			write(`{"pid":4711,"host":"h","boot":"b","since":"2026-01-04T05:22:09Z"}` +
				"\n"), false},
		{"empty", write(""), false},
		{"cut off", write(`{"pid":4711,"host":"h`), false},
		{"not JSON", write("hello\n"), false},
		{"no file", func(w *world, path string) { must(w.t, os.Remove(path)) }, false},
		{"a FIFO", instead(func(path string) error { return exec.Command("mkfifo", path).Run() }),
			false},
		{"3 GiB of nothing",
			instead(func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 3<<30)) }), false},
		{"a link", instead(func(path string) error { return os.Symlink("/dev/zero", path) }),
			false},
		{"a folder", instead(func(path string) error { return os.Mkdir(path, 0o755) }), false},
		{"a copy", func(w *world, path string) {
			text, err := os.ReadFile(path)
			must(w.t, errors.Join(err, os.WriteFile(path+".copy", text, 0o644),
				os.Rename(path+".copy", path)))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a in_progress by=lost; b in_progress by=gone; c open")
			w.mark("lost", spec.Dead)
			tt.change(w, w.sessionFile(keyOf("lost")))
			me := w.session("me")
			call(t, me.board, "ready", map[string]any{})
			w.now = w.now.Add(10 * time.Second)
			for _, tool := range []string{"list", "repair"} {
				if r := call(t, me.board, tool, map[string]any{}); r.code != "" {
					t.Errorf("%s: %s", tool, r.text)
				}
			}
			ready := call(t, me.board, "ready", map[string]any{})
			shown := call(t, me.board, "show", map[string]any{"id": "a"})
			started := call(t, me.board, "start", map[string]any{"id": "a"})
			if tt.dead {
				if started.code != "" || len(ready.ids("tickets")) != 3 ||
					shown.str("holder") != "dead" ||
					!strings.Contains(started.text, "taken over from lost@") {
					t.Errorf("ready: %s\nshow: %s\nstart: %s", ready.text, shown.text, started.text)
				}
				return
			}
			if started.code != ticketfs.Claimed || len(ready.ids("tickets")) != 2 ||
				shown.str("holder") != "unknown" ||
				!strings.Contains(started.text, "takeover: true") {
				t.Errorf("ready: %s\nshow: %s\nstart: %s", ready.text, shown.text, started.text)
			}
			if r := call(t, me.board, "close",
				map[string]any{"id": "a"}); r.code != ticketfs.Claimed {
				t.Errorf("close: %s", r.text)
			}
			if r := call(t, me.board, "start",
				map[string]any{"id": "a", "takeover": true}); r.code != "" {
				t.Errorf("start with takeover: %s", r.text)
			}
		})
	}
}

// TestNothingIsWrongAfterASession: what a session leaves that has finished is no fault of the
// board, and repair leaves it.
func TestNothingIsWrongAfterASession(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open")
	me, you := w.session("me"), w.session("you")
	call(t, me.board, "start", map[string]any{"id": "a"})
	call(t, me.board, "close", map[string]any{"id": "a"})
	w.die(me)
	if r := call(t, you.board, "repair",
		map[string]any{"dry_run": false}); r.str("message") != "nothing is wrong" {
		t.Error(r.text)
	}
	if _, err := os.Lstat(w.sessionFile(me.key)); err != nil {
		t.Error(err)
	}
}

// TestRepairStaysInside: a link in the place of the sessions' folder leads repair nowhere.
func TestRepairStaysInside(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a in_progress by=gone; b open blocked=none")
	outside := t.TempDir()
	must(t, errors.Join(os.Remove(filepath.Join(outside)),
		os.Rename(filepath.Join(w.dir, ".sessions"), outside)))
	must(t, os.Symlink(outside, filepath.Join(w.dir, ".sessions")))
	before, err := os.ReadDir(outside)
	must(t, err)
	if r := call(t, w.session("me").board, "repair",
		map[string]any{"dry_run": false}); r.code != "" {
		t.Error(r.text)
	}
	after, err := os.ReadDir(outside)
	if err != nil || len(after) != len(before) {
		t.Errorf("there were %v, there are %v (%v)", before, after, err)
	}
}

func callQuietly(b *tools.Board, tool, args string) reply {
	answer, err := b.Call(context.Background(), tool, []byte(args))
	if err != nil {
		return reply{code: ticketfs.CodeOf(err), text: err.Error()}
	}
	return reply{text: answer.Text()}
}
