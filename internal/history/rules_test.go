package history_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// rulesBroken judges what porcupine cannot, since it orders each ticket by itself: the rules
// between tickets, over the whole history and in the files at its end. It says only what is
// certain, whatever the order of calls that overlapped.
func (h history) rulesBroken() []string {
	l := h.timeline()
	why := slices.Concat(h.filesBroken(), h.twoHolders(), h.justDied(), l.neverAllowed(h.entries))
	for _, e := range h.entries {
		if e.lost() || e.op.Verb == death {
			continue
		}
		if e.fault != "" {
			why = append(why, "neither done nor refused: "+e.String())
			continue
		}
		if e.result.Code == spec.Unreachable && h.reach > 0 && e.got-e.sent >= int64(h.reach) {
			continue
		}
		if wrong := l.judge(e); wrong != "" {
			why = append(why, wrong+": "+e.String())
		}
	}
	return why
}

// filesBroken judges the board at the end.
func (h history) filesBroken() []string {
	why := slices.Clone(h.broken)
	for _, line := range spec.Invariants(spec.State{Tickets: h.after}) {
		why = append(why, "the files at the end: "+line)
	}
	for _, id := range h.ids() {
		if _, ok := h.after[id]; !ok && len(h.broken) == 0 {
			why = append(why, "the files at the end: "+id+" is missing")
		}
	}
	return why
}

// busy are the calls that waited for a lock in vain. Nobody has to where nobody is stopped and no
// lock file is removed.
func (h history) busy() []string {
	var why []string
	for _, e := range h.entries {
		if e.result.Code == spec.Busy {
			why = append(why, "busy: "+e.String())
		}
	}
	return why
}

// justDied finds tickets that were given away while the client of their owner may still have been
// about to start it again.
func (h history) justDied() []string {
	const grace = int64(10 * time.Second)
	died := map[string]entry{} // the first time that a session may have
	for _, d := range h.entries {
		first, more := died[d.session]
		if d.op.Verb == death && (!more || d.sent < first.sent) {
			died[d.session] = d
		}
	}
	var why []string
	for _, e := range h.entries {
		d, known := died[e.result.From]
		if e.result.TakenOver && known && e.got < d.sent+grace {
			why = append(why, fmt.Sprintf("was given away, but its owner had only just died: %s; %s", e, d))
		}
	}
	return why
}

// twoHolders finds tickets that two callers held at one moment, each told so and neither having
// begun to give it up.
func (h history) twoHolders() []string {
	type hold struct {
		span
		by entry
	}
	holds := map[string][]hold{}
	for _, e := range h.entries {
		if e.op.Verb != spec.Start && e.op.Verb != spec.StartNext || !e.done() {
			continue
		}
		until := int64(never)
		for _, o := range h.entries {
			finishes := (o.op.Verb == spec.Close || o.op.Verb == spec.Release) &&
				o.op.ID == e.result.ID && (o.done() || o.lost() || o.fault != "")
			if o.session == e.session && o.got > e.sent && (finishes || o.op.Verb == death) {
				until = min(until, o.sent)
			}
		}
		if e.got < until {
			holds[e.result.ID] = append(holds[e.result.ID], hold{span{e.got, until}, e})
		}
	}
	var why []string
	for _, id := range slices.Sorted(maps.Keys(holds)) {
		for i, a := range holds[id] {
			for _, b := range holds[id][:i] {
				if a.by.caller() != b.by.caller() && a.from < b.to && b.from < a.to {
					why = append(why, fmt.Sprintf("%s was held by two callers at once: %s; %s", id,
						b.by, a.by))
				}
			}
		}
	}
	return why
}

// neverAllowed finds moments at which the board as a whole certainly was as it may never be.
func (l *timeline) neverAllowed(entries []entry) []string {
	var why []string
	for _, child := range l.ids {
		for _, parent := range l.related(childOf, child) {
			bad := and(l.fact(childOf, child, parent).must(),
				and(l.fact(isClosed, parent, "").must(), l.fact(isClosed, child, "").mustNot()))
			// A ticket that is yet to be created is not closed, but has no parent either.
			if len(bad) > 0 {
				why = append(why, fmt.Sprintf("%s was closed while its child %s was not, at %.3f ms", parent, child, float64(bad[0].from)/1e6))
			}
		}
	}
	certain := map[factKey]spans{}
	for key, f := range l.facts {
		if key.kind == isClosed {
			certain[key] = f.mustNot()
		} else {
			certain[key] = f.must()
		}
	}
	for _, e := range entries {
		if !e.done() || !slices.Contains([]spec.Verb{spec.Block, spec.Reopen, spec.Update,
			spec.Create}, e.op.Verb) {
			continue
		}
		now := e.got + 1 // what this call did is certain from here on
		s := spec.State{Tickets: map[string]spec.Ticket{}}
		for _, id := range l.ids {
			// waits for nothing, as nothing more is certain
			s.Tickets[id] = spec.Ticket{Status: spec.Closed}
		}
		for key, when := range certain {
			if !when.at(now) {
				continue
			}
			t := s.Tickets[key.id]
			switch key.kind {
			case isClosed:
				t.Status = spec.Open
			case blockedBy:
				t.BlockedBy = append(t.BlockedBy, key.of)
			case childOf:
				t.Parent = key.of
			}
			s.Tickets[key.id] = t
		}
		for _, line := range spec.Invariants(s) {
			if strings.HasPrefix(line, "cycle of waiting") {
				return append(why, fmt.Sprintf("%s, after %s", line, e))
			}
		}
	}
	return why
}

