package tools

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// outlook is what a queue says at one moment to one session.
type outlook struct {
	candidates []candidate // the first ones
	total      int         // of all candidates
	held       int         // in progress, not to be taken over
	inGrace    int         // in progress, of holders that just died
	graceEnds  time.Duration
	waiting    map[string]int
	finished   []string // in progress, with children that are all closed
	holds      []string // what the tickets on hold wait for, one each, the oldest first
	problems   []row
	// when another one is to be expected though no file changes: a grace or a hold ends; zero for
	// never
	again time.Time
}

// candidate is a ticket that start accepts.
type candidate struct {
	ticket    document.Ticket
	former    string        // the dead holder whom it would be taken over from
	grace     time.Duration // for how long it is still kept for that holder
	container bool          // it has open children; only known where start gives out
}

func (c candidate) row() row {
	r := ticketRow(c.ticket)
	if c.former != "" {
		r.Holder = oneLine(c.former, maxTitle) + ", which is dead"
	}
	return r
}

// ask is what an outlook is wanted of.
type ask struct {
	typ, parent string          // "" for all
	tags        []string        // of which one is enough; none for all
	limit       int             // of candidates
	next        bool            // what start gives out: work before containers
	without     map[string]bool // these are left out
}

func (a ask) wants(t document.Ticket) bool {
	return !a.without[t.ID] && (a.typ == "" || t.Type == a.typ) &&
		(a.parent == "" || t.Parent == a.parent) &&
		(len(a.tags) == 0 || slices.ContainsFunc(a.tags,
			func(tag string) bool { return hasTag(t.Tags, tag) }))
}

func (a ask) all() bool { return a.typ == "" && a.parent == "" && len(a.tags) == 0 }

// outlook tells what can be started now.
func (c *call) outlook(a ask) (outlook, error) {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	q := &c.queue
	v, err := c.snapshot()
	if err != nil {
		return outlook{}, err
	}
	if err := q.update(v, c.Now()); err != nil {
		return outlook{}, err
	}
	o := outlook{waiting: q.reasons(v, a), holds: q.holds(v, a)}
	for _, id := range slices.Sorted(maps.Keys(q.problems)) {
		o.problems = append(o.problems, row{ID: id, Reason: oneLine(q.problems[id], 120)})
	}
	o.again = q.holdEnds
	orphans := c.orphans(v, &o, a)
	var containers []candidate
	gone := 0
	for _, r := range q.ready {
		if a.all() && len(o.candidates) == a.limit {
			break
		}
		t, err := v.Get(r.id)
		if err != nil || t.Status != document.StatusOpen { // since the queue was brought up to date
			gone++
			continue
		}
		if !a.wants(t) {
			continue
		}
		o.total++
		switch next := (candidate{ticket: t, container: a.next && hasOpenChild(v, t.ID)}); {
		case next.container && len(containers) < a.limit:
			containers = append(containers, next)
		case !next.container && len(o.candidates) < a.limit:
			o.candidates = append(o.candidates, next)
		}
	}
	if a.all() {
		o.total = len(q.ready) - gone
	}
	o.total += len(orphans)
	o.candidates = slices.Concat(o.candidates, containers, orphans)
	slices.SortFunc(o.candidates, candidate.compare)
	o.candidates = o.candidates[:min(a.limit, len(o.candidates))]
	return o, v.InTime()
}

// compare puts work before containers, then goes by rank.
func (c candidate) compare(other candidate) int {
	if c.container != other.container {
		if c.container {
			return 1
		}
		return -1
	}
	return rankOf(c.ticket).compare(rankOf(other.ticket))
}

// hasOpenChild reports whether work is left below a ticket.
func hasOpenChild(v *ticketfs.Snapshot, id string) bool {
	children, _ := v.Dependents(id)
	return slices.ContainsFunc(children, func(child string) bool {
		t, err := v.Get(child)
		return err == nil && t.Status != document.StatusClosed
	})
}

func rankOf(t document.Ticket) rank { return rank{t.Priority, t.Created, t.ID} }

// reasons counts what the tickets that are asked for wait for.
func (q *queue) reasons(v *ticketfs.Snapshot, a ask) map[string]int {
	if a.all() {
		return maps.Clone(q.waiting)
	}
	counts := make(map[string]int)
	for id, s := range q.slots {
		if t, err := v.Get(id); err == nil && s.reason != "" && a.wants(t) {
			counts[s.reason]++
		}
	}
	return counts
}

