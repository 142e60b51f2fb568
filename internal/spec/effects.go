package spec

import (
	"slices"
	"strings"
)

// effect is the column "from -> to" of the table: what the operation leaves
// behind if nothing refuses it. It writes exactly one ticket, but for a close
// that drops the descendants too.
func effect(s State, op Op) (State, Result) {
	u, t := op.User, s.Tickets[op.User.ID]
	result := Result{ID: u.ID}
	switch u.Verb {
	case Start:
		if t.heldBy(op) {
			result.AlreadyYours = true
			return s, result
		}
		if t.Status == InProgress {
			result.TakenOver, result.From = true, t.Holder
		}
		t = t.turn(InProgress)
		t.Holder, t.Agent = op.Machine.Session, u.Agent
	case Close:
		t = t.closed(op)
		if u.Resolution != Done {
			result.Dropped = s.below(u.ID)
		}
	case Reopen:
		t = t.turn(Open).noted(t.closing()).noted(u.Reason)
	case Release:
		t = t.turn(Open).noted(u.Reason).held(u)
	case Block:
		// never append: states share memory
		t.BlockedBy = slices.Concat(t.BlockedBy, []string{u.Blocker})
	case Unblock:
		t.BlockedBy = without(t.BlockedBy, u.Blocker)
	case Create:
		t = Ticket{
			Status: Open, Type: "task", Priority: 2, // the defaults
			Created:   op.Machine.Now,
			BlockedBy: slices.Concat(u.BlockedBy), // a copy, nil when empty
		}.updated(u).held(u)
	case Update:
		t = t.updated(u).held(u)
	case Note:
		t = t.noted(u.Text)
	}
	after := s.with(u.ID, t)
	for _, id := range result.Dropped {
		below := op
		below.User.Resolution, below.User.Evidence = Dropped, nil
		after = after.with(id, s.Tickets[id].closed(below))
	}
	if u.Verb == Close {
		caller := Op{UserInput{Agent: u.Agent}, op.Machine}
		caller.Machine.Lane = nil // a lane is what is given out, not what is told
		before := Ready(s, caller)
		for _, id := range Ready(after, caller) {
			if !slices.Contains(before, id) {
				result.Unblocked = append(result.Unblocked, id)
			}
		}
	}
	return after, result
}

// turn changes the status. The claim belongs to tickets in progress, how it
// ended to closed ones, so every change of status clears both: leftovers of
// other programs go here.
func (t Ticket) turn(to Status) Ticket {
	t.Status, t.Holder, t.Agent = to, "", ""
	t.ClosedBy, t.CloseReason, t.Resolution, t.Evidence = "", "", Done, nil
	return t
}

// closed is the ticket closed by this call.
func (t Ticket) closed(op Op) Ticket {
	u := op.User
	t = t.turn(Closed)
	t.ClosedBy, t.CloseReason = op.Machine.Session, strings.TrimSpace(u.Reason)
	t.Resolution, t.Evidence = u.Resolution, slices.Concat(u.Evidence)
	if u.Resolution == Duplicate && !slices.Contains(t.Links, u.DuplicateOf) {
		t.Links = slices.Concat(t.Links, []string{u.DuplicateOf})
	}
	return t
}

// closing is the note that a reopen makes of how the ticket had ended.
func (t Ticket) closing() string {
	var words []string
	for _, fact := range []struct{ before, value string }{
		{"by ", t.ClosedBy}, {"as ", string(t.Resolution)}, {"because ",
			t.CloseReason}, {"shown by ", strings.Join(t.Evidence, "; ")},
	} {
		if fact.value != "" {
			words = append(words, fact.before+fact.value)
		}
	}
	return strings.ReplaceAll(strings.Join(words, " "), "\t", " ") // one line, for reading
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
	if u.Tags != nil {
		t.Tags = slices.Concat(u.Tags)
	}
	return t
}

// without is a new list, nil when empty, so that equal states are deeply equal
// however they came about.
func without(ids []string, id string) []string {
	return slices.Concat(slices.DeleteFunc(slices.Clone(ids),
		func(x string) bool { return x == id }))
}
