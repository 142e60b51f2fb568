package spec

import "slices"

// StepOne is Step seen from one ticket, op.User.ID, for histories that are
// checked ticket by ticket. Whatever concerns other tickets is believed: a
// refusal that may be about them is right at any time and changes nothing, and
// after a success they are taken to have been as the rules want them. What
// the ticket itself says is judged exactly: ok is false when got cannot be
// the answer in this state.
//
// The state holds this one ticket (others are dropped) and the sessions; it
// comes back in the same form.
//
// It may be trusted for Start, Close, Reopen, Release, Note, Block, Unblock,
// and for Update that leaves the parent alone; others panic. A StartNext that
// succeeded is a Start of the ticket it answered; one that did not concerns
// no ticket. Create and Plan begin partitions. A close that drops descendants
// is, for each of them, a close that drops it alone.
//
// If no order of a history passes here, the program is wrong. The reverse does
// not hold: rules between tickets, Result.ID, Result.Unblocked, and whether a
// refusal about others came before its turn are not judged here. So compare
// the final board with [Invariants] as well. And it knows one state of the
// sessions: a death during the history is for the test to put in order, by
// changing Sessions between two steps.
//
// A call whose answer was lost: give the zero Result, ignore ok, take the
// state, and let the call end at infinity. It then either took effect at some
// moment, or comes last, where nobody looks.
func StepOne(s State, op Op, got Result) (after State, ok bool) {
	switch v := op.User.Verb; {
	case v == StartNext, v == Create, v == Plan, v == Update && op.User.Parent != nil:
		panic("spec: one ticket is not enough for " + v)
	}
	op.User.Next = false // of another ticket
	id := op.User.ID
	t, exists := s.Tickets[id]

	// A world in which no other ticket is in the way: no parent, and every
	// blocker closed.
	world := State{Tickets: map[string]Ticket{}, Sessions: s.Sessions}
	if exists {
		for _, b := range append([]string{op.User.Blocker, op.User.DuplicateOf}, t.BlockedBy...) {
			world.Tickets[b] = Ticket{Status: Closed}
		}
		delete(world.Tickets, "") // most operations name no other
		alone := t
		alone.Parent = ""
		world.Tickets[id] = alone
	}
	done, want := Step(world, op)

	after = State{Tickets: map[string]Ticket{}, Sessions: s.Sessions}
	if exists {
		after.Tickets[id] = t
	}
	if believed(op.User, got.Code) {
		return after, true
	}
	if want.Code == OK {
		changed := done.Tickets[id]
		changed.Parent = t.Parent
		after.Tickets[id] = changed
	}
	return after, got.Code == want.Code && got.AlreadyYours == want.AlreadyYours &&
		got.TakenOver == want.TakenOver && got.From == want.From
}

// believed are the refusals that this ticket alone cannot judge. A start that
// answers not_found speaks of the ticket itself, a block may mean the blocker,
// a close as a duplicate the other one.
func believed(u UserInput, code Code) bool {
	codes := []Code{Busy, NoStore, UnsafeFS, Unreachable} // of the board, any time
	switch u.Verb {
	case Start:
		codes = append(codes, OnHold, ParentStatus, Blocked) // an ancestor's hold
	case Close:
		codes = append(codes, OpenChildren, Malformed)
		if u.Resolution == Duplicate {
			codes = append(codes, NotFound)
		}
	case Reopen:
		codes = append(codes, ParentStatus, Cycle)
	case Block:
		codes = append(codes, NotFound, Malformed, Cycle)
	}
	return slices.Contains(codes, code)
}
