package spec

import "strings"

// A hold is a mark beside the status. It keeps a ticket and all below it from
// being started, and nothing else: what is in progress is not touched.

// onHold: the mark is there, and its end has not come.
func (t Ticket) onHold(now int64) bool {
	return t.Hold != "" && (t.HoldUntil == 0 || now < t.HoldUntil)
}

// finds makes a question about a moment one about the moment of this call.
func (op Op) finds(holds func(Ticket, int64) bool) func(Ticket) bool {
	return func(t Ticket) bool { return holds(t, op.Machine.Now) }
}

// held sets the mark as the arguments say. A new reason is a new hold, which
// does not inherit the end of the old one.
func (t Ticket) held(u UserInput) Ticket {
	if u.Hold != nil && (u.Verb == Update || strings.TrimSpace(*u.Hold) != "") {
		t.Hold, t.HoldUntil = strings.TrimSpace(*u.Hold), 0
	}
	if u.HoldUntil != nil {
		t.HoldUntil = *u.HoldUntil
	}
	return t
}