// orphans are the started tickets whose holder is dead and that wait for nothing; the other started
// ones are counted as held.
func (c *call) orphans(v *ticketfs.Snapshot, o *outlook, a ask) []candidate {
	var orphans []candidate
	known := make(map[string]liveness) // of this look: one holder may have many tickets
	ask := func(t document.Ticket) liveness {
		s, seen := known[t.ClaimedBy]
		if !seen {
			s = c.liveness(t)
			known[t.ClaimedBy] = s
		}
		return s
	}
	j := newJudge(v, c.Now())
	for id := range c.queue.started {
		t, err := v.Get(id)
		if err != nil || !a.wants(t) {
			continue
		}
		if children, _ := v.Dependents(id); len(children) > 0 && childrenClosed(v, id) == nil {
			o.finished = append(o.finished, id)
		}
		orphan, err := c.startable(j, t, ask)
		if orphan == nil || err != nil { // what cannot be judged is not offered
			o.held++
			continue
		}
		if orphan.grace > 0 {
			o.inGrace++
			o.graceEnds = max(o.graceEnds, orphan.grace)
			if ends := c.Now().Add(orphan.grace); o.again.IsZero() || ends.Before(o.again) {
				o.again = ends
			}
			continue
		}
		orphan.container = a.next && hasOpenChild(v, id)
		orphans = append(orphans, *orphan)
	}
	return orphans
}

// liveness is what can be told of a holder, and for how long a dead one's tickets are still kept
// for it.
type liveness struct {
	holder session.Holder
	grace  time.Duration
}

func (c *call) liveness(t document.Ticket) liveness {
	h := c.holder(t)
	return liveness{h, c.Session.Grace(h)}
}

// startable judges one ticket as start would for this session, without locks; nil if it would be
// refused.
func (c *call) startable(j *judge, t document.Ticket,
	livenessOf func(document.Ticket) liveness) (*candidate, error) {
	next := candidate{ticket: t}
	switch t.Status {
	case document.StatusClosed:
		return nil, nil
	case document.StatusInProgress:
		s := livenessOf(t)
		if s.holder.Life != session.Dead {
			return nil, nil
		}
		next.former, next.grace = t.ClaimedBy, s.grace
	}
	w, err := j.waitsFor(t)
	if err != nil || w != nil {
		return nil, err
	}
	return &next, nil
}

// onHold counts what waits for people, and names the first.
func (o outlook) onHold() string {
	switch n := len(o.holds); {
	case n == 0:
		return ""
	case n == 1:
		return "1 on hold: " + o.holds[0]
	default:
		return fmt.Sprintf("%d on hold, the first: %s", n, o.holds[0])
	}
}

// noOpenTicket is why nothing is ready where there is nothing to be ready.
const noOpenTicket = "no open ticket here"

// why says, for an empty queue, what the tickets wait for, the most frequent first.
func (o outlook) why() string {
	const most = 5
	reasons := slices.SortedFunc(maps.Keys(o.waiting),
		func(x, y string) int { return cmp.Or(o.waiting[y]-o.waiting[x], cmp.Compare(x, y)) })
	var parts []string
	for i, reason := range reasons {
		if i == most {
			parts = append(parts, fmt.Sprintf("+%d more reasons", len(reasons)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s", o.waiting[reason], reason))
	}
	if holds := o.onHold(); holds != "" {
		parts = append(parts, holds)
	}
	if o.inGrace > 0 {
		parts = append(parts,
			fmt.Sprintf("%d in %s, unless the holder, which just died, comes back", o.inGrace,
				seconds(o.graceEnds)))
	}
	if o.held > 0 {
		parts = append(parts, fmt.Sprintf("%d in progress", o.held))
	}
	if n := len(o.finished); n > 0 {
		slices.Sort(o.finished)
		names := strings.Join(o.finished[:min(n, most)], ", ")
		if n > most {
			names += fmt.Sprintf(", +%d more", n-most)
		}
		parts = append(parts, "can be closed now, as all below is closed: "+names)
	}
	if n := len(o.problems); n > 0 {
		parts = append(parts, fmt.Sprintf("%d malformed", n))
	}
	if len(parts) == 0 {
		return noOpenTicket
	}
	return strings.Join(parts, ", ")
}
