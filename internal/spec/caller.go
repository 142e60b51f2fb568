package spec

import "strings"

// Who calls and who holds. A caller is a session, which is a conversation,
// and an agent of it: op.Machine.Session and op.User.Agent. The default agent,
// "", is the session itself.

// heldBy is the one way of being somebody's: in progress, with their claim.
// A claim on a ticket that is not in progress is a leftover.
func (t Ticket) heldBy(op Op) bool {
	return t.Status == InProgress && t.Holder == op.Machine.Session && t.Agent == op.User.Agent
}

// mayTakeOver reports whether this caller may start what somebody else has in
// progress. Whoever belongs to the calling session lives, since it calls.
func (s State) mayTakeOver(t Ticket, op Op) bool {
	if t.Holder == op.Machine.Session {
		return false
	}
	switch s.life(t.Holder) {
	case Dead:
		return true
	case CannotTell:
		return op.User.Takeover
	}
	return false // alive, or perhaps restarting
}

// heldByOther refuses a close or release. What the session itself holds is
// any of its agents', what a named agent holds is its own and the session's.
// Of another holder it is only if that is dead, and has not replaced this
// session. Without any claim nobody is in the way.
func (s State) heldByOther(t Ticket, op Op) bool {
	switch {
	case t.Status != InProgress, t.Holder == "", op.User.Force:
		return false
	case t.Holder == op.Machine.Session:
		return t.Agent != "" && op.User.Agent != "" && t.Agent != op.User.Agent
	}
	life := s.life(t.Holder)
	return life == Alive || life == CannotTell || op.Machine.Former
}

// life is what is known of a holder. A person lives until the ticket is given
// back.
func (s State) life(holder string) Life {
	if isPerson(holder) {
		return Alive
	}
	return s.Sessions[holder]
}

func isPerson(holder string) bool { return strings.HasSuffix(holder, "@person") }
