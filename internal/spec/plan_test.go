package spec

import (
	"cmp"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestPlan(t *testing.T) {
	const x, y = "n-x open title=x created=99 ref=ev/x", "n-y open title=y created=99 ref=ev/y"
	run(t, []row{
		{"", "plan ev / x / y parent=x", OK, x + "; " + y + " parent=n-x"},
		{"", "plan ev / y parent=x / x", OK, x + "; " + y + " parent=n-x"}, // in any order
		{"a open", "plan ev / x parent=a / y blocked=x,a", OK,
			x + " parent=a; " + y + " blocked=n-x,a"},
		{"", "plan / x", OK, "n-x open title=x created=99"},
		{"a open", "plan ev dry / x parent=a", OK, ""},

		// A repeat makes what is missing and leaves the rest alone.
		{"a open ref=ev/x title=other", "plan ev / x / y blocked=x", OK, y + " blocked=a"},
		{"a closed ref=ev/x; b open ref=ev/y", "plan ev / x / y blocked=x", OK, ""},
		{"a open ref=other/x", "plan ev / x", OK, x},

		{"", "plan ev", Invalid, ""},
		{"", "plan ev / x / x", Invalid, ""},
		{"x open", "plan ev / x", Invalid, ""}, // an id that exists
		{"", "plan ev / x parent=y", Invalid, ""},
		{"", "plan ev / x blocked=y", Invalid, ""},
		{"", "plan ev / x type=story", Invalid, ""},
		{"", "plan ev / x / y blocked=x,x", Invalid, ""},
		{"a open ref=ev/x", "plan ev / x / y blocked=x,a", Invalid, ""}, // one ticket by two names
		{"a closed", "plan ev / x / y parent=a", ParentStatus, ""},
		{"m malformed", "plan ev / x blocked=m", Malformed, ""},
		{"", "plan ev / x blocked=y / y blocked=x", Cycle, ""},
		{"", "plan ev / x parent=y / y parent=x", Cycle, ""},
		{"", "plan ev / x blocked=x", Cycle, ""},
		{"", "plan ev / x / y parent=x blocked=x", Cycle, ""},
		{"a open; b open blocked=a", "plan ev / x parent=a blocked=b", Cycle, ""},
		{"a open; b open blocked=a", "plan ev / x parent=a / y parent=x blocked=b", Cycle, ""},
	})
}

func TestLayers(t *testing.T) {
	for _, tt := range []struct {
		board, op string
		want      [][]string
	}{
		{"", "plan ev / x / y blocked=x / z blocked=x,y / w", [][]string{{"w", "x"}, {"y"}, {"z"}}},
		{"", "plan ev / e / x parent=e / y parent=e blocked=x / z blocked=e",
			[][]string{{"e"}, {"x"}, {"y"}, {"z"}}},
		{"a open", "plan ev dry / x blocked=a / y", [][]string{{"y"}}},
		{"a in_progress by=live ref=ev/x", "plan ev / x / y blocked=x", [][]string{nil, {"y"}}},
		{"", "plan ev / x hold=Grace / y blocked=x / z", [][]string{{"z"}}},
	} {
		if _, r := Step(board(tt.board), op(tt.op)); !reflect.DeepEqual(r.Layers, tt.want) {
			t.Errorf("%s on %s: %q, want %q", tt.op, tt.board, r.Layers, tt.want)
		}
	}
}

// anyPlan draws a plan of a few tickets, whose names are those of other plans.
func anyPlan(t *rapid.T, s State) UserInput {
	u := UserInput{Verb: Plan, Plan: rapid.SampledFrom([]string{"p", "p", "q", ""}).Draw(t, "plan")}
	names := []string{"x", "y", "z"}[:rapid.IntRange(1, 3).Draw(t, "tickets")]
	other := func(label string) string {
		if often(t, "by name") {
			return rapid.SampledFrom(names).Draw(t, label)
		}
		return anyID(t, s, label)
	}
	for _, name := range names {
		p := Planned{name, UserInput{Title: new(name)}}
		if often(t, "has parent") {
			p.New.Parent = new(other("parent"))
		}
		if often(t, "has blocker") {
			p.New.BlockedBy = []string{other("blocker")}
		}
		u.Tickets = append(u.Tickets, p)
	}
	return u
}

// TestPlanPrefix: a death in the middle of a plan leaves a legal board, and
// the same call finishes it.
func TestPlanPrefix(t *testing.T) {
	cut := 0
	rapid.Check(t, func(t *rapid.T) {
		s := history(t, func(State, Op, State, Result) {})
		o := Op{anyPlan(t, s), MachineInput{Session: "s1",
			NewIDs: map[string]string{"x": "n-x", "y": "n-y", "z": "n-z"}}}
		o.User.Plan = "new"
		whole, r := Step(s, o)
		if r.Code != OK {
			return
		}
		prefix := s
		for i, p := range inOrder(o.User.Tickets) {
			id := r.IDs[p.Name]
			prefix = prefix.with(id, whole.Tickets[id])
			if bad := Invariants(prefix); len(bad) > 0 {
				t.Fatalf("the first %d of %+v: %v", i+1, o.User.Tickets, bad)
			}
			repeated, r2 := Step(prefix, o)
			if r2.Code != OK || len(r2.Exists) != i+1 ||
				!reflect.DeepEqual(repeated.Tickets, whole.Tickets) {
				t.Fatalf("the repeat after %d of %+v: %+v, %+v", i+1, o.User.Tickets, r2,
					repeated.Tickets)
			}
			cut++
		}
	})
	if cut == 0 {
		t.Error("no plan was ever made: the plans are too wild to show anything")
	}
}

// TestDropPrefix: a death in the middle of a drop with children leaves a legal
// board.
func TestDropPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := history(t, func(State, Op, State, Result) {})
		for id := range s.Tickets {
			o := Op{UserInput{Verb: Close, ID: id, Resolution: Dropped, Children: true},
				MachineInput{Session: "s1"}}
			whole, r := Step(s, o)
			if r.Code != OK {
				continue
			}
			prefix := s
			for _, child := range r.Dropped {
				prefix = prefix.with(child, whole.Tickets[child])
				if bad := Invariants(prefix); len(bad) > 0 {
					t.Fatalf("drop of %s after %s: %v", id, child, bad)
				}
			}
			if repeated, r := Step(prefix, o); r.Code != OK ||
				!reflect.DeepEqual(repeated.Tickets, whole.Tickets) {
				t.Fatalf("the repeat of the drop of %s: %+v, %+v", id, r, repeated.Tickets)
			}
		}
	})
}

