package spec

import (
	"cmp"
	"slices"
	"strings"
)

// IsReady reports whether start of this ticket would be accepted from this
// caller, without takeover, and would change something. So a ticket that the
// caller holds already is not ready, though start of it succeeds: ready is
// what may be given out, and a held ticket is never given again.
func IsReady(s State, caller Op, id string) bool {
	t := s.Tickets[id]
	caller.User.Takeover = false
	return s.look(id) == OK && !t.heldBy(caller) && refuseStart(s, t, caller) == OK
}

// Ready lists the tickets that are ready for this caller: by priority, then
// age, then id. Of the operation count the caller, the moment, and the filters
// of StartNext.
func Ready(s State, caller Op) []string {
	var ids []string
	for id, t := range s.Tickets {
		if IsReady(s, caller, id) && caller.wants(t) {
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

// wants is the filters. A tag that is asked for goes before the lane.
func (op Op) wants(t Ticket) bool {
	u := op.User
	tags := op.Machine.Lane
	if u.Tag != "" {
		tags = []string{u.Tag}
	}
	return (u.Type == nil || t.Type == *u.Type) &&
		(value(u.Parent) == "" || t.Parent == *u.Parent) && // an empty filter is none
		(len(tags) == 0 || slices.ContainsFunc(tags,
			func(tag string) bool { return HasTag(t, tag) }))
}

// HasTag reports whether a ticket has a tag, letter case apart.
func HasTag(t Ticket, tag string) bool {
	return slices.ContainsFunc(t.Tags, func(own string) bool { return strings.EqualFold(own, tag) })
}

// next is the ticket that start without an id claims: the first ready one.
// Work goes before containers: a ticket with open children is given only when
// nothing else is ready.
func next(s State, op Op) (string, Code) {
	if !op.User.valid() {
		return "", Invalid
	}
	ready := Ready(s, op)
	for _, id := range ready {
		if len(s.children(id)) == 0 {
			return id, OK
		}
	}
	if len(ready) > 0 {
		return ready[0], OK
	}
	return "", NotFound
}

// WaitsForBlocker reports whether a ticket that is not closed waits for a
// blocker, its own or that of an ancestor, as start says with the code blocked.
func WaitsForBlocker(s State, id string) bool {
	t := s.Tickets[id]
	above, _ := s.ancestors(t)
	return s.look(id) == OK && t.Status != Closed &&
		slices.ContainsFunc(append([]Ticket{t}, above...), s.waitsForBlocker)
}
