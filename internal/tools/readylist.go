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

// readyList is what one session can start at one moment, and why it is not more.
type readyList struct {
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

// readyQuery filters and limits the ready list.
type readyQuery struct {
	typ, parent string          // "" for all
	tags        []string        // of which one is enough; none for all
	limit       int             // of candidates
	next        bool            // what start gives out: work before containers
	without     map[string]bool // these are left out
}

func (wanted readyQuery) matches(t document.Ticket) bool {
	return !wanted.without[t.ID] && (wanted.typ == "" || t.Type == wanted.typ) &&
		(wanted.parent == "" || t.Parent == wanted.parent) &&
		(len(wanted.tags) == 0 || slices.ContainsFunc(wanted.tags,
			func(tag string) bool { return hasTag(t.Tags, tag) }))
}

func (wanted readyQuery) all() bool {
	return wanted.typ == "" && wanted.parent == "" && len(wanted.tags) == 0
}

// readyList tells what can be started now.
func (c *call) readyList(wanted readyQuery) (readyList, error) {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	q := &c.queue
	v, err := c.snapshot()
	if err != nil {
		return readyList{}, err
	}
	if err := q.update(v, c.Now()); err != nil {
		return readyList{}, err
	}
	l := readyList{waiting: q.reasons(v, wanted), holds: q.holds(v, wanted)}
	for _, id := range slices.Sorted(maps.Keys(q.problems)) {
		l.problems = append(l.problems, row{ID: id, Reason: oneLine(q.problems[id], 120)})
	}
	l.again = q.holdEnds
	orphans := c.orphans(v, &l, wanted)
	var containers []candidate
	gone := 0
	for _, r := range q.ready {
		if wanted.all() && len(l.candidates) == wanted.limit {
			break
		}
		t, err := v.Get(r.id)
		if err != nil || t.Status != document.StatusOpen { // since the queue was brought up to date
			gone++
			continue
		}
		if !wanted.matches(t) {
			continue
		}
		l.total++
		switch next := (candidate{ticket: t, container: wanted.next && hasOpenChild(v, t.ID)}); {
		case next.container && len(containers) < wanted.limit:
			containers = append(containers, next)
		case !next.container && len(l.candidates) < wanted.limit:
			l.candidates = append(l.candidates, next)
		}
	}
	if wanted.all() {
		l.total = len(q.ready) - gone
	}
	l.total += len(orphans)
	l.candidates = slices.Concat(l.candidates, containers, orphans)
	slices.SortFunc(l.candidates, candidate.compare)
	l.candidates = l.candidates[:min(wanted.limit, len(l.candidates))]
	return l, v.InTime()
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
func (q *queue) reasons(v *ticketfs.Snapshot, wanted readyQuery) map[string]int {
	if wanted.all() {
		return maps.Clone(q.waiting)
	}
	counts := make(map[string]int)
	for id, s := range q.slots {
		if t, err := v.Get(id); err == nil && s.reason != "" && wanted.matches(t) {
			counts[s.reason]++
		}
	}
	return counts
}

// orphans are the started tickets whose holder is dead and that wait for nothing; the other started
// ones are counted as held.
func (c *call) orphans(v *ticketfs.Snapshot, l *readyList, wanted readyQuery) []candidate {
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
		if err != nil || !wanted.matches(t) {
			continue
		}
		if children, _ := v.Dependents(id); len(children) > 0 && childrenClosed(v, id) == nil {
			l.finished = append(l.finished, id)
		}
		orphan, err := c.startable(j, t, ask)
		if orphan == nil || err != nil { // what cannot be judged is not offered
			l.held++
			continue
		}
		if orphan.grace > 0 {
			l.inGrace++
			l.graceEnds = max(l.graceEnds, orphan.grace)
			if ends := c.Now().Add(orphan.grace); l.again.IsZero() || ends.Before(l.again) {
				l.again = ends
			}
			continue
		}
		orphan.container = wanted.next && hasOpenChild(v, id)
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
func (l readyList) onHold() string {
	switch n := len(l.holds); {
	case n == 0:
		return ""
	case n == 1:
		return "1 on hold: " + l.holds[0]
	default:
		return fmt.Sprintf("%d on hold, the first: %s", n, l.holds[0])
	}
}

// noOpenTicket is why nothing is ready where there is nothing to be ready.
const noOpenTicket = "no open ticket here"

// why says, for an empty queue, what the tickets wait for, the most frequent first.
func (l readyList) why() string {
	const most = 5
	reasons := slices.SortedFunc(maps.Keys(l.waiting),
		func(x, y string) int { return cmp.Or(l.waiting[y]-l.waiting[x], cmp.Compare(x, y)) })
	var parts []string
	for i, reason := range reasons {
		if i == most {
			parts = append(parts, fmt.Sprintf("+%d more reasons", len(reasons)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s", l.waiting[reason], reason))
	}
	if holds := l.onHold(); holds != "" {
		parts = append(parts, holds)
	}
	if l.inGrace > 0 {
		parts = append(parts,
			fmt.Sprintf("%d in %s, unless the holder, which just died, comes back", l.inGrace,
				seconds(l.graceEnds)))
	}
	if l.held > 0 {
		parts = append(parts, fmt.Sprintf("%d in progress", l.held))
	}
	if n := len(l.finished); n > 0 {
		slices.Sort(l.finished)
		names := strings.Join(l.finished[:min(n, most)], ", ")
		if n > most {
			names += fmt.Sprintf(", +%d more", n-most)
		}
		parts = append(parts, "can be closed now, as all below is closed: "+names)
	}
	if n := len(l.problems); n > 0 {
		parts = append(parts, fmt.Sprintf("%d malformed", n))
	}
	if len(parts) == 0 {
		return noOpenTicket
	}
	return strings.Join(parts, ", ")
}
