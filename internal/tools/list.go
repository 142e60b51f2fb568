package tools

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

type listIn struct {
	Status   string  `json:"status"`
	Type     string  `json:"type"`
	Priority *int    `json:"priority"`
	Parent   *string `json:"parent"`
	Assignee string  `json:"assignee"`
	Tag      string  `json:"tag"`
	Blocked  *bool   `json:"blocked"`
	Mine     *bool   `json:"mine"`
	Query    string  `json:"query"`
	Sort     string  `json:"sort"`
	Limit    int     `json:"limit"`
	Cursor   string  `json:"cursor"`
}

// listAnswer is a page of tickets, one row each.
type listAnswer struct {
	readyAnswer
	NextCursor string `json:"next_cursor,omitempty"`
	Nearest    []row  `json:"nearest,omitempty"` // to a query that nothing matches
}

func (a listAnswer) Text() string {
	text := a.readyAnswer.Text()
	for _, r := range a.Nearest {
		text += "\nnearest: " + r.line()
	}
	if a.NextCursor != "" {
		text += "\nnext page: cursor " + a.NextCursor
	}
	return text
}

// hit is a ticket that a list has, and its place in the order.
type hit struct {
	ticket document.Ticket
	key    string
}

// list filters, searches and sorts tickets.
func (c *call) list(_ context.Context, in listIn) (Answer, error) {
	in.Sort = cmp.Or(in.Sort, in.defaultSort())
	after, err := decodeCursor(in.Sort, in.Cursor)
	if err != nil {
		return nil, err
	}
	if _, err := parentFilter(in.Parent); err != nil {
		return nil, err
	}
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	a := listAnswer{readyAnswer: readyAnswer{Tickets: []row{}, place: c.place(nil)}}
	hits := c.hits(v, in, func(problem row) {
		if after == "" {
			a.problem(problem)
		}
	})
	if len(hits) == 0 && in.Query != "" {
		a.Nearest = newQuery(in.Query).nearest(v)
	}
	start, found := slices.BinarySearchFunc(hits, after,
		func(h hit, key string) int { return cmp.Compare(h.key, key) })
	if found {
		start++
	}
	page := hits[start:]
	budget := rowBudget(in.Limit)
	for _, h := range page[:min(cmp.Or(in.Limit, defaultLimit), len(page))] {
		r := c.listRow(v, h.ticket)
		if budget -= r.size(); budget < 0 && len(a.Tickets) > 0 {
			break
		}
		a.Tickets = append(a.Tickets, r)
	}
	a.Message = counted(len(a.Tickets), "ticket")
	if a.More = len(page) - len(a.Tickets); a.More > 0 {
		a.Message += fmt.Sprintf(", +%d more", a.More)
		a.NextCursor = encodeCursor(in.Sort, page[len(a.Tickets)-1].key)
	}
	return a, nil
}

// hits are the tickets that pass the filters, in order. Each file that cannot be read is a problem,
// and hides no other.
func (c *call) hits(v *ticketfs.Snapshot, in listIn, problem func(row)) []hit {
	words := newQuery(in.Query)
	waiting := waitingFor(v)
	var hits []hit
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		var refusal *ticketfs.Refusal
		switch {
		case ticketfs.CodeOf(err) == ticketfs.NotFound: // removed since it was listed
			continue
		case err != nil:
			why := err.Error()
			if errors.As(err, &refusal) {
				why = refusal.Why
			}
			problem(row{ID: id, Reason: oneLine(why, 120)})
			continue
		}
		if !in.matches(t) || in.Blocked != nil && *in.Blocked != waiting.blocked(t) {
			continue
		}
		if in.Mine != nil && *in.Mine != (t.Status == document.StatusInProgress &&
			c.holder(t).Life == session.Mine) {
			continue
		}
		score, found := words.score(t, func() string { return v.Body(id) })
		if found == len(words) {
			hits = append(hits, hit{t, in.key(t, score)})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Compare(a.key, b.key) })
	return hits
}

func (in listIn) matches(t document.Ticket) bool {
	return (in.Status == "" || string(t.Status) == in.Status) &&
		(in.Type == "" || t.Type == in.Type) &&
		(in.Priority == nil || t.Priority == *in.Priority) &&
		(in.Parent == nil || t.Parent == *in.Parent) &&
		(in.Tag == "" || hasTag(t.Tags, in.Tag)) &&
		(in.Assignee == "" || fold(t.Assignee) == fold(in.Assignee))
}

