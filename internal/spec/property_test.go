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
	keys   = []string{"s1", "s2", "s3"}
	agents = []string{"", "", "sub", "two"}
	lives  = []Life{Alive, Alive, Dead, InGrace, CannotTell}
	types  = []string{"bug", "task", "epic"}
	verbs  = []Verb{Start, Start, StartNext, Close, Close, Close, Reopen, Reopen, Release,
		Block, Block, Block, Unblock, Create, Update, Note, Plan}
)

const mostTickets = 7

// rarely is for what is mostly refused.
func rarely(t *rapid.T, label string) bool { return rapid.IntRange(0, 19).Draw(t, label) == 19 }
func often(t *rapid.T, label string) bool  { return rapid.Bool().Draw(t, label) }

func anyID(t *rapid.T, s State, label string) string {
	if rarely(t, "bad id") {
		return rapid.SampledFrom([]string{"none", "", "../t1"}).Draw(t, label)
	}
	return newID(rapid.IntRange(1, max(1, len(s.Tickets))).Draw(t, label))
}

// newID is the id of the nth ticket.
func newID(n int) string { return fmt.Sprint("t", n) }

func anyOp(t *rapid.T, s State, verb Verb, now int64) Op {
	u := UserInput{Verb: verb, Agent: rapid.SampledFrom(agents).Draw(t, "agent")}
	m := MachineInput{Session: rapid.SampledFrom(keys).Draw(t, "session"), Now: now}
	switch verb {
	case Create:
		m.NewID = newID(len(s.Tickets) + 1)
	case Plan:
		agent := u.Agent
		u = anyPlan(t, s)
		u.Agent, u.DryRun = agent, rarely(t, "dry run")
		m.NewIDs = map[string]string{}
		made := s.madeBefore(Op{u, m})
		for _, p := range u.Tickets {
			if made[p.Name] == "" {
				m.NewIDs[p.Name] = newID(len(s.Tickets) + len(m.NewIDs) + 1)
			}
		}
	case StartNext:
		if rarely(t, "lane") {
			m.Lane = []string{"api"}
		}
	default:
		u.ID = anyID(t, s, "id")
		if held := s.Tickets[u.ID]; held.Holder != "" && often(t, "by its holder") {
			m.Session, u.Agent = held.Holder, held.Agent
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
		if verb == Close {
			anyClose(t, s, &u)
		} else if verb == Release && rarely(t, "with hold") {
			u.Hold = new("Grace")
		}
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
		u.Priority = new(rapid.IntRange(0, 4).Draw(t, "priority"))
		u.Tags = rapid.SampledFrom([][]string{nil, {}, {"api"}}).Draw(t, "tags")
		if rarely(t, "with hold") {
			u.Hold = new(rapid.SampledFrom([]string{"Grace", ""}).Draw(t, "hold"))
		}
		if verb == Update && rarely(t, "with hold-until") {
			u.HoldUntil = new(now + rapid.Int64Range(0, 9).Draw(t, "until"))
		}
		if often(t, "has parent") {
			u.Parent = new(anyID(t, s, "parent"))
		}
		if verb == Create && often(t, "has blocker") {
			u.BlockedBy = []string{anyID(t, s, "blocked by")}
		}
	}
	return Op{u, m}
}

func anyClose(t *rapid.T, s State, u *UserInput) {
	u.Next = rarely(t, "next")
	if often(t, "with evidence") {
		u.Evidence = []string{"log"}
	}
	switch rapid.IntRange(0, 5).Draw(t, "resolution") {
	case 0:
		u.Resolution = Duplicate
		u.DuplicateOf = anyID(t, s, "duplicate of")
	case 1:
		u.Resolution = Dropped
		u.Children = often(t, "children")
	}
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
		if verb == Create && len(s.Tickets) == mostTickets || verb == Plan &&
			len(s.Tickets)+3 > mostTickets {
			continue
		}
		if rarely(t, "a session changes") {
			s.Sessions = maps.Clone(s.Sessions)
			s.Sessions[rapid.SampledFrom(keys).Draw(t, "which")] = rapid.SampledFrom(lives).Draw(t,
				"life")
		}
		o := anyOp(t, s, verb, int64(i/3)) // several in one second
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
			wrote := append([]string{r.ID, r.Next}, r.Dropped...)
			if o.User.Verb == Plan {
				wrote = append(wrote, slices.Collect(maps.Values(o.Machine.NewIDs))...)
			}
			for id, ticket := range after.Tickets {
				if !slices.Contains(wrote, id) && !reflect.DeepEqual(before.Tickets[id], ticket) {
					t.Fatalf("%+v: wrote %s, which it was not asked for", o, id)
				}
			}
			if o.User.Verb == Update && r.Code == OK &&
				before.Tickets[r.ID].Status != after.Tickets[r.ID].Status {
				t.Fatalf("%+v: update changed a status", o)
			}
			if o.User.Verb == StartNext && r.Code == OK &&
				(r.AlreadyYours || before.Tickets[r.ID].heldBy(o)) {
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
			caller := Op{UserInput{}, MachineInput{Session: me}}
			ready := Ready(s, caller)
			for id := range s.Tickets {
				_, r := Step(s, Op{UserInput{Verb: Start, ID: id}, MachineInput{Session: me}})
				if gives := r.Code == OK && !r.AlreadyYours; gives != slices.Contains(ready, id) {
					t.Fatalf("start %s answers %+v, ready is %v", id, r, ready)
				}
			}
			_, r := Step(s, Op{UserInput{Verb: StartNext}, MachineInput{Session: me}})
			work := slices.DeleteFunc(slices.Clone(ready),
				func(id string) bool { return len(s.children(id)) > 0 })
			if first := append(work, ready...); len(first) > 0 && r.ID != first[0] ||
				len(first) == 0 && r.Code != NotFound {
				t.Fatalf("start answers %+v, ready is %v, of these without open children %v", r,
					ready, work)
			}
		}
	})
}

