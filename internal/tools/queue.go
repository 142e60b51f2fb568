package tools

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// queue is the order in which open tickets are to be started, and what the others wait for. It is
// kept from call to call and brought up to date from the tickets that changed, so that asking costs
// no look at all the others.
type queue struct {
	mu    sync.Mutex
	slots map[string]slot
	ready []rank // open, waiting for nothing, first to be started first
	// in progress: whether one may be taken over is a question of the moment
	started  map[string]bool
	waiting  map[string]int    // reason -> how many tickets wait for it
	holdEnds time.Time         // when the first of those on hold is so no more; zero for never
	problems map[string]string // malformed files
}

// slot is where the queue has put a ticket.
type slot struct {
	rank   rank
	reason string // what it waits for; "" in ready
	hold   string // the ticket on hold that keeps it back, itself or an ancestor; "" for none
}

// rank orders tickets: by priority, then age.
type rank struct {
	priority int
	created  time.Time
	id       string
}

func (r rank) compare(other rank) int {
	return cmp.Or(cmp.Compare(r.priority, other.priority), r.created.Compare(other.created),
		cmp.Compare(r.id, other.id))
}

// update moves the tickets that changed, and those whose waiting depends on them.
func (q *queue) update(v *ticketfs.Snapshot, now time.Time) error {
	changed := v.Changes()
	if !q.holdEnds.IsZero() && !now.Before(q.holdEnds) {
		q.holdEnds = time.Time{}
		for id, s := range q.slots {
			if s.hold != "" {
				changed = append(changed, id)
			}
		}
	}
	var affected []string
	if q.slots != nil {
		affected = affectedBy(v, changed)
	} else {
		q.slots, q.started, q.waiting = map[string]slot{}, map[string]bool{}, map[string]int{}
		q.problems, q.ready = map[string]string{}, nil
		affected = v.IDs()
	}
	q.remove(affected)
	var entered []rank
	j := newJudge(v, now)
	for _, id := range affected {
		entered = append(entered, q.enter(v, j, id)...)
	}
	q.insert(entered)
	if err := v.InTime(); err != nil {
		q.slots = nil // what was not looked at in time is not what it seems
		return err
	}
	return nil
}

// affectedBy adds to tickets that changed the ones they block, and all below these and themselves.
func affectedBy(v *ticketfs.Snapshot, changed []string) []string {
	var below []string
	for _, id := range changed {
		_, blocked := v.Dependents(id)
		below = append(append(below, id), blocked...)
	}
	affected := make(map[string]bool)
	for len(below) > 0 {
		id := below[len(below)-1]
		below = below[:len(below)-1]
		if affected[id] {
			continue
		}
		affected[id] = true
		children, _ := v.Dependents(id)
		below = append(below, children...)
	}
	return slices.Collect(maps.Keys(affected))
}

// remove takes tickets out of the queue.
func (q *queue) remove(ids []string) {
	ready := make(map[string]bool)
	for _, id := range ids {
		delete(q.started, id)
		delete(q.problems, id)
		p, there := q.slots[id]
		if !there {
			continue
		}
		delete(q.slots, id)
		switch {
		case p.hold != "":
		case p.reason == "":
			ready[id] = true
		default:
			if q.waiting[p.reason]--; q.waiting[p.reason] == 0 {
				delete(q.waiting, p.reason)
			}
		}
	}
	if len(ready) > 0 {
		q.ready = slices.DeleteFunc(q.ready, func(r rank) bool { return ready[r.id] })
	}
}

// enter puts a ticket where it belongs; one that is ready is returned, to be inserted with the
// others.
func (q *queue) enter(v *ticketfs.Snapshot, j *judge, id string) []rank {
	t, err := v.Get(id)
	var refusal *ticketfs.Refusal
	switch {
	case ticketfs.CodeOf(err) == ticketfs.NotFound:
		return nil
	case errors.As(err, &refusal):
		q.problems[id] = refusal.Why
		return nil
	case err != nil: // one file that cannot be read must not hide the others
		q.problems[id] = err.Error()
		return nil
	case t.Status == document.StatusInProgress:
		q.started[id] = true
		return nil
	case t.Status == document.StatusClosed:
		return nil
	}
	w, err := j.waitsFor(t)
	if err != nil {
		q.problems[id] = err.Error()
		return nil
	}
	p := slot{rank: rankOf(t)}
	if w != nil && w.hold != nil {
		p.hold = w.hold.ID
		if end := w.hold.HoldUntil; !end.IsZero() &&
			(q.holdEnds.IsZero() || end.Before(q.holdEnds)) {
			q.holdEnds = end
		}
	} else if w != nil {
		p.reason = w.reason()
		q.waiting[p.reason]++
	}
	q.slots[id] = p
	if w != nil {
		return nil
	}
	return []rank{p.rank}
}

func (q *queue) insert(ranks []rank) {
	const few = 100
	if len(ranks) < few {
		for _, r := range ranks {
			i, _ := slices.BinarySearchFunc(q.ready, r, rank.compare)
			q.ready = slices.Insert(q.ready, i, r)
		}
		return
	}
	q.ready = append(q.ready, ranks...)
	slices.SortFunc(q.ready, rank.compare)
}

// holds says what those on hold wait for, themselves or through an ancestor, the oldest ticket
// first.
func (q *queue) holds(v ticketfs.View, wanted readyQuery) []string {
	keepers := make(map[string]bool)
	for id, s := range q.slots {
		if s.hold == "" {
			continue
		}
		if t, err := v.Get(id); err == nil && wanted.matches(t) {
			keepers[s.hold] = true
		}
	}
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(keepers)) {
		if t, err := v.Get(id); err == nil {
			texts = append(texts, heldBack(t))
		}
	}
	return texts
}

// reason is why a ticket waits, for counting.
func (w *wait) reason() string {
	if w.parent != "" {
		return "wait for their parent " + w.parent
	}
	return "blocked by " + w.blockers[0].id
}