// TestPlanIsCreates: a plan comes to what the same creates would, one by one,
// and is refused where one of them would be.
func TestPlanIsCreates(t *testing.T) {
	seen := map[Code]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := history(t, func(State, Op, State, Result) {})
		u := anyPlan(t, s)
		u.Plan = ""
		ids := map[string]string{"x": "n-x", "y": "n-y", "z": "n-z"}
		m := MachineInput{Session: "s1", NewIDs: ids}
		after, r := Step(s, Op{u, m})
		seen[r.Code]++
		if r.Code == Invalid || r.Code == Cycle {
			return // names that a create cannot know
		}
		created, refused := s, OK
		for _, p := range inOrder(u.Tickets) {
			one := Op{p.resolved(ids).User, m}
			one.Machine.NewID = one.User.ID
			var made Result
			created, made = Step(created, one)
			refused = cmp.Or(refused, made.Code)
		}
		if (r.Code == OK) != (refused == OK) {
			t.Fatalf("plan %+v answers %q, creates answer %q", u.Tickets, r.Code, refused)
		}
		if r.Code == OK && !reflect.DeepEqual(after.Tickets, created.Tickets) {
			t.Fatalf("plan %+v makes %+v, creates make %+v", u.Tickets, after.Tickets,
				created.Tickets)
		}
	})
	// A fifth of the plans, which is what -short tries, may well have no invalid one among them.
	if !testing.Short() && (seen[OK] == 0 || seen[Cycle] == 0 || seen[Invalid] == 0) {
		t.Errorf("the plans are too tame: %v", seen)
	}
}
