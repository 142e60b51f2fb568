package spec

import (
	"fmt"
	"testing"
)

// fault breaks one rule of an operation on the ticket a. Faults are laid over
// a board that is fine; one that is laid later may cover an earlier one.
type fault struct {
	code Code
	lay  func(*State, *Op)
}

// write lays tickets over the board, add changes the ticket a on it.
func write(line string) func(*State, *Op) {
	return func(s *State, _ *Op) {
		for id, t := range board(line).Tickets {
			*s = s.with(id, t)
		}
	}
}

func add(change func(a *Ticket)) func(*State, *Op) {
	return func(s *State, _ *Op) {
		a := s.Tickets["a"]
		change(&a)
		*s = s.with("a", a)
	}
}

func arg(change func(*UserInput)) func(*State, *Op) {
	return func(_ *State, o *Op) { change(&o.User) }
}

func both(f, g func(*State, *Op)) func(*State, *Op) {
	return func(s *State, o *Op) { f(s, o); g(s, o) }
}

// opening is what comes first for every operation on a ticket that exists.
var opening = []fault{
	{Invalid, arg(func(u *UserInput) { u.ID = "../a" })},
	{NotFound, func(s *State, _ *Op) { *s = s.with("a", Ticket{}); delete(s.Tickets, "a") }},
	{Malformed, add(func(a *Ticket) { a.Malformed = true })},
}

func status(to Status) func(*State, *Op) { return add(func(a *Ticket) { a.Status = to }) }
func holder(h string) func(*State, *Op) {
	return add(func(a *Ticket) { a.Status, a.Holder = InProgress, h })
}
func under(p string) func(*State, *Op) { return add(func(a *Ticket) { a.Parent = p }) }

// TestOrder: each fault alone gives its code, and of any two the one that the
// table names first. Some exclude each other; then the first simply wins.
func TestOrder(t *testing.T) {
	const fine = "a open; p in_progress by=live; x open; b open; k closed"
	for _, tt := range []struct {
		board, op string
		faults    []fault
		argument  *fault // in the arguments alone, said before anything is read
	}{
		{fine, "start a", []fault{
			{WrongStatus, status(Closed)},
			{Claimed, holder("live")},
			{OnHold, add(func(a *Ticket) { a.Hold = "Grace" })},
			{ParentStatus, under("none")},
			{Blocked, add(func(a *Ticket) { a.BlockedBy = []string{"x"} })},
		}, nil},
		{"a in_progress by=me", "close a", []fault{
			{WrongStatus, status(Open)},
			{Claimed, holder("live")},
			{OpenChildren, write("c open parent=a")},
			{Malformed, write("m malformed mentions=a")},
		}, nil},
		{"a in_progress by=me", "close a as=dropped children", []fault{
			{WrongStatus, status(Closed)},
			{Claimed, holder("live")},
			{OpenChildren, write("c in_progress by=me parent=a")},
			{Malformed, write("m malformed mentions=a")},
		}, &fault{Invalid, arg(func(u *UserInput) { u.Resolution = "done" })}},
		{"a open; b open", "close a as=duplicate of=b", []fault{
			{WrongStatus, status(Closed)},
			{Claimed, holder("live")},
			{NotFound, arg(func(u *UserInput) { u.DuplicateOf = "none" })},
			{OpenChildren, write("c open parent=a")},
			{Malformed, write("m malformed mentions=a")},
		}, &fault{Invalid, arg(func(u *UserInput) { u.DuplicateOf = "" })}},
		{"a in_progress by=me", "release a", []fault{
			{WrongStatus, status(Closed)},
			{Claimed, holder("live")},
		}, nil},
		{"a closed; k closed", "reopen a", []fault{
			{WrongStatus, status(Open)},
			{ParentStatus, under("k")},
			{Cycle, both(write("y open blocked=a"),
				add(func(a *Ticket) { a.BlockedBy = []string{"y"} }))},
		}, nil},
		{fine, "block a on=b", []fault{
			{WrongStatus, status(Closed)},
			{NotFound, arg(func(u *UserInput) { u.Blocker = "none" })},
			{Malformed, write("b malformed")},
			{NoChange, add(func(a *Ticket) { a.BlockedBy = []string{"b", "none"} })},
			{Cycle, write("b open blocked=a")},
			{Malformed, write("m malformed mentions=b")}, // reached by the search
		}, &fault{Invalid, arg(func(u *UserInput) { u.Blocker = "" })}},
		{"a open blocked=b", "unblock a on=b", []fault{
			{WrongStatus, status(Closed)},
			{NoChange, add(func(a *Ticket) { a.BlockedBy = nil })},
		}, &fault{Invalid, arg(func(u *UserInput) { u.Blocker = "" })}},
		{fine, "update a parent=p", []fault{
			{WrongStatus, status(Closed)},
			{NotFound, arg(func(u *UserInput) { u.Parent = new("none") })},
			{Malformed, write("p malformed")},
			{ParentStatus, write("p closed")},
			{Cycle, write("p open blocked=a")},
			{Malformed, write("m malformed mentions=a")},
		}, &fault{Invalid, arg(func(u *UserInput) { u.Type = new("story") })}},
		{fine, "note a text=hello", nil, &fault{Invalid, arg(func(u *UserInput) { u.Text = " " })}},
		{fine, "create title=new parent=p blocked=b", []fault{
			{Invalid, arg(func(u *UserInput) { u.Title = nil })},
			{NotFound, arg(func(u *UserInput) { u.BlockedBy = []string{"b", "none"} })},
			{Malformed, write("b malformed")},
			{ParentStatus, write("p closed")},
			{Cycle, write("b open blocked=p")},
			{Malformed, write("m malformed mentions=b")},
		}, nil},
		{fine, "plan ev / x1 parent=p blocked=b / y1 blocked=x1", []fault{
			{Invalid, write("x1 open")},
			{Malformed, write("b malformed")},
			{ParentStatus, write("p closed")},
			{Cycle, write("b open blocked=p")},
		}, &fault{Invalid, arg(func(u *UserInput) { u.Tickets = append(u.Tickets, u.Tickets[0]) })}},
	} {
		faults := tt.faults
		if verb := op(tt.op).User.Verb; verb != Create && verb != Plan {
			faults = append(append([]fault(nil), opening...), faults...)
		}
		if tt.argument != nil {
			faults = append([]fault{*tt.argument}, faults...)
		}
		if _, r := Step(board(tt.board), op(tt.op)); r.Code != OK {
			t.Errorf("%s without a fault: %s", tt.op, r.Code)
		}
		for i, first := range faults {
			// i itself stands for no second fault.
			for _, second := range faults[i:] {
				s, o := board(tt.board), op(tt.op)
				second.lay(&s, &o)
				first.lay(&s, &o)
				name := fmt.Sprintf("%s: %s before %s", tt.op, first.code, second.code)
				if _, r := Step(s, o); r.Code != first.code {
					t.Errorf("%s: got %q", name, r.Code)
				}
			}
		}
	}
}
