package spec

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var (
	keys  = []string{"s1", "s2", "s3"}
	lives = []Life{Alive, Alive, Dead, CannotTell}
	types = []string{"bug", "task", "epic"}
	verbs = []Verb{Start, Start, StartNext, Close, Close, Close, Reopen, Reopen, Release,
		Block, Block, Block, Unblock, Create, Update, Note}
)

const mostTickets = 6

// rarely is for what is mostly refused.
func rarely(t *rapid.T, label string) bool { return rapid.IntRange(0, 19).Draw(t, label) == 19 }
func often(t *rapid.T, label string) bool  { return rapid.Bool().Draw(t, label) }

func anyID(t *rapid.T, s State, label string) string {
	if rarely(t, "bad id") {
		return rapid.SampledFrom([]string{"none", "", "../t1"}).Draw(t, label)
	}
	return fmt.Sprint("t", rapid.IntRange(1, max(1, len(s.Tickets))).Draw(t, label))
}

func anyOp(t *rapid.T, s State, verb Verb) Op {
	u := UserInput{Verb: verb}
	m := MachineInput{Session: rapid.SampledFrom(keys).Draw(t, "session")}
	switch verb {
	case Create:
		m.NewID, m.Now = fmt.Sprint("t", len(s.Tickets)+1), int64(len(s.Tickets)/3) // several in one second
	case StartNext:
	default:
		u.ID = anyID(t, s, "id")
		if h := s.Tickets[u.ID].Holder; h != "" && often(t, "by its holder") {
			m.Session = h
		}
	}
	switch verb {
	case Start:
		u.Takeover = often(t, "takeover")
	case StartNext:
		if rarely(t, "filter") {
			u.Type = new(rapid.SampledFrom(types).Draw(t, "type"))
		}
	case Close, Release, Reopen:
		u.Reason = rapid.SampledFrom([]string{"", "why"}).Draw(t, "reason")
		m.Former = rarely(t, "former")
	case Block, Unblock:
		u.Blocker = anyID(t, s, "blocker")
		if own := s.Tickets[u.ID].BlockedBy; verb == Unblock && len(own) > 0 {
			u.Blocker = own[0]
		}
	case Note:
		u.Text = rapid.SampledFrom([]string{"words", ""}).Draw(t, "text")
	case Create, Update:
		u.Title = new("title")
		if rarely(t, "bad title") {
			u.Title = new(" ")
		}
		u.Priority = new(rapid.IntRange(1, 4).Draw(t, "priority"))
		if often(t, "has parent") {
			u.Parent = new(anyID(t, s, "parent"))
		}
		if verb == Create && often(t, "has blocker") {
			u.BlockedBy = []string{anyID(t, s, "blocked by")}
		}
	}
	return Op{u, m}
}

// history draws a board, made by operations alone while sessions come and go.
// check sees every step.
func history(t *rapid.T, check func(before State, o Op, after State, r Result)) State {
	s := State{Sessions: map[string]Life{"s1": Alive, "s2": Alive, "s3": Alive}}
	for i := range 40 {
		verb := rapid.SampledFrom(verbs).Draw(t, "verb")
		if i < 4 {
			verb = Create
		}
		if verb == Create && len(s.Tickets) == mostTickets {
			continue
		}
		if rarely(t, "a session changes") {
			s.Sessions = maps.Clone(s.Sessions)
			s.Sessions[rapid.SampledFrom(keys).Draw(t, "which")] = rapid.SampledFrom(lives).Draw(t, "life")
		}
		o := anyOp(t, s, verb)
		after, r := Step(s, o)
		check(s, o, after, r)
		s = after
	}
	return s
}

func TestEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history(t, func(before State, o Op, after State, r Result) {
			copied := fmt.Sprintf("%#v", before)
			again, r2 := Step(before, o)
			if fmt.Sprintf("%#v", before) != copied {
				t.Fatalf("%+v: Step wrote to its argument", o)
			}
			if !reflect.DeepEqual(again, after) || !reflect.DeepEqual(r2, r) {
				t.Fatalf("%+v: not deterministic", o)
			}
			if bad := Invariants(after); len(bad) > 0 {
				t.Fatalf("after %+v: %v", o, bad)
			}
			if r.Code != OK && !reflect.DeepEqual(before, after) {
				t.Fatalf("%+v: the refusal %s changed something", o, r.Code)
			}
			if r.Code != OK && !reflect.DeepEqual(r, Result{Code: r.Code}) {
				t.Fatalf("%+v: the refusal %+v tells more than its code", o, r)
			}
			for id, ticket := range after.Tickets {
				if id != r.ID && !reflect.DeepEqual(before.Tickets[id], ticket) {
					t.Fatalf("%+v: wrote %s, which it was not asked for", o, id)
				}
			}
			if o.User.Verb == Update && r.Code == OK && before.Tickets[r.ID].Status != after.Tickets[r.ID].Status {
				t.Fatalf("%+v: update changed a status", o)
			}
			if o.User.Verb == StartNext && r.Code == OK && (r.AlreadyYours || before.Tickets[r.ID].heldBy(o.Machine.Session)) {
				t.Fatalf("%+v: gave a held ticket", o)
			}
		})
	})
}

// TestReadyIsStart: ready lists exactly what start would give.
func TestReadyIsStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := history(t, func(State, Op, State, Result) {})
		for _, me := range keys {
			ready := Ready(s, me)
			for id := range s.Tickets {
				_, r := Step(s, Op{UserInput{Verb: Start, ID: id}, MachineInput{Session: me}})
				if gives := r.Code == OK && !r.AlreadyYours; gives != slices.Contains(ready, id) {
					t.Fatalf("start %s answers %+v, ready is %v", id, r, ready)
				}
			}
			_, r := Step(s, Op{UserInput{Verb: StartNext}, MachineInput{Session: me}})
			if len(ready) > 0 && r.ID != ready[0] || len(ready) == 0 && r.Code != NotFound {
				t.Fatalf("start answers %+v, ready is %v", r, ready)
			}
		}
	})
}

// finish works until nothing moves and reports whether every ticket is closed.
// It knows only Step.
func finish(s State) bool {
	for moved := true; moved; {
		moved = false
		for _, id := range slices.Sorted(maps.Keys(s.Tickets)) {
			for _, v := range []Verb{Start, Close} {
				me := cmp.Or(s.Tickets[id].Holder, "s1")
				after, r := Step(s, Op{UserInput{Verb: v, ID: id}, MachineInput{Session: me}})
				if r.Code == OK && !r.AlreadyYours {
					s, moved = after, true
				}
			}
		}
	}
	for id := range s.Tickets {
		if !s.closed(id) {
			return false
		}
	}
	return true
}

// released is s with nothing in progress, as releases would leave it.
func released(s State) State {
	for id, t := range s.Tickets {
		if t.Status == InProgress {
			s = s.with(id, t.turn(Open, "", ""))
		}
	}
	return s
}

// TestCycleIsStuck holds the cycle of waiting against its meaning: whatever
// operations built can be finished, and an edge is refused with cycle exactly
// when it would leave something that never can be.
func TestCycleIsStuck(t *testing.T) {
	seen := map[Verb]int{}
	rapid.Check(t, func(t *rapid.T) {
		history(t, func(before State, o Op, after State, r Result) {
			if !finish(after) || !finish(released(after)) {
				t.Fatalf("after %+v: this board can never be finished", o)
			}
			if r.Code != Cycle {
				return
			}
			if o.User.Verb == Create {
				o.User.ID = o.Machine.NewID
			}
			forced, _ := effect(before, o)
			if finish(released(forced)) {
				t.Fatalf("%+v: refused with cycle, but it could have been finished", o)
			}
			seen[o.User.Verb]++
		})
	})
	if seen[Block] == 0 {
		t.Error("no circle was ever refused: the histories are too tame to show anything")
	}
	t.Log("refused with cycle:", seen)
}

// TestBranches: two steps from one state do not meet in memory.
func TestBranches(t *testing.T) {
	s := board("a open blocked=x; b open; c open; x open")
	a := s.Tickets["a"]
	a.BlockedBy = append(make([]string, 0, 8), a.BlockedBy...)
	s = s.with("a", a)
	left, _ := Step(s, op("block a on=b"))
	right, _ := Step(s, op("block a on=c"))
	if got := left.Tickets["a"].BlockedBy; !slices.Equal(got, []string{"x", "b"}) {
		t.Errorf("after another step from the same state: %v", got)
	}
	if got := right.Tickets["a"].BlockedBy; !slices.Equal(got, []string{"x", "c"}) {
		t.Errorf("the other step: %v", got)
	}
}
