package history_test

import (
	"cmp"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// What can be said of a moment in a history. A call that was answered had its effect somewhere
// between the question and the answer. So of each fact, say "a is closed", there are moments at
// which it may have been true, whatever the order of the calls, and the others, at which it
// certainly was not. Nothing here guesses: what is certain held in every possible order.

// spans are moments: closed intervals, in order and apart from each other.
type spans []span

type span struct{ from, to int64 }

var always = spans{{-1, never}}

// joined puts intervals in order.
func joined(all spans) spans {
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out spans
	for _, s := range all {
		switch last := len(out) - 1; {
		case s.from > s.to:
		case last >= 0 && s.from <= out[last].to:
			out[last].to = max(out[last].to, s.to)
		default:
			out = append(out, s)
		}
	}
	return out
}

func or(a, b spans) spans { return joined(slices.Concat(a, b)) }

func and(a, b spans) spans {
	var out spans
	for _, x := range a {
		for _, y := range b {
			out = append(out, span{max(x.from, y.from), min(x.to, y.to)})
		}
	}
	return joined(out)
}

func not(a spans) spans {
	var out spans
	from := int64(-1)
	for _, s := range a {
		out = append(out, span{from, s.from - 1})
		if s.to == never {
			return joined(out)
		}
		from = s.to + 1
	}
	return joined(append(out, span{from, never}))
}

func (a spans) at(t int64) bool {
	return slices.ContainsFunc(a, func(s span) bool { return s.from <= t && t <= s.to })
}

// fact is something that calls make true and untrue, each within a span. A span that ends never:
// perhaps not at all.
type fact struct{ on, off spans }

// may are the moments at which the fact may have been true: from the beginning of a call that made
// it so to the end of the first one that came after that call for certain, and made it untrue for
// certain.
func (f *fact) may() spans    { return possible(f.on, f.off) }
func (f *fact) mayNot() spans { return possible(f.off, f.on) }

// must are the moments at which it certainly was true.
func (f *fact) must() spans    { return not(f.mayNot()) }
func (f *fact) mustNot() spans { return not(f.may()) }

func possible(on, off spans) spans {
	var out spans
	for _, begun := range on {
		end := int64(never)
		for _, o := range off {
			if o.from > begun.to {
				end = min(end, o.to)
			}
		}
		out = append(out, span{begun.from, end})
	}
	return joined(out)
}

// factKey names a fact about a ticket and, of a relation, about another one.
type factKey struct {
	kind factKind
	id   string
	of   string
}

type factKind int

const (
	isClosed  factKind = iota
	isOpen             // not in_progress, not closed
	blockedBy          // id has of among its blockers
	childOf            // of is the parent of id
	onHold
)

// timeline holds the facts of a history.
type timeline struct {
	ids   []string
	facts map[factKey]*fact
}

// fact returns a fact. What nobody has spoken of is not true.
func (l *timeline) fact(kind factKind, id, of string) *fact {
	key := factKey{kind, id, of}
	if l.facts[key] == nil {
		l.facts[key] = &fact{off: spans{{-1, -1}}}
	}
	return l.facts[key]
}

// set makes a fact true, or untrue, within a span.
func (l *timeline) set(when span, kind factKind, id, of string, truth bool) {
	f := l.fact(kind, id, of)
	if truth {
		f.on = append(f.on, when)
	} else {
		f.off = append(f.off, when)
	}
}

// related are the tickets to which id may ever have stood in a relation.
func (l *timeline) related(kind factKind, id string) (of []string) {
	for _, other := range l.ids {
		if f := l.facts[factKey{kind, id, other}]; f != nil && len(f.on) > 0 {
			of = append(of, other)
		}
	}
	return of
}

// timeline reads the facts off the answers.
func (h history) timeline() *timeline {
	l := &timeline{ids: h.ids(), facts: map[factKey]*fact{}}
	for id, t := range h.before {
		begin := span{-1, -1}
		for _, f := range []*fact{l.fact(isClosed, id, ""), l.fact(isOpen, id, "")} {
			f.off = nil
		}
		l.set(begin, isClosed, id, "", t.Status == spec.Closed)
		l.set(begin, isOpen, id, "", t.Status == spec.Open)
		l.relate(begin, id, t.Parent, t.BlockedBy)
	}
	for _, e := range h.entries {
		if e = e.unknown(); e.done() || e.lost() {
			l.add(e)
		}
	}
	// A new parent is the end of every other one.
	for _, e := range h.entries {
		if e = e.unknown(); e.op.Verb == spec.Update && e.op.Parent != nil &&
			(e.done() || e.lost()) {
			for _, other := range l.related(childOf, e.op.ID) {
				if other != *e.op.Parent {
					l.set(span{e.sent, e.got}, childOf, e.op.ID, other, false)
				}
			}
		}
	}
	return l
}

// relate says what a ticket is born with.
func (l *timeline) relate(when span, id, parent string, blockers []string) {
	born := func(kind factKind, of string) {
		if when.from < 0 {
			l.fact(kind, id, of).off = nil
		}
		l.set(when, kind, id, of, true)
	}
	if parent != "" {
		born(childOf, parent)
	}
	for _, b := range blockers {
		born(blockedBy, b)
	}
}

func (l *timeline) add(e entry) {
	when, id := span{e.sent, e.got}, e.about()
	switch e.op.Verb {
	case spec.Start:
		l.set(when, isOpen, id, "", false)
	case spec.StartNext:
		ids := []string{id}
		if e.lost() && !e.happened() { // it may have got any of them
			ids = l.ids
		}
		for _, id := range ids {
			l.set(when, isOpen, id, "", false)
		}
	case spec.Close:
		l.set(when, isClosed, id, "", true)
		if e.op.Resolution != spec.Done {
			l.set(when, isOpen, id, "", false)
		}
	case spec.Reopen:
		l.set(when, isClosed, id, "", false)
		l.set(when, isOpen, id, "", true)
	case spec.Release:
		l.set(when, isOpen, id, "", true)
		l.hold(when, id, e.op.Hold, false)
	case spec.Block:
		l.set(when, blockedBy, id, e.op.Blocker, true)
	case spec.Unblock:
		l.set(when, blockedBy, id, e.op.Blocker, false)
	case spec.Create:
		if id != "" { // else it was never seen
			l.set(when, isOpen, id, "", true)
			l.set(when, isClosed, id, "", false)
			parent := ""
			if e.op.Parent != nil {
				parent = *e.op.Parent
			}
			l.relate(when, id, parent, e.op.BlockedBy)
			l.hold(when, id, e.op.Hold, false)
		}
	case spec.Update:
		if p := e.op.Parent; p != nil && *p != "" {
			l.set(when, childOf, id, *p, true)
		}
		l.hold(when, id, e.op.Hold, true)
	}
}

// hold says what an operation makes of the mark; only an update ends it.
func (l *timeline) hold(when span, id string, hold *string, ends bool) {
	if hold != nil && (*hold != "" || ends) {
		l.set(when, onHold, id, "", *hold != "")
	}
}
