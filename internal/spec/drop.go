package spec

import (
	"cmp"
	"slices"
)

// A ticket that is not wanted any more is closed as dropped or as a duplicate,
// started or not. Blockers, parent and hold do not matter.

func (u UserInput) validClose() bool {
	switch u.Resolution {
	case Done:
		return !u.Children && u.DuplicateOf == ""
	case Dropped:
		return u.DuplicateOf == ""
	case Duplicate:
		return ValidID(u.DuplicateOf) && u.DuplicateOf != u.ID
	}
	return false
}

// refuseDrop: with children, those below are dropped too, unless one of them
// is in progress, whoever holds it, or cannot be read.
func refuseDrop(s State, t Ticket, op Op) Code {
	u := op.User
	below := s.below(u.ID)
	inProgress := slices.ContainsFunc(below,
		func(id string) bool { return s.Tickets[id].Status == InProgress })
	return cmp.Or(
		when(t.Status == Closed, WrongStatus),
		when(s.heldByOther(t, op), Claimed),
		when(u.Resolution == Duplicate && s.missing(u.DuplicateOf), NotFound),
		when(len(s.children(u.ID)) > 0 && !u.Children, OpenChildren),
		when(inProgress, OpenChildren),
		when(slices.ContainsFunc(append(below, u.ID), s.mayHaveChild), Malformed),
	)
}

// below are the descendants of all levels that are not closed, each before
// its parent: closed in this order, any part of them leaves a legal board.
func (s State) below(id string) []string {
	seen := map[string]bool{id: true}
	var ids []string
	var visit func(string)
	visit = func(id string) {
		for _, child := range s.children(id) {
			if !seen[child] {
				seen[child] = true
				visit(child)
				ids = append(ids, child)
			}
		}
	}
	visit(id)
	return ids
}
