package tools_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// The tests say what is wanted. Where the program is known not to do it yet, the wish stands in the call of known, with the
// difference in words; there it fails nothing, and cannot be forgotten.

// notYet takes from what the oracle wants of a board what the program does not do yet. Each part is to be deleted with the change
// of the program that makes it untrue.
func notYet(before spec.State, op spec.Op, want spec.State) spec.State {
	want.Tickets = maps.Clone(want.Tickets)
	for id, t := range want.Tickets {
		t.ClosedBy = "" // close does not write closed-by
		if was := before.Tickets[id]; op.User.Verb == spec.Reopen && id == op.User.ID && was.Status == spec.Closed && t.Status == spec.Open && was.CloseReason != "" {
			t.Notes = slices.Delete(slices.Clone(t.Notes), len(was.Notes), len(was.Notes)+1) // reopen does not note how the ticket had ended
		}
		want.Tickets[id] = t
	}
	return want
}

// known runs a check that is known to fail, and fails as soon as it does not: then whatever says so is to be taken away. Without
// a difference it runs the check as it is.
func known(t *testing.T, difference string, check func(tb)) {
	t.Helper()
	if difference == "" {
		check(t)
		return
	}
	why := failure(t, check)
	if why == "" {
		t.Errorf("mended, so expect it everywhere: %s", difference)
	}
	t.Logf("known to differ: %s\n%.2000s", difference, why)
}
