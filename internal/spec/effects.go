package spec

import (
	"slices"
	"strings"
)

// effect is the column "from -> to" of the table: what the operation leaves
// behind if nothing refuses it. It writes exactly one ticket.
func effect(s State, op Op) (State, Result) {
	u, t := op.User, s.Tickets[op.User.ID]
	result := Result{ID: u.ID}
	switch u.Verb {
	case Start:
		if t.heldBy(op.Machine.Session) {
			result.AlreadyYours = true
			return s, result
		}
		if t.Status == InProgress {
			result.TakenOver, result.From = true, t.Holder
		}
		t = t.turn(InProgress, op.Machine.Session, "")
	case Close:
		t = t.turn(Closed, "", u.Reason)
	case Reopen, Release:
		t = t.turn(Open, "", "").noted(u.Reason)
	case Block:
		t.BlockedBy = slices.Concat(t.BlockedBy, []string{u.Blocker}) // never append: states share memory
	case Unblock:
		t.BlockedBy = without(t.BlockedBy, u.Blocker)
	case Create:
		t = Ticket{
			Status: Open, Type: "task", Priority: 2, // the defaults
			Created:   op.Machine.Now,
			BlockedBy: slices.Concat(u.BlockedBy), // a copy, nil when empty
		}.updated(u)
	case Update:
		t = t.updated(u)
	case Note:
		t = t.noted(u.Text)
	}
	after := s.with(u.ID, t)
	if u.Verb == Close {
		before := Ready(s, op.Machine.Session)
		for _, id := range Ready(after, op.Machine.Session) {
			if !slices.Contains(before, id) {
				result.Unblocked = append(result.Unblocked, id)
			}
		}
	}
	return after, result
}

// turn changes the status. Claim and close reason belong to one status each,
// so every change of status sets both: leftovers of other programs go here.
func (t Ticket) turn(to Status, holder, closeReason string) Ticket {
	t.Status, t.Holder, t.CloseReason = to, holder, strings.TrimSpace(closeReason)
	return t
}

func (t Ticket) noted(text string) Ticket {
	if text = strings.TrimSpace(text); text != "" {
		t.Notes = slices.Concat(t.Notes, []string{text})
	}
	return t
}

// updated sets the fields that were given, and never the status.
func (t Ticket) updated(u UserInput) Ticket {
	if u.Title != nil {
		t.Title = strings.TrimSpace(*u.Title)
	}
	if u.Type != nil {
		t.Type = *u.Type
	}
	if u.Priority != nil {
		t.Priority = *u.Priority
	}
	if u.Assignee != nil {
		t.Assignee = strings.TrimSpace(*u.Assignee)
	}
	if u.Parent != nil {
		t.Parent = *u.Parent
	}
	return t
}

// without is a new list, nil when empty, so that equal states are deeply equal
// however they came about.
func without(ids []string, id string) []string {
	return slices.Concat(slices.DeleteFunc(slices.Clone(ids), func(x string) bool { return x == id }))
}