// judge compares an answer with what may have been so, at one moment between question and answer.
// It returns what is wrong.
func (l *timeline) judge(e entry) string {
	id := e.about()
	may, must := sight{l, false}, sight{l, true}
	within := spans{{e.sent, e.got}}
	possible := func(s spans) bool { return len(and(s, within)) > 0 }
	parent := ""
	if e.op.Parent != nil {
		parent = *e.op.Parent
	}
	switch code, verb := e.result.Code, e.op.Verb; {
	case code == spec.OK && (verb == spec.Start || verb == spec.StartNext):
		if !e.result.AlreadyYours &&
			!possible(and(may.notOnHold(id, nil),
				and(may.blockersClosed(id, nil), may.parentStarted(id)))) {
			return "started before its blockers were closed or its parent was started, or on hold"
		}
	case code == spec.OK && verb == spec.Close:
		if !possible(may.childrenClosed(id)) {
			return "closed before its children"
		}
	case code == spec.OK && verb == spec.Reopen:
		if !possible(may.parentNotClosed(id)) {
			return "reopened below a closed parent"
		}
	case code == spec.OK && parent != "":
		if !possible(may.isNot(isClosed, parent, "")) {
			return "put below a closed parent"
		}

	case code == spec.OnHold:
		if !possible(not(must.notOnHold(id, nil))) {
			return "wrongly refused, nothing was on hold"
		}
	case code == spec.Blocked:
		if !possible(not(must.blockersClosed(id, nil))) {
			return "wrongly refused, all blockers were closed"
		}
	case code == spec.OpenChildren:
		if !possible(not(must.childrenClosed(id))) {
			return "wrongly refused, all children were closed"
		}
	case code == spec.ParentStatus && verb == spec.Start:
		if !possible(not(must.parentStarted(id))) {
			return "wrongly refused, its parent was started"
		}
	case code == spec.ParentStatus && verb == spec.Reopen:
		if !possible(not(must.parentNotClosed(id))) {
			return "wrongly refused, its parent was not closed"
		}
	case code == spec.ParentStatus:
		if !possible(may.is(isClosed, parent, "")) {
			return "wrongly refused, " + parent + " was not closed"
		}
	case code == spec.NotFound && verb == spec.StartNext:
		for _, id := range l.ids {
			ready := and(must.notOnHold(id, nil),
				and(must.is(isOpen, id, ""),
					and(must.blockersClosed(id, nil), must.parentStarted(id))))
			if len(and(not(ready), within)) == 0 {
				return "wrongly refused, " + id + " was ready all the time"
			}
		}
	case code == spec.NotFound, code == spec.Malformed, code == spec.NoStore, code == spec.UnsafeFS,
		code == spec.Unreachable:
		return "wrongly refused, all files are there and can be read"
	}
	return ""
}

// sight looks at the facts of a timeline: at what may have been so, or at what certainly was.
type sight struct {
	*timeline
	certain bool
}

func (s sight) is(kind factKind, id, of string) spans {
	if s.certain {
		return s.fact(kind, id, of).must()
	}
	return s.fact(kind, id, of).may()
}

func (s sight) isNot(kind factKind, id, of string) spans {
	if s.certain {
		return s.fact(kind, id, of).mustNot()
	}
	return s.fact(kind, id, of).mayNot()
}

// blockersClosed: each blocker of the ticket and of its ancestors is closed. below are the tickets
// by which the search came.
func (s sight) blockersClosed(id string, below []string) spans {
	when := always
	for _, b := range s.related(blockedBy, id) {
		when = and(when, or(s.isNot(blockedBy, id, b), s.is(isClosed, b, "")))
	}
	for _, p := range s.related(childOf, id) {
		if !slices.Contains(below, p) { // parents that changed may seem to go round
			when = and(when, or(s.isNot(childOf, id, p),
				s.blockersClosed(p, append(slices.Clone(below), id))))
		}
	}
	return when
}

// notOnHold: neither the ticket nor one of its ancestors is on hold.
func (s sight) notOnHold(id string, below []string) spans {
	when := s.isNot(onHold, id, "")
	for _, p := range s.related(childOf, id) {
		if !slices.Contains(below, p) {
			when = and(when, or(s.isNot(childOf, id, p),
				s.notOnHold(p, append(slices.Clone(below), id))))
		}
	}
	return when
}

func (s sight) parentStarted(id string) spans {
	when := always
	for _, p := range s.related(childOf, id) {
		when = and(when, or(s.isNot(childOf, id, p), s.isNot(isOpen, p, "")))
	}
	return when
}

func (s sight) parentNotClosed(id string) spans {
	when := always
	for _, p := range s.related(childOf, id) {
		when = and(when, or(s.isNot(childOf, id, p), s.isNot(isClosed, p, "")))
	}
	return when
}

func (s sight) childrenClosed(id string) spans {
	when := always
	for _, c := range s.ids {
		if f := s.facts[factKey{childOf, c, id}]; f != nil && len(f.on) > 0 {
			when = and(when, or(s.isNot(childOf, c, id), s.is(isClosed, c, "")))
		}
	}
	return when
}
