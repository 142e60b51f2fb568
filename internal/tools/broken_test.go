package tools_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// recorder is a test that may fail without failing the one it is part of: for tests of tests.
type recorder struct {
	tb
	why string
}

type stopped struct{}

func (r *recorder) Errorf(format string, args ...any) {
	r.why += fmt.Sprintf(format, args...) +
		"\n"
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format,
		args...)
	panic(stopped{})
}
func (r *recorder) Fatal(args ...any)   { r.Fatalf("%v", args) }
func (r *recorder) Logf(string, ...any) {}

// failure is what a test says when it fails, "" when it passes.
func failure(t tb, test func(tb)) string {
	r := &recorder{tb: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != (stopped{}) {
				panic(p)
			}
		}()
		test(r)
	}()
	return r.why
}

// TestJudge: the comparison with the oracle notices what broken programs would answer and leave
// behind. Each of them is what a hand writes here, in place of the program, and what it would say.
func TestJudge(t *testing.T) {
	const board = "a open; b open blocked=a; c in_progress by=lost; d closed; p open; q open parent=p"
	started := strings.NewReplacer("status: open",
		"status: in_progress\nclaimed-by: me@"+keyOf("me"))
	edit := func(id string, r *strings.Replacer) func(*world) {
		return func(w *world) {
			before := w.look().files[id+".md"].content
			w.rewrite(id, r.Replace(before))
			must(w.t, journal.Of(w.dir).Append(journal.Row{
				Time: w.now, Ticket: id, Cause: journal.Cause{Call: "c", Tool: "t",
					Actor: "me@" + keyOf("me")},
				Before: journal.HashOf([]byte(before)), After: journal.HashOf([]byte(r.Replace(before))),
			}))
		}
	}
	nothing := func(*world) {}
	ok := spec.Result{ID: "a"}
	for _, tt := range []struct {
		name, op string
		program  func(*world)
		got      spec.Result
		want     string // part of what judge says; "" = nothing
	}{
		{"start as it should be", "start a", edit("a", started), ok, ""},
		{"a change without a row", "start a", func(w *world) {
			w.rewrite("a", started.Replace(w.look().files["a.md"].content))
		}, ok, "the row of a"},
		{"a row without a change", "start b", func(w *world) {
			must(w.t, journal.Of(w.dir).Append(journal.Row{Time: w.now, Ticket: "b"}))
		}, spec.Result{Code: spec.Blocked}, "b.jsonl"},
		{"a lost update", "start a", nothing, ok, "tickets (-want +got)"},
		{"a success that answers a refusal", "start a", edit("a", started),
			spec.Result{Code: spec.Claimed}, "code"},
		{"a refusal of what may be done", "start a", nothing, spec.Result{Code: spec.Blocked},
			`code "blocked", want ""`},
		{"a blocked ticket started", "start b", edit("b", started), spec.Result{ID: "b"},
			`want "blocked"`},
		{"the wrong refusal", "start b", nothing, spec.Result{Code: spec.ParentStatus},
			`want "blocked"`},
		{"the right refusal", "start b", nothing, spec.Result{Code: spec.Blocked}, ""},
		{"a refusal that writes", "start b", edit("b", strings.NewReplacer("Words", "words")),
			spec.Result{Code: spec.Blocked}, "the refusal wrote b"},
		{"a refusal that writes the same bytes", "start b", edit("b", strings.NewReplacer()),
			spec.Result{Code: spec.Blocked}, "the refusal wrote b"},
		{"another ticket touched", "start a", func(w *world) {
			edit("a", started)(w)
			edit("q", strings.NewReplacer())(w)
		}, ok, "wrote q"},
		{"another ticket's mtime", "start a", func(w *world) {
			edit("a", started)(w)
			must(w.t, os.Chtimes(filepath.Join(w.dir, "q.md"), began, began))
		}, ok, "wrote q"},
		{"another ticket's mode", "start a", func(w *world) {
			edit("a", started)(w)
			must(w.t, os.Chmod(filepath.Join(w.dir, "q.md"), 0o600))
		}, ok, "wrote q"},
		{"a claim of another session", "start a",
			edit("a", strings.NewReplacer("status: open",
				"status: in_progress\nclaimed-by: me@"+keyOf("you"))), ok, "Holder"},
		{"a takeover in silence", "start c takeover",
			edit("c", strings.NewReplacer(claimOf("lost"),
				claimOf("me"))), spec.Result{ID: "c"}, "TakenOver"},
		{"a takeover from somebody else", "start c takeover",
			edit("c", strings.NewReplacer(claimOf("lost"), claimOf("me"))),
			spec.Result{ID: "c", TakenOver: true, From: keyOf("gone")}, "From"},
		{"a ticket given that is not the next", "start", edit("p", started), spec.Result{ID: "p"},
			"answer (-want +got)"},
		{"an invented claim", "start a", nothing, spec.Result{ID: "a", AlreadyYours: true},
			"AlreadyYours"},
		{"a ticket that is gone", "note a text=x",
			func(w *world) { must(w.t, os.Remove(filepath.Join(w.dir, "a.md"))) }, ok, "tickets (-want +got)"},
		{"a ticket made unreadable", "note a text=x", func(w *world) { w.rewrite("a", "x") }, ok,
			"Malformed"},
		{"a note on the wrong ticket", "note a text=x",
			edit("b", strings.NewReplacer("- [ ]", "## Notes\n\n- x\n\n- [ ]")), ok, "wrote b"},
		{"a forgotten temp file", "start b", func(w *world) { w.write(".b.md.tmp", "x") },
			spec.Result{Code: spec.Blocked}, ".b.md.tmp"},
		{"a lock of no ticket", "start none", func(w *world) { w.write("none.md.lock", "") },
			spec.Result{Code: spec.NotFound}, "none.md.lock"},
		{"a lock of a ticket", "start b", func(w *world) { w.write("b.md.lock", "") },
			spec.Result{Code: spec.Blocked}, ""},
		{"a create under an id in use", "create title=x", nothing, ok, "in use"},
		{"a reopen that leaves the reason", "reopen d",
			edit("d", strings.NewReplacer("status: closed",
				"status: open\nclose-reason: old")), spec.Result{ID: "d"}, "CloseReason"},
		{"a cycle", "block a on=b", edit("a",
			strings.NewReplacer("created:", "blocked-by: [b]\ncreated:")), ok, "cycle of waiting"},
		{"what became ready kept back", "close b",
			edit("b", strings.NewReplacer("status: open",
				"status: closed")), spec.Result{ID: "b"}, `want "wrong_status"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard(board)
			before := w.look()
			tt.program(w)
			u, _ := operation(tt.op, nil)
			op := spec.Op{User: u, Machine: spec.MachineInput{Session: keyOf("me"), NewID: "n",
				Now: 1}}
			if u.Verb == spec.Create {
				op.Machine.NewID = tt.got.ID
			}
			faults := strings.Join(judge(before, w.look(), op, tt.got), "\n")
			if (faults == "") != (tt.want == "") || !strings.Contains(faults, tt.want) {
				t.Errorf("judge says %q, want %q", faults, tt.want)
			}
		})
	}
}

// rewrite replaces a file as a program does.
func (w *world) rewrite(id, content string) {
	w.write("new", content)
	must(w.t, os.Rename(filepath.Join(w.dir, "new"), filepath.Join(w.dir, id+".md")))
}

// TestReadsAreJudged: the comparisons of ready, list, show and repair with the state notice when
// they differ. Here the program is right, and the state is wrong.
func TestReadsAreJudged(t *testing.T) {
	const board = "a open; b open parent=a; c in_progress by=gone; d open blocked=none; m malformed"
	for _, tt := range []struct {
		name  string
		look  func(map[string]spec.Ticket)
		check func(*world, look)
	}{
		{"ready: one too many",
			func(s map[string]spec.Ticket) { s["a"] = spec.Ticket{Status: spec.Closed} }, readyOf},
		{"ready: one missing",
			func(s map[string]spec.Ticket) { s["d"] = spec.Ticket{Status: spec.Open} }, readyOf},
		{"ready: another order",
			func(s map[string]spec.Ticket) { s["a"] = spec.Ticket{Status: spec.Open, Priority: 4} }, readyOf},
		{"ready: not of the dead",
			func(s map[string]spec.Ticket) { s["c"] = spec.Ticket{Status: spec.Open, Priority: 2} }, readyOf},
		{"ready: a file that can be read", func(s map[string]spec.Ticket) { delete(s, "m") },
			readyOf},
		{"list: one missing",
			func(s map[string]spec.Ticket) { s["e"] = spec.Ticket{Status: spec.Open} }, listOf},
		{"list: one too many", func(s map[string]spec.Ticket) { delete(s, "d") }, listOf},
		{"list: another status",
			func(s map[string]spec.Ticket) { s["d"] = spec.Ticket{Status: spec.Closed} }, listOf},
		{"show: no child", func(s map[string]spec.Ticket) { delete(s, "b") }, showOf},
		{"show: another status",
			func(s map[string]spec.Ticket) { s["a"] = spec.Ticket{Status: spec.InProgress} }, showOf},
		{"show: unreadable",
			func(s map[string]spec.Ticket) { s["a"] = spec.Ticket{Malformed: true} }, showOf},
	} {
		w := testWorld(t)
		w.layBoard(board)
		s := w.session("me")
		l := w.look()
		if why := failure(t, func(t tb) { w.t = t; tt.check(w, l) }); why != "" {
			t.Errorf("%s: fails without a fault: %s", tt.name, why)
		}
		tt.look(l.state.Tickets)
		if why := failure(t, func(t tb) { w.t = t; tt.check(w, l) }); why == "" {
			t.Errorf("%s: %s passes", tt.name, s.name)
		}
		w.t = t
	}
}

func readyOf(w *world, l look) { w.checkReady(w.session("me"), l) }
func showOf(w *world, l look)  { w.checkShow(w.session("me"), l, "a") }
func listOf(w *world, l look) {
	w.checkList(w.session("me"), l, filter{Limit: 1, Status: spec.Open})
}
