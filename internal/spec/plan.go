package spec

import (
	"cmp"
	"maps"
	"slices"
)

// mostPlanned is how many tickets one plan may have.
const mostPlanned = 100

// stepPlan makes many tickets in one operation: all that are missing, or none.
// A ticket that an earlier call of the same plan made is left as it is, so
// that a repeat finishes what a death cut short.
func stepPlan(s State, op Op) (State, Result) {
	u := op.User
	if !u.validPlan() {
		return s, Result{Code: Invalid}
	}
	made := s.madeBefore(op)
	ids := maps.Clone(made)
	var exists []string
	for _, p := range u.Tickets {
		if made[p.Name] != "" {
			exists = append(exists, p.Name)
		} else {
			ids[p.Name] = op.Machine.NewIDs[p.Name]
		}
	}
	if slices.ContainsFunc(u.Tickets, func(p Planned) bool { return s.badNames(p, ids) }) {
		return s, Result{Code: Invalid}
	}
	var missing []planned
	for _, p := range inOrder(u.Tickets) {
		if made[p.Name] == "" {
			missing = append(missing, p.resolved(ids))
		}
	}
	after := s
	for _, c := range missing {
		after, _ = effect(after, Op{c.User, op.machineFor(c.User.ID)})
		if u.Plan != "" {
			t := after.Tickets[c.User.ID]
			t.PlanRef = u.Plan + "/" + c.name
			after = after.with(c.User.ID, t)
		}
	}
	if code := refusePlan(after, missing); code != OK {
		return s, Result{Code: code}
	}
	result := Result{IDs: ids, Exists: exists, Layers: Layers(after, op, ids)}
	if u.DryRun {
		result.IDs = made
		return s, result
	}
	return after, result
}

// planned is a ticket of a plan with ids in place of names.
type planned struct {
	name string
	User UserInput
}

// refusePlan is what create is refused for, of every new ticket, judged on the
// board as all of them together would make it. The whole call has one answer:
// the first reason in the row of create that any of the tickets has.
func refusePlan(after State, missing []planned) Code {
	codes := map[Code]bool{}
	for _, c := range missing {
		id := c.User.ID
		codes[relate(after, after, id, value(c.User.Parent), c.User.BlockedBy)] = true
		if closesCycle(after, allEdges(after, id)...) == Cycle { // among names, without any parent
			codes[Cycle] = true
		}
	}
	return cmp.Or(
		when(codes[Malformed], Malformed),
		when(codes[ParentStatus], ParentStatus),
		when(codes[Cycle], Cycle),
	)
}

// validPlan judges the arguments by themselves.
func (u UserInput) validPlan() bool {
	seen := map[string]bool{}
	for _, p := range u.Tickets {
		// What parent and blocked_by may say is for badNames.
		alone := p.New
		alone.Verb, alone.Parent, alone.BlockedBy = Create, nil, nil
		if !ValidID(p.Name) || seen[p.Name] || !alone.valid() {
			return false
		}
		seen[p.Name] = true
	}
	return 0 < len(u.Tickets) && len(u.Tickets) <= mostPlanned
}

// badNames: the name is an id in use, or it names what is neither in the plan
// nor on the board, or one blocker twice.
func (s State) badNames(p Planned, ids map[string]string) bool {
	unknown := func(name string) bool {
		return ids[name] == "" && s.missing(name)
	}
	blockers := p.resolved(ids).User.BlockedBy
	twice := len(slices.Compact(slices.Sorted(slices.Values(blockers)))) < len(blockers)
	parent := value(p.New.Parent)
	return !s.missing(p.Name) || twice || parent != "" && unknown(parent) ||
		slices.ContainsFunc(p.New.BlockedBy, unknown)
}

// madeBefore are the tickets that an earlier call of this plan made, by name.
func (s State) madeBefore(op Op) map[string]string {
	made := map[string]string{}
	if op.User.Plan == "" {
		return made
	}
	byRef := map[string]string{}
	for id, t := range s.Tickets {
		if first := byRef[t.PlanRef]; !t.Malformed && (first == "" || id < first) {
			byRef[t.PlanRef] = id
		}
	}
	for _, p := range op.User.Tickets {
		if id := byRef[op.User.Plan+"/"+p.Name]; id != "" {
			made[p.Name] = id
		}
	}
	return made
}

func (p Planned) resolved(ids map[string]string) planned {
	id := func(name string) string { return cmp.Or(ids[name], name) }
	u := p.New
	u.Verb, u.ID = Create, ids[p.Name]
	if u.Parent != nil {
		u.Parent = new(id(*u.Parent))
	}
	u.BlockedBy = nil
	for _, b := range p.New.BlockedBy {
		u.BlockedBy = append(u.BlockedBy, id(b))
	}
	return planned{p.Name, u}
}

func (op Op) machineFor(id string) MachineInput {
	op.Machine.NewID = id
	return op.Machine
}

// inOrder puts parents and blockers before what names them, and leaves the
// given order otherwise. Written in this order, every prefix of a plan is a
// legal board. Those in a cycle, which is refused, come last.
func inOrder(plan []Planned) []Planned {
	var out []Planned
	done := map[string]bool{}
	names := map[string]bool{}
	for _, p := range plan {
		names[p.Name] = true
	}
	waits := func(name string) bool { return names[name] && !done[name] }
	for len(out) < len(plan) {
		at := slices.IndexFunc(plan, func(p Planned) bool {
			return !done[p.Name] && !waits(value(p.New.Parent)) &&
				!slices.ContainsFunc(p.New.BlockedBy, waits)
		})
		if at < 0 {
			at = slices.IndexFunc(plan, func(p Planned) bool { return !done[p.Name] })
		}
		out, done[plan[at].Name] = append(out, plan[at]), true
	}
	return out
}

// Layers says in which order the tickets of these ids can be started: first
// what is ready now, perhaps nothing, then what is ready once all these and
// those in progress are started and, where nothing below them is open, closed,
// and so on. It names them as the map does. What waits for something else is
// in no layer.
func Layers(s State, caller Op, ids map[string]string) [][]string {
	me := caller.Machine
	me.Former, me.Lane = false, nil
	call := func(v Verb, id string) (done bool) {
		after, r := Step(s, Op{UserInput{Verb: v, ID: id}, me})
		s = after
		return r.Code == OK && !r.AlreadyYours
	}
	for _, id := range ids { // whoever works on one of them finishes it
		if t := s.Tickets[id]; t.Status == InProgress {
			t.Holder, t.Agent = me.Session, ""
			s = s.with(id, t)
		}
	}
	var layers [][]string
	for {
		var layer []string
		for name, id := range ids {
			if s.Tickets[id].Status == Open && IsReady(s, Op{Machine: me}, id) {
				layer = append(layer, name)
			}
		}
		moved := false
		for _, name := range layer {
			moved = call(Start, ids[name]) || moved
		}
		for again := true; again; {
			again = false
			for _, id := range ids {
				if call(Close, id) {
					again, moved = true, true
				}
			}
		}
		if !moved {
			return layers
		}
		slices.Sort(layer)
		layers = append(layers, layer)
	}
}
