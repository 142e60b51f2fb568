package tools_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// These tests are section 7 of the design where it is about the files of sessions. The rules are in seeds.

// lifeOf is what another session can tell of one.
func (w *world) lifeOf(key string) session.Life {
	w.t.Helper()
	life, err := session.NewSession("somebody else", time.Now).Life(w.dir, "x@"+key)
	must(w.t, err)
	return life
}

// TestTwins: two processes of one client session never share an identity; the second takes a new one.
func TestTwins(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	first := w.session("me")
	w.do(first, spec.UserInput{Verb: spec.Start, ID: "a"})
	second := &actor{name: "me"}
	w.begin(second)
	if second.board.Session.Key() != first.key {
		t.Fatal("the twin does not begin with the same key")
	}
	// To itself the ticket of its twin is not its own, from the first look on.
	if r := call(t, second.board, "show", map[string]any{"id": "a"}); r.str("holder") != "alive" {
		t.Errorf("before its first claim the twin sees: %s", r.text)
	}
	if r := call(t, second.board, "start", map[string]any{"id": "a"}); r.code != ticketfs.Claimed {
		t.Errorf("the twin starts the other's ticket: %s", r.text)
	}
	call(t, second.board, "start", map[string]any{"id": "b"})
	key := second.board.Session.Key()
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

// TestSessionFileIsMadeAnew: a session whose file was removed makes it anew before its next claim, close and release, so that
// others can see it again.
func TestSessionFileIsMadeAnew(t *testing.T) {
	for _, op := range []spec.UserInput{
		{Verb: spec.Start, ID: "b"}, {Verb: spec.StartNext}, {Verb: spec.Close, ID: "a"}, {Verb: spec.Release, ID: "a"}, {Verb: spec.Start, ID: "a"},
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
			if key := me.board.Session.Key(); key != me.key {
				t.Errorf("it took another key: %s, had %s", key, me.key)
			}
		})
	}
}

// TestLifeOfFiles: dead is only what is proved to be; of anything else nobody can tell.
func TestLifeOfFiles(t *testing.T) {
	host, err := os.Hostname()
	must(t, err)
	const none = "\x00"
	for _, tt := range []struct {
		name, text string
		dead       bool
	}{
		{"of this host", `{"pid":4711,"host":"` + host + `","boot":"b","since":"2026-01-04T05:22:09Z"}`, true},
		{"of a process that lives", `{"pid":1,"host":"` + host + `","boot":"b","since":"2026-01-04T05:22:09Z"}`, true}, // pids come again; the lock is the proof
		{"of another host", `{"pid":4711,"host":"another-` + host + `","boot":"b"}`, false},
		{"of no host", `{"pid":4711}`, false},
		{"empty", "", false},
		{"cut off", `{"pid":4711,"host":"` + host, false},
		{"not JSON", "hello", false},
		{"no file", none, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a in_progress by=lost")
			if tt.text != none {
				must(t, os.WriteFile(w.sessionFile(keyOf("lost")), []byte(tt.text), 0o644))
			}
			me := w.session("me")
			ready := call(t, me.board, "ready", map[string]any{})
			shown := call(t, me.board, "show", map[string]any{"id": "a"})
			started := call(t, me.board, "start", map[string]any{"id": "a"})
			if tt.dead {
				if started.code != "" || len(ready.ids("tickets")) != 1 || shown.str("holder") != "dead" || !strings.Contains(started.text, "taken over from lost@") {
					t.Errorf("ready: %s\nshow: %s\nstart: %s", ready.text, shown.text, started.text)
				}
				return
			}
			if started.code != ticketfs.Claimed || len(ready.ids("tickets")) != 0 || shown.str("holder") != "unknown" || !strings.Contains(started.text, "takeover: true") {
				t.Errorf("ready: %s\nshow: %s\nstart: %s", ready.text, shown.text, started.text)
			}
			if r := call(t, me.board, "close", map[string]any{"id": "a"}); r.code != ticketfs.Claimed {
				t.Errorf("close: %s", r.text)
			}
			if r := call(t, me.board, "start", map[string]any{"id": "a", "takeover": true}); r.code != "" {
				t.Errorf("start with takeover: %s", r.text)
			}
		})
	}
}

// TestSweepMeetsStart: repair sweeps the file of an ended session while a new process of that session begins. Whoever comes first,
// the session that claimed a ticket is seen to live afterwards.
func TestSweepMeetsStart(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open")
	sweeper := w.session("sweeper")
	sweeps := 0
	for range 100 {
		w.mark("me", spec.Dead)
		s := &actor{name: "me", key: keyOf("me")}
		w.begin(s)
		var wg sync.WaitGroup
		var swept, started reply
		wg.Go(func() { swept = callQuietly(sweeper.board, "repair", `{"dry_run":false}`) })
		wg.Go(func() { started = callQuietly(s.board, "start", `{"id":"a"}`) })
		wg.Wait()
		if started.code != "" || swept.code != "" {
			t.Fatalf("repair: %s\nstart: %s", swept.text, started.text)
		}
		if strings.Contains(swept.text, s.key+" stray_session") {
			sweeps++
		}
		if key := s.board.Session.Key(); key != s.key {
			t.Fatalf("the session took another key, %s", key)
		}
		if life := w.lifeOf(s.key); life != session.Alive {
			t.Fatalf("the session that holds a is %s; repair: %s", life, swept.text)
		}
		if r := callQuietly(s.board, "release", `{"id":"a"}`); r.code != "" {
			t.Fatal(r.text)
		}
		// Its end: the next round finds only what mark writes.
		must(t, os.Remove(w.sessionFile(s.key)))
	}
	t.Logf("%d of 100 rounds swept the file", sweeps)
}

// TestSweepOfTheLiving: a session that begins after it was found to have ended is left alone, and nobody waits for its end.
func TestSweepOfTheLiving(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open blocked=none")
	sweeper := w.session("sweeper").board
	sweeper.Store.LockTimeout = 50 * time.Millisecond
	w.mark("me", spec.Dead)
	found, err := sweeper.Examine()
	must(t, err)
	if len(found) != 4 { // a's blocker, and the files of me, gone and far
		t.Fatalf("found %v", found)
	}
	w.settle(w.session("me"))
	if err := sweeper.Mend(context.Background(), found); err != nil {
		t.Errorf("mend: %v", err)
	}
	if blockers := w.look().state.Tickets["a"].BlockedBy; len(blockers) > 0 {
		t.Errorf("the rest was not mended: a is blocked by %v", blockers)
	}
	if life := w.lifeOf(keyOf("me")); life != session.Alive {
		t.Errorf("the session is %s", life)
	}
}

func callQuietly(b *tools.Board, tool, args string) reply {
	answer, err := b.Call(context.Background(), tool, []byte(args))
	if err != nil {
		return reply{code: ticketfs.CodeOf(err), text: err.Error()}
	}
	return reply{text: answer.Text()}
}
