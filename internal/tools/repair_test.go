package tools_test

import (
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// repair runs repair and holds it against its line in the table: it removes blockers whose file is
// gone and what is left over, and touches nothing else; by default it only reports.
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
	after := w.look()
	want := repaired(before.state)
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
		if _, stays := after.files[name]; strings.HasPrefix(name, ".sessions/") && !stays {
			w.t.Fatalf("repair removed the session file %s\n%s", name, before.dump())
		}
	}
}

// repaired is what repair makes of the tickets.
func repaired(s spec.State) map[string]spec.Ticket {
	tickets := map[string]spec.Ticket{}
	for id, t := range s.Tickets {
		if !t.Malformed {
			t.BlockedBy = slices.DeleteFunc(slices.Clone(t.BlockedBy),
				func(b string) bool { _, exists := s.Tickets[b]; return !exists })
			if t.Status != spec.Closed {
				t.ClosedBy, t.CloseReason, t.Resolution, t.Evidence = "", "", spec.Done, nil
			}
			if t.Status != spec.InProgress {
				t.Holder, t.Agent = "", ""
			}
		}
		tickets[id] = t
	}
	return tickets
}
