package history_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// history is what was seen of a board and of all who used it.
type history struct {
	before  map[string]spec.Ticket // as it was laid out
	entries []entry
	after   map[string]spec.Ticket // as the files say at the end, notes left out
	notes   map[string][]string    // the lines of notes in them
	broken  []string               // files that cannot be read at the end
	reach   time.Duration          // after which a call may be told that nobody reaches the board, 0 for never
}

// state is a ticket in the model of porcupine, in a form that == compares.
type state struct {
	exists                            bool
	status                            spec.Status
	holder, agent, blockers           string // several ids are sorted and joined by spaces
	title, typ, assignee, closeReason string
	hold, closedBy                    string
	resolution                        spec.Resolution
	priority                          int

	dead    string // sessions that have died
	started string // sessions that started the ticket and have not finished it since
}

// stateOf leaves out what is judged elsewhere: notes by notesBroken, whose order would make the
// search explode, the parent by rulesBroken.
func stateOf(t spec.Ticket) state {
	return state{exists: true, status: t.Status, holder: t.Holder, agent: t.Agent,
		blockers: set(t.BlockedBy), title: t.Title, typ: t.Type,
		assignee: t.Assignee, closeReason: t.CloseReason, priority: t.Priority,
		hold: t.Hold, closedBy: t.ClosedBy, resolution: t.Resolution}
}

func set(ids []string) string {
	ids = slices.Sorted(slices.Values(ids))
	return strings.Join(ids, " ")
}

func (s state) ticket() spec.Ticket {
	return spec.Ticket{Status: s.status, Holder: s.holder, Agent: s.agent,
		BlockedBy: strings.Fields(s.blockers), Title: s.title, Type: s.typ,
		Assignee: s.assignee, CloseReason: s.closeReason, Priority: s.priority,
		Hold: s.hold, ClosedBy: s.closedBy, Resolution: s.resolution}
}

func (s state) String() string {
	if !s.exists {
		return "not there"
	}
	words := []string{string(s.status)}
	for _, w := range []struct{ name, value string }{
		{"by", s.holder}, {"agent", s.agent}, {"blocked", s.blockers}, {"title", s.title}, {"type",
			s.typ}, {"assignee", s.assignee},
		{"priority", fmt.Sprint(s.priority)}, {"reason", s.closeReason},
		{"hold", s.hold}, {"closed by", s.closedBy}, {"as", string(s.resolution)}, {"dead",
			s.dead}, {"started", s.started},
	} {
		if w.value != "" {
			words = append(words, w.name+"="+w.value)
		}
	}
	return strings.Join(words, " ")
}

func plus(ids, id string) string   { return set(append(strings.Fields(less(ids, id)), id)) }
func contains(ids, id string) bool { return slices.Contains(strings.Fields(ids), id) }
func less(ids, id string) string {
	return set(slices.DeleteFunc(strings.Fields(ids), func(x string) bool { return x == id }))
}

// step is spec.StepOne as porcupine wants it, and the entries that StepOne does not know. ok is
// false when the answer cannot have been given in this state.
func step(s state, id string, e entry) (ok bool, after state) {
	if e.op.Verb == death {
		s.dead = plus(s.dead, e.session)
		return true, s
	}
	if e.lost() && !e.happened() && contains(s.dead, e.session) {
		return true, s // it died before the call had an effect
	}
	if e.happened() && s.holder != e.session { // which nobody told us
		e.result.From, e.result.TakenOver = s.holder, s.holder != "" && starts(e.op.Verb)
	}
	op := spec.Op{User: e.op, Machine: spec.MachineInput{Session: e.session, NewID: id,
		Former: contains(s.started, e.session)}}
	op.User.ID = id
	switch {
	case e.op.Verb == look:
		seen := stateOf(*e.seen)
		seen.dead, seen.started = s.dead, s.started
		return s == seen, s
	case e.op.Verb == spec.Create:
		return !s.exists, s.become(created(op))
	case e.op.Verb == spec.StartNext:
		op.User.Verb = spec.Start
		if e.result.AlreadyYours {
			return false, s // a held ticket is never given again
		}
	case e.op.Verb == spec.Update && e.op.Parent != nil:
		if slices.Contains([]spec.Code{spec.NotFound, spec.ParentStatus, spec.Cycle},
			e.result.Code) {
			return true, s // about other tickets
		}
		op.User.Parent = nil
	}
	world := spec.State{Tickets: map[string]spec.Ticket{}, Sessions: map[string]spec.Life{}}
	if s.exists {
		world.Tickets[id] = s.ticket()
	}
	for _, key := range []string{s.holder, e.session} {
		world.Sessions[key] = spec.Alive
		switch {
		case !contains(s.dead, key):
		case e.result.Code == spec.Claimed:
			world.Sessions[key] = spec.InGrace // which a start by another begins
		default:
			world.Sessions[key] = spec.Dead // that its grace is over is judged by justDied
		}
	}
	delete(world.Sessions, "")
	world, ok = spec.StepOne(world, op, e.result)
	if t, exists := world.Tickets[id]; exists {
		s = s.become(t)
	}
	if e.done() || e.happened() {
		switch op.User.Verb {
		case spec.Start:
			s.started = plus(s.started, e.session)
		case spec.Close, spec.Release:
			s.started = less(s.started, e.session)
		}
	}
	return ok || e.lost() && !e.happened(), s
}

func starts(v spec.Verb) bool { return v == spec.Start || v == spec.StartNext }

