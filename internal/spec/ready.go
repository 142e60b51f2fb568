package spec

import (
	"cmp"
	"slices"
)

// IsReady reports whether start of this ticket would be accepted from this
// session, without takeover, and would change something. So a ticket that
// the session holds already is not ready, though start of it succeeds: ready
// is what may be given out, and a held ticket is never given again.
func IsReady(s State, session, id string) bool {
	t := s.Tickets[id]
	op := Op{Machine: MachineInput{Session: session}}
	return s.look(id) == OK && !t.heldBy(session) && refuseStart(s, t, op) == OK
}

// Ready lists the tickets that are ready for this session: by priority, then
// age, then id. A ticket of a dead holder is among them at once.
func Ready(s State, session string) []string {
	var ids []string
	for id := range s.Tickets {
		if IsReady(s, session, id) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		ta, tb := s.Tickets[a], s.Tickets[b]
		return cmp.Or(
			cmp.Compare(ta.Priority, tb.Priority),
			cmp.Compare(ta.Created, tb.Created),
			cmp.Compare(a, b),
		)
	})
	return ids
}

// next is the ticket that start without an id claims: the first ready one
// that passes the filters and whose dead holder is not just about to return.
func next(s State, op Op) (string, Code) {
	u := op.User
	if !u.valid() || u.Parent != nil && *u.Parent == "" {
		return "", Invalid
	}
	for _, id := range Ready(s, op.Machine.Session) {
		t := s.Tickets[id]
		switch {
		case u.Type != nil && t.Type != *u.Type:
		case u.Parent != nil && t.Parent != *u.Parent:
		case t.Status == InProgress && slices.Contains(op.Machine.JustDied, t.Holder):
		default:
			return id, OK
		}
	}
	return "", NotFound
}
