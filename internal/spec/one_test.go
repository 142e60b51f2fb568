package spec

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestStepOneAccepts: what Step answers passes the projection, which comes to
// the same ticket.
func TestStepOneAccepts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history(t, func(before State, o Op, after State, r Result) {
			u := &o.User
			switch {
			case u.Verb == Create, u.Verb == Plan, u.Verb == Update &&
				u.Parent != nil, u.Verb == StartNext && r.Code != OK:
				return
			case u.Verb == StartNext:
				u.Verb, u.ID = Start, r.ID
			}
			u.Next = false
			one, ok := StepOne(before, o, r)
			if !ok {
				t.Fatalf("%+v: answer %+v not accepted", o, r)
			}
			if got, want := one.Tickets[u.ID], after.Tickets[u.ID]; !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v: ticket %+v, want %+v", o, got, want)
			}
		})
	})
}

// TestStepOneRejects: the answers of broken programs do not pass.
func TestStepOneRejects(t *testing.T) {
	for _, tt := range []struct {
		board, op string
		got       Result
		ok        bool
	}{
		{"a in_progress by=live", "start a", Result{}, false}, // two winners
		{"a in_progress by=live", "start a", Result{Code: Claimed}, true},
		{"a open", "start a", Result{Code: Claimed}, false},      // a loser without a winner
		{"a open", "start a", Result{AlreadyYours: true}, false}, // an invented claim
		{"a in_progress by=me", "start a", Result{}, false},      // given out twice
		{"a in_progress by=gone", "start a", Result{}, false},    // taken over in silence
		{"a in_progress by=gone", "start a", Result{TakenOver: true, From: "gone"}, true},
		{"a in_progress by=lost", "start a", Result{TakenOver: true, From: "lost"}, false},
		// a process taken for a caller
		{"a in_progress by=me/sub", "start a by=me/two", Result{}, false},
		{"a in_progress by=me/sub", "start a by=me/two", Result{AlreadyYours: true}, false},
		{"a in_progress by=me/sub", "close a by=me/two", Result{}, false},
		// no grace
		{"a in_progress by=late", "start a", Result{TakenOver: true, From: "late"}, false},
		{"a open hold=Grace", "start a", Result{}, false},
		{"a open parent=p", "start a", Result{Code: OnHold}, true}, // p is on hold
		{"a in_progress by=live", "close a as=dropped", Result{}, false},
		{"a open", "close a as=duplicate of=b", Result{Code: NotFound}, true},
		{"a open", "close a as=dropped", Result{Code: NotFound}, false},
		{"a closed", "close a", Result{}, false}, // a lost update
		{"a in_progress by=me", "close a", Result{Code: OpenChildren}, true},
		{"a in_progress by=me", "close a", Result{Code: Busy}, true},
		{"a open blocked=b", "block a on=b", Result{}, false}, // the first block was lost
		{"a open blocked=b", "block a on=b", Result{Code: NoChange}, true},
		{"a open", "unblock a on=b", Result{}, false},
		{"a open", "block a on=a", Result{}, false},
		{"a closed", "reopen a", Result{Code: ParentStatus}, true},
		{"a closed parent=p", "reopen a", Result{}, true},
		{"", "note a text=x", Result{}, false},
		{"", "note a text=x", Result{Code: NotFound}, true},
		{"a open", "note a text=x", Result{Code: NotFound}, false},
	} {
		before := board(tt.board)
		after, ok := StepOne(before, op(tt.op), tt.got)
		if ok != tt.ok {
			t.Errorf("%s on %s: %+v accepted: %v", tt.op, tt.board, tt.got, ok)
		}
		if ok && tt.got.Code != OK && !reflect.DeepEqual(after.Tickets, before.Tickets) {
			t.Errorf("%s on %s: the refusal %s changed something", tt.op, tt.board, tt.got.Code)
		}
	}
}
