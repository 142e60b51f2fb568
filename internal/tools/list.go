package tools

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	ticket *document.Ticket
	key    key
}

// hits are the tickets that pass the filters.
type hits struct {
	page   []hit // the first ones behind the cursor, in order
	behind int   // how many are behind the cursor
	any    bool  // whether there are any, before it or behind it
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
	found, err := c.hits(v, in, after, func(problem row) {
		if in.Cursor == "" {
			a.problem(problem)
		}
	})
	if err != nil {
		return nil, err
	}
	if !found.any && in.Query != "" {
		a.Nearest = newQuery(in.Query).nearest(v)
	}
	budget := rowBudget(in.Limit)
	for _, h := range found.page {
		r := c.listRow(v, *h.ticket)
		if budget -= r.size(); budget < 0 && len(a.Tickets) > 0 {
			break
		}
		a.Tickets = append(a.Tickets, r)
	}
	if err := v.InTime(); err != nil {
		return nil, err // what was not looked at in time is not malformed
	}
	a.Message = counted(len(a.Tickets), "ticket")
	if a.More = found.behind - len(a.Tickets); a.More > 0 {
		a.Message += fmt.Sprintf(", +%d more", a.More)
		a.NextCursor = encodeCursor(in.Sort, found.page[len(a.Tickets)-1].key)
	}
	return a, nil
}

// hits finds the tickets that pass the filters. Each file that cannot be read is a problem, and
// hides no other. Of a large board few are kept: the order of all would cost more than the rest.
func (c *call) hits(v *ticketfs.Snapshot, in listIn, after key,
	problem func(row)) (found hits, err error) {
	words := newQuery(in.Query)
	ids := v.IDs()
	scores, err := words.scores(v, ids, in.matches)
	if err != nil {
		return hits{}, err
	}
	waiting := waitingFor(v)
	limit := cmp.Or(in.Limit, defaultLimit)
	for i, id := range ids {
		t, err := v.Get(id)
		if err != nil {
			if ticketfs.CodeOf(err) != ticketfs.NotFound { // removed since it was listed
				problem(row{ID: id, Reason: oneLine(reasonOf(err), 120)})
			}
			continue
		}
		if !in.matches(t) || in.Blocked != nil && *in.Blocked != waiting.blocked(t) {
			continue
		}
		if in.Mine != nil && *in.Mine != (t.Status == document.StatusInProgress &&
			c.holder(t).Life == session.Mine) {
			continue
		}
		score := 0
		if len(words) > 0 {
			if score = int(scores[i]); score == 0 {
				continue
			}
		}
		found.any = true
		h := hit{key: in.key(t, score)}
		if in.Cursor != "" && h.key.compare(after) <= 0 {
			continue
		}
		found.behind++
		at, _ := slices.BinarySearchFunc(found.page, h.key,
			func(h hit, k key) int { return h.key.compare(k) })
		if at == limit {
			continue
		}
		kept := t
		h.ticket = &kept
		if len(found.page) == limit {
			found.page = found.page[:limit-1]
		}
		found.page = slices.Insert(found.page, at, h)
	}
	return found, nil
}

// reasonOf is why a file cannot be read, without the next step.
func reasonOf(err error) string {
	var refusal *ticketfs.Refusal
	if errors.As(err, &refusal) {
		return refusal.Why
	}
	return err.Error()
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

// key is the place of a ticket in an order; no two tickets have the same.
type key struct {
	first, created int64
	id             string
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.first, other.first), cmp.Compare(k.created, other.created),
		strings.Compare(k.id, other.id))
}

func (in listIn) key(t document.Ticket, score int) key {
	const year0 = 1 << 37 // in seconds before 1970; so far ahead no file is dated
	k := key{created: year0 + t.Created.Unix(), id: t.ID}
	switch in.Sort {
	case sortNewest:
		k.created = year0 - t.Created.Unix()
	case sortPriority:
		k.first = int64(t.Priority)
	case sortBest:
		k.first = 1<<20 - 1 - int64(score)
	}
	return k
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
func encodeCursor(sort string, k key) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "after:%s:%05x%010x %s", sort,
		k.first, k.created, k.id))
}

func decodeCursor(sort, cursor string) (after key, err error) {
	if cursor == "" {
		return key{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	place, ours := strings.CutPrefix(string(text), "after:"+sort+":")
	if err == nil && ours {
		after, err = readKey(place)
	}
	if err != nil || !ours {
		return key{}, ticketfs.Refuse(ticketfs.Invalid,
			"repeat the call with next_cursor of its answer and the same arguments, or leave it out",
			"unknown cursor %.60q", cursor)
	}
	return after, nil
}

// readKey reads what encodeCursor has written.
func readKey(text string) (k key, err error) {
	numbers, id, found := strings.Cut(text, " ")
	if !found || len(numbers) != 15 || id == "" {
		return k, errors.New("no key")
	}
	k.id = id
	if k.first, err = strconv.ParseInt(numbers[:5], 16, 64); err == nil {
		k.created, err = strconv.ParseInt(numbers[5:], 16, 64)
	}
	return k, err
}
