package tools_test

import (
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// repair runs repair and holds it against its line in the table: it removes blockers whose file is gone and what is left over,
// and touches nothing else; by default it only reports.
func (w *world) repair(s *actor, really bool) {
	w.t.Helper()
	if s.board == nil {
		w.begin(s)
	}
	before := w.look()
	if !really {
		dry := call(w.t, s.board, "repair", map[string]any{})
		told := call(w.t, s.board, "repair", map[string]any{"dry_run": true})
		if dry.text != told.text {
			w.t.Fatalf("repair\n%s\nwith dry_run: true\n%s", dry.text, told.text)
		}
		w.unwritten(before, "a dry run")
		return
	}
	r := call(w.t, s.board, "repair", map[string]any{"dry_run": false})
	for _, key := range stray(before) {
		if w.lives[key] == spec.Alive {
			w.t.Fatalf("the test is wrong: %s lives", key)
		}
		delete(w.lives, key)
	}
	after := w.look()
	want := mended(before.state)
	if diff := gocmp.Diff(want, after.state.Tickets, cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("repair (-want +got):\n%s\n%s\n%s", diff, r.text, before.dump())
	}
	touched, faults := written(before, after)
	for _, id := range touched {
		if !strings.Contains(r.text, id+" ") {
			w.t.Fatalf("repair wrote %s and does not say so:\n%s", id, r.text)
		}
	}
	if len(faults) > 0 {
		w.t.Fatalf("repair: %v", faults)
	}
	for name := range before.files {
		key, ok := strings.CutPrefix(strings.TrimSuffix(name, ".lock"), ".sessions/")
		if _, stays := after.files[name]; ok && stays == slices.Contains(stray(before), key) {
			w.t.Fatalf("repair: session file %s stays: %v; %s\n%s", name, stays, w.lives[key], before.dump())
		}
	}
}

// mended is what repair makes of the tickets.
func mended(s spec.State) map[string]spec.Ticket {
	tickets := map[string]spec.Ticket{}
	for id, t := range s.Tickets {
		if !t.Malformed {
			t.BlockedBy = slices.DeleteFunc(slices.Clone(t.BlockedBy), func(b string) bool { _, exists := s.Tickets[b]; return !exists })
			if t.Status != spec.Closed {
				t.CloseReason = ""
			}
			if t.Status != spec.InProgress {
				t.Holder = ""
			}
		}
		tickets[id] = t
	}
	return tickets
}

// stray are the sessions that do not live and that no ticket names: in its claim, or anywhere when its file cannot be read.
func stray(l look) (keys []string) {
	for name := range l.files {
		key, ok := strings.CutPrefix(name, ".sessions/")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, ".lock")
		named := false
		for id, t := range l.state.Tickets {
			named = named || t.Holder == key || t.Malformed && strings.Contains(l.files[id+".md"].content, key)
		}
		if !named && l.state.Sessions[key] != spec.Alive {
			keys = append(keys, key)
		}
	}
	return keys
}
