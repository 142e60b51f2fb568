package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Invariants lists what no sequence of operations may bring about, in words;
// nothing when the state is sound. It judges boards that only operations have
// built. Other programs may make worse ones, which are tolerated. Tickets that
// cannot be read are passed over.
func Invariants(s State) []string {
	var bad []string
	report := func(wrong bool, format string, args ...any) {
		if wrong {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	madeBy := map[string]string{} // plan-ref -> id
	for _, id := range slices.Sorted(maps.Keys(s.Tickets)) {
		t := s.Tickets[id]
		if t.Malformed {
			continue
		}
		report(!ValidID(id), "%s: not an id", id)
		report(strings.TrimSpace(t.Title) == "", "%s: no title", id)
		report(!validType(t.Type), "%s: type %q", id, t.Type)
		report(!validPriority(t.Priority), "%s: priority %d", id, t.Priority)

		known := t.Status == Open || t.Status == InProgress || t.Status == Closed
		report(!known, "%s: status %q", id, t.Status)
		report(t.Status == InProgress && t.Holder == "", "%s: in_progress without a holder", id)
		report(t.Status != InProgress && t.Holder != "", "%s: %s with a holder", id, t.Status)
		report(t.Holder == "" && t.Agent != "", "%s: an agent without a holder", id)
		report(t.Status != Closed && t.CloseReason != "", "%s: %s with a close reason", id,
			t.Status)
		report(t.Status != Closed && t.ClosedBy != "", "%s: %s with closed-by", id, t.Status)
		report(t.Status != Closed && t.Resolution != Done, "%s: %s with a resolution", id, t.Status)
		report(t.Status != Closed && len(t.Evidence) > 0, "%s: %s with evidence", id, t.Status)
		report(t.Resolution == Duplicate && len(t.Links) == 0, "%s: a duplicate of nothing", id)
		report(t.Hold == "" && t.HoldUntil != 0, "%s: hold-until without a hold", id)
		report(t.PlanRef != "" && madeBy[t.PlanRef] != "", "%s: plan-ref %s, as %s", id, t.PlanRef,
			madeBy[t.PlanRef])
		madeBy[t.PlanRef] = id

		report(t.Parent != "" && s.missing(t.Parent), "%s: parent %s is missing", id, t.Parent)
		report(t.Status != Closed && s.closed(t.Parent), "%s: %s under closed parent %s", id,
			t.Status, t.Parent)
		for i, b := range t.BlockedBy {
			report(s.missing(b), "%s: blocker %s is missing", id, b)
			report(slices.Contains(t.BlockedBy[:i], b), "%s: blocker %s twice", id, b)
		}
	}
	never := stuck(s)
	report(len(never) > 0, "cycle of waiting, so these can never happen: %s",
		strings.Join(never, ", "))
	return bad
}

// stuck lists the starts and closes that can never happen. It lets happen
// whatever waits for nothing, again and again; what is left waits for a
// cycle. Another algorithm than search on purpose: one checks the other.
func stuck(s State) []string {
	left := map[node]bool{}
	for id := range s.Tickets {
		left[node{Start, id}], left[node{Close, id}] = true, true
	}
	for again := true; again; {
		again = false
		for n := range left {
			if !slices.ContainsFunc(waits(s, n), func(m node) bool { return left[m] }) {
				delete(left, n)
				again = true
			}
		}
	}
	var names []string
	for n := range left {
		names = append(names, fmt.Sprintf("%s(%s)", n.verb, n.id))
	}
	slices.Sort(names)
	return names
}