// become keeps what is not of the ticket.
func (s state) become(t spec.Ticket) state {
	after := stateOf(t)
	after.dead, after.started = s.dead, s.started
	return after
}

// created is the new ticket, on a board where nothing is against it.
func created(op spec.Op) spec.Ticket {
	world := spec.State{Tickets: map[string]spec.Ticket{}}
	for _, id := range op.User.BlockedBy {
		world.Tickets[id] = spec.Ticket{Status: spec.Closed}
	}
	if op.User.Parent != nil && *op.User.Parent != "" {
		world.Tickets[*op.User.Parent] = spec.Ticket{Status: spec.InProgress}
	}
	after, _ := spec.Step(world, op)
	return after.Tickets[op.Machine.NewID]
}

// maxEntries is how many entries of one ticket porcupine is asked to order. More take it too long.
const maxEntries = 600

// orderTime bounds the search for an order, for each ticket. An order that exists is found in
// milliseconds.
const orderTime = 30 * time.Second

// ticketHistory is the part of a history that concerns one ticket.
type ticketHistory struct {
	id    string
	model porcupine.Model
	ops   []porcupine.Operation
}

// ids are all tickets that there ever were.
func (h history) ids() []string {
	ids := map[string]bool{}
	for id := range h.before {
		ids[id] = true
	}
	for id := range h.after {
		ids[id] = true
	}
	for _, e := range h.entries {
		if e.about() != "" {
			ids[e.about()] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// unknown makes of a fault, which is reported elsewhere, a call of which nothing is known.
func (e entry) unknown() entry {
	if e.fault != "" {
		e.got, e.result = never, spec.Result{}
	}
	return e
}

// tickets divides a history. The last entry of each ticket is a look at its file.
func (h history) tickets() []ticketHistory {
	parts := map[string][]entry{}
	users := map[string]map[string]bool{} // of a ticket: the sessions that may ever have held it
	var deaths []entry
	ends := map[string]int64{} // of sessions
	add := func(id string, e entry) {
		if parts[id] = append(parts[id], e); users[id] == nil {
			users[id] = map[string]bool{}
		}
		users[id][e.session] = true
	}
	for _, id := range h.ids() {
		parts[id] = nil
	}
	for _, e := range h.entries {
		e, id := e.unknown(), e.about()
		switch {
		case e.op.Verb == death:
			deaths = append(deaths, e)
			ends[e.session] = e.got
		case e.lost() && e.op.Verb == spec.StartNext && !e.happened():
			for id := range parts { // it may have got any of them
				add(id, e)
			}
		case id != "" && (e.op.Verb != look || e.seen != nil && !e.stale):
			add(id, e)
		}
	}
	var tickets []ticketHistory
	for _, id := range slices.Sorted(maps.Keys(parts)) {
		var first state
		if t, ok := h.before[id]; ok {
			first = stateOf(t)
		}
		entries := slices.DeleteFunc(slices.Clone(deaths),
			func(e entry) bool { return !users[id][e.session] })
		entries = append(entries, parts[id]...)
		if t, ok := h.after[id]; ok {
			entries = append(entries, entry{op: spec.UserInput{Verb: look, ID: id}, session: "file",
				sent: never, got: never, seen: &t})
		}
		th := ticketHistory{id: id, model: porcupine.Model{
			Init:              func() any { return first },
			Step:              func(s, e, _ any) (bool, any) { return step(s.(state), id, e.(entry)) },
			DescribeOperation: func(e, _ any) string { return e.(entry).String() },
		}}
		for _, e := range entries {
			op := porcupine.Operation{ClientId: e.lane, Input: e, Call: e.sent, Return: e.got}
			if end, died := ends[e.session]; died && e.got == never {
				// A call without an answer comes last, where nobody looks, if it had no effect. In
				// step it has none after the death of its session either, so that it can end there,
				// and the search is not lost among calls without end.
				op.Return = max(end, e.sent)
			}
			if e.happened() {
				op.Return = e.by
			}
			th.ops = append(th.ops, op)
		}
		tickets = append(tickets, th)
	}
	return tickets
}

// disorder finds the tickets whose entries cannot be put in an order that the specification allows.
func (h history) disorder(limit time.Duration) (bad []ticketHistory, why []string) {
	tickets := h.tickets()
	results := make([]porcupine.CheckResult, len(tickets))
	var group sync.WaitGroup
	for i, th := range tickets {
		group.Go(func() { results[i] = porcupine.CheckOperationsTimeout(th.model, th.ops, limit) })
	}
	group.Wait()
	for i, th := range tickets {
		switch {
		case results[i] == porcupine.Unknown || len(th.ops) > maxEntries:
			why = append(why, fmt.Sprintf("%s: no verdict on the order of %d entries", th.id,
				len(th.ops)))
		case results[i] == porcupine.Illegal:
			bad = append(bad, th)
			why = append(why, fmt.Sprintf("%s: no order of its %d entries explains the answers and the file", th.id, len(th.ops)))
		}
	}
	return bad, why
}

// draw writes porcupine's picture of a ticket's history to a file.
func (th ticketHistory) draw(path string) error {
	_, info := porcupine.CheckOperationsVerbose(th.model, th.ops, orderTime)
	return porcupine.VisualizePath(th.model, info, path)
}

// sortEntries brings entries into the order in which they were sent.
func sortEntries(entries []entry) {
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.sent, b.sent) })
}