// finish works until nothing moves and reports whether every ticket is closed.
// It knows only Step. Nothing is on hold.
func finish(s State) bool {
	for id, t := range s.Tickets {
		t.Hold, t.HoldUntil = "", 0
		s = s.with(id, t)
	}
	for moved := true; moved; {
		moved = false
		for _, id := range slices.Sorted(maps.Keys(s.Tickets)) {
			for _, v := range []Verb{Start, Close} {
				held := s.Tickets[id]
				me := cmp.Or(held.Holder, "s1")
				after, r := Step(s, Op{UserInput{Verb: v, ID: id, Agent: held.Agent},
					MachineInput{Session: me}})
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
			s = s.with(id, t.turn(Open))
		}
	}
	return s
}

// TestCycleIsStuck holds the cycle of waiting against its meaning: whatever
// operations built can be finished, and an edge is refused with cycle exactly
// when it would leave something that never can be.
func TestCycleIsStuck(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	seen := map[Verb]int{}
	rapid.Check(t, func(t *rapid.T) {
		history(t, func(before State, o Op, after State, r Result) {
			if !finish(after) || !finish(released(after)) {
				t.Fatalf("after %+v: this board can never be finished", o)
			}
			if r.Code != Cycle {
				return
			}
			if finish(released(force(before, o))) {
				t.Fatalf("%+v: refused with cycle, but it could have been finished", o)
			}
			seen[o.User.Verb]++
		})
	})
	if !testing.Short() && (seen[Block] == 0 || seen[Plan] == 0) {
		t.Error("no cycle was ever refused: the histories are too tame to show anything")
	}
	t.Log("refused with cycle:", seen)
}

// force is what an operation leaves behind if nothing refuses it.
func force(s State, o Op) State {
	if o.User.Verb == Create {
		o.User.ID = o.Machine.NewID
	}
	if o.User.Verb != Plan {
		s, _ = effect(s, o)
		return s
	}
	ids := s.madeBefore(o)
	for _, p := range o.User.Tickets {
		ids[p.Name] = cmp.Or(ids[p.Name], o.Machine.NewIDs[p.Name])
	}
	for _, p := range o.User.Tickets {
		if s.missing(ids[p.Name]) {
			s, _ = effect(s, Op{p.resolved(ids).User, o.Machine})
		}
	}
	return s
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