// The orders of a list. Each is finished by the order of creation.
const (
	sortCreated  = "created" // oldest first
	sortNewest   = "newest"
	sortPriority = "priority"
	sortBest     = "best" // how well it matches the query
)

func (in listIn) defaultSort() string {
	if in.Query != "" {
		return sortBest
	}
	return sortCreated
}

// key is a text that sorts as the ticket does; no two tickets have the same.
func (in listIn) key(t document.Ticket, score int) string {
	const year0 = 1 << 37 // in seconds before 1970; so far ahead no file is dated
	created := year0 + t.Created.Unix()
	first := 0
	switch in.Sort {
	case sortNewest:
		created = year0 - t.Created.Unix()
	case sortPriority:
		first = t.Priority
	case sortBest:
		first = 1<<20 - 1 - score
	}
	return fmt.Sprintf("%05x%010x %s", first, created, t.ID)
}

// waiting remembers, for one snapshot, below which tickets everything waits for a blocker.
type waiting struct {
	v     ticketfs.View
	known map[string]bool
}

func waitingFor(v ticketfs.View) waiting { return waiting{v, map[string]bool{}} }

// blocked reports whether a ticket that is not closed waits for a blocker, its own or that of an
// ancestor.
func (w waiting) blocked(t document.Ticket) bool {
	return t.Status != document.StatusClosed && w.waits(t)
}

// waits goes up the lineage without recursion: it may be thousands long, and a loop when a hand
// made it.
func (w waiting) waits(t document.Ticket) bool {
	var lineage []string
	waits := false
	for {
		known, seen := w.known[t.ID]
		if seen {
			waits = known
			break
		}
		lineage = append(lineage, t.ID)
		w.known[t.ID] = false // until it is known: a loop ends here
		if openBlockers(w.v, t) > 0 {
			waits = true
			break
		}
		parent, err := w.v.Get(t.Parent)
		if t.Parent == "" || err != nil {
			break
		}
		t = parent
	}
	for _, id := range lineage {
		w.known[id] = waits
	}
	return waits
}

// openBlockers is how many of a ticket's own blockers are not closed; what is missing or malformed
// is not.
func openBlockers(v ticketfs.View, t document.Ticket) int {
	n := 0
	for _, b := range t.BlockedBy {
		if blocker, err := v.Get(b.ID); err != nil || blocker.Status != document.StatusClosed {
			n++
		}
	}
	return n
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// listRow counts blockers and children, and names the holder of a started ticket, whether it is
// dead, and when it last called.
func (c *call) listRow(v *ticketfs.Snapshot, t document.Ticket) row {
	r := ticketRow(t)
	if t.Status != document.StatusClosed {
		r.WaitsFor = openBlockers(v, t)
	}
	children, _ := v.Dependents(t.ID)
	r.Children = len(children)
	for _, id := range children {
		if child, err := v.Get(id); err == nil && child.Status != document.StatusClosed {
			r.OpenChildren++
		}
	}
	if t.Status != document.StatusInProgress {
		return r
	}
	h := c.holder(t)
	switch {
	case t.ClaimedBy == "":
		r.Holder = "an unnamed holder"
	case h.Person() && h.Life != session.Mine:
		r.Holder = h.Name + ", a person"
	default:
		r.Holder = oneLine(t.ClaimedBy, maxTitle) + ", " + string(h.Life)
		if h.Life == session.Alive {
			r.Holder += c.lastCalled(h)
		}
	}
	return r
}

// A cursor is the order and the place in it of the last ticket of the page before, so that tickets
// which come and go do not shift the next page. It is encoded so that nobody takes it for something
// to compose.
func encodeCursor(sort, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + sort + ":" + key))
}

func decodeCursor(sort, cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	after, found := strings.CutPrefix(string(text), "after:"+sort+":")
	if err != nil || !found || after == "" {
		return "", ticketfs.Refuse(ticketfs.Invalid,
			"repeat the call with next_cursor of its answer and the same arguments, or leave it out",
			"unknown cursor %.60q", cursor)
	}
	return after, nil
}
