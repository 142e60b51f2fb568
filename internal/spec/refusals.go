package spec

import (
	"cmp"
	"slices"
	"strings"
)

// refusal is the column "refused when" of the table. Of several reasons the
// first in the order written here is the answer.
//
// Before all of them stand the arguments, judged by themselves, and the
// operated ticket: an id that cannot be one, no file, a file that cannot be
// read.
func refusal(s, after State, op Op) Code {
	u, id, t := op.User, op.User.ID, s.Tickets[op.User.ID]
	if !u.valid() {
		return Invalid
	}
	if u.Verb != Create {
		if code := s.look(id); code != OK && !(u.Verb == Note && t.Fenced) {
			return code
		}
	}
	switch u.Verb {
	case Start:
		return refuseStart(s, t, op)

	case Close:
		if u.Resolution != Done {
			return refuseDrop(s, t, op)
		}
		return cmp.Or(
			when(t.Status != InProgress, WrongStatus),
			when(s.heldByOther(t, op), Claimed),
			when(len(s.children(id)) > 0, OpenChildren),
			when(s.mayHaveChild(id), Malformed),
		)

	case Release: // as close, without children
		return cmp.Or(
			when(t.Status != InProgress, WrongStatus),
			when(s.heldByOther(t, op), Claimed),
		)

	case Reopen:
		return cmp.Or(
			when(t.Status != Closed, WrongStatus),
			when(s.closed(t.Parent), ParentStatus),
			// A closed ticket waits for nothing, so others may have come to
			// wait for it in a way that is a cycle once it is open again.
			// Files that cannot be read do not count against it, as its own
			// parent does not.
			when(closesCycle(after, allEdges(after, id)...) == Cycle, Cycle),
		)

	case Block:
		return cmp.Or(
			when(t.Status == Closed, WrongStatus),
			s.look(u.Blocker), // not_found, malformed
			when(slices.Contains(t.BlockedBy, u.Blocker), NoChange),
			closesCycle(after, edge{node{Start, id}, node{Close, u.Blocker}}),
		)

	case Unblock: // the blocker's file need not exist
		return cmp.Or(
			when(t.Status == Closed, WrongStatus),
			when(!slices.Contains(t.BlockedBy, u.Blocker), NoChange),
		)

	case Create:
		return relate(s, after, id, value(u.Parent), u.BlockedBy)

	case Update:
		parent := value(u.Parent)
		if parent == t.Parent {
			parent = "" // no new relation, nothing to judge
		}
		return cmp.Or(
			when(t.Status == Closed, WrongStatus),
			// a date of no hold
			when(value(u.HoldUntil) != 0 && after.Tickets[id].Hold == "", Invalid),
			relate(s, after, id, parent, nil),
		)

	case Note:
		return OK
	}
	panic("spec: unknown verb " + u.Verb)
}

// refuseStart is apart from the others because ready asks it too.
func refuseStart(s State, t Ticket, op Op) Code {
	if t.heldBy(op) {
		return OK // already yours: nothing else is asked
	}
	above, whole := s.ancestors(t)
	lineage := append([]Ticket{t}, above...)
	return cmp.Or(
		when(t.Status == Closed, WrongStatus),
		when(t.Status == InProgress && !s.mayTakeOver(t, op), Claimed),
		when(slices.ContainsFunc(lineage, op.finds(Ticket.onHold)), OnHold),
		when(!whole || len(above) > 0 && above[0].Status == Open, ParentStatus),
		when(slices.ContainsFunc(lineage, s.waitsForBlocker), Blocked),
	)
}

// relate judges a new parent ("" = none) and new blockers: the rules that
// create and update share.
func relate(s, after State, id, parent string, blockers []string) Code {
	var named []string
	var added []edge
	if parent != "" {
		named = append(named, parent)
		added = append(added,
			edge{node{Start, id}, node{Start, parent}},
			edge{node{Close, parent}, node{Close, id}})
	}
	for _, b := range blockers {
		named = append(named, b)
		added = append(added, edge{node{Start, id}, node{Close, b}})
	}
	return cmp.Or(
		when(slices.ContainsFunc(named, s.missing), NotFound),
		when(slices.ContainsFunc(named, s.unreadable), Malformed),
		when(s.closed(parent), ParentStatus),
		// Without a parent nothing waits for a new ticket: no cycle, also
		// where a file that cannot be read would leave a search in doubt.
		when(parent != "", closesCycle(after, added...)),
	)
}

// when makes a line of the table: the code, if the reason holds.
func when(reason bool, code Code) Code {
	if reason {
		return code
	}
	return OK
}

// look is what opening the ticket of this id meets.
func (s State) look(id string) Code {
	return cmp.Or(
		when(!ValidID(id), Invalid),
		when(s.missing(id), NotFound),
		when(s.unreadable(id), Malformed),
	)
}

// ancestors are the tickets above t, nearest first. whole is false when one
// of them is missing or cannot be read, so that those above it are unknown.
// A cycle of parents, which only a hand can make, ends where it closes.
func (s State) ancestors(t Ticket) (above []Ticket, whole bool) {
	seen := map[string]bool{}
	for id := t.Parent; id != "" && !seen[id]; id = s.Tickets[id].Parent {
		if s.missing(id) || s.unreadable(id) {
			return above, false
		}
		seen[id] = true
		above = append(above, s.Tickets[id])
	}
	return above, true
}

func (s State) waitsForBlocker(t Ticket) bool {
	return slices.ContainsFunc(t.BlockedBy, func(b string) bool { return !s.closed(b) })
}

// valid judges the arguments by themselves. Absent ones are fine.
func (u UserInput) valid() bool {
	twice := len(slices.Compact(slices.Sorted(slices.Values(u.BlockedBy)))) < len(u.BlockedBy)
	bad := slices.ContainsFunc(u.BlockedBy, func(b string) bool { return !ValidID(b) })
	switch u.Verb {
	case Block, Unblock:
		bad = !ValidID(u.Blocker)
	case Create:
		bad = bad || u.Title == nil
	case Note:
		bad = strings.TrimSpace(u.Text) == ""
	case Close:
		bad = !u.validClose()
	}
	return !twice && !bad &&
		(u.Title == nil || strings.TrimSpace(*u.Title) != "") &&
		(u.Type == nil || validType(*u.Type)) &&
		(u.Priority == nil || validPriority(*u.Priority)) &&
		(u.Parent == nil || *u.Parent == "" || ValidID(*u.Parent))
}

func validType(t string) bool {
	return slices.Contains([]string{"bug", "feature", "task", "epic", "chore"}, t)
}

func validPriority(p int) bool { return 0 <= p && p <= 4 }

// value is what an optional argument says, the zero value if it is absent.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
