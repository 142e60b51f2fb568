package page

import (
	"cmp"
	"slices"
	"time"
)

// Column is where a ticket stands on the board. Every ticket that can be read stands in exactly
// one.
type Column int

const (
	Ready Column = iota
	InProgress
	Waiting
	OnHold
	DoneToday
	Done // closed before today: counted, found by the search, not shown as a card
)

// Columns are the columns that are shown, from left to right.
var Columns = []Column{Ready, InProgress, Waiting, OnHold, DoneToday}

var columnNames = map[Column]string{
	Ready: "Ready", InProgress: "In progress", Waiting: "Waiting", OnHold: "On hold", DoneToday: "Done today", Done: "Done",
}

var columnKeys = map[Column]string{
	Ready: "ready", InProgress: "progress", Waiting: "waiting", OnHold: "hold", DoneToday: "today", Done: "done",
}

// String is the column's name as people read it.
func (c Column) String() string { return columnNames[c] }

// Key names the column in markup and in a search (column:waiting).
func (c Column) Key() string { return columnKeys[c] }

// Life is what is known of a holder.
type Life string

const (
	Alive   Life = "alive"
	Dead    Life = "dead"
	Person  Life = "person" // keeps a ticket until it is given back
	Unknown Life = "unknown"
)

// Holder is who has started a ticket.
type Holder struct {
	Name  string // without the session's key
	Life  Life
	Since time.Time // zero if the file does not say
}

// Wait is one thing that a ticket waits for.
type Wait struct {
	ID      string
	State   string // open, in progress, missing, malformed
	Start   bool   // it is an ancestor, which is to be started first
	Through string // the ancestor whose blocker it is; "" for one of the ticket's own
}

// Ticket is a ticket as the board shows it.
type Ticket struct {
	ID, Title, Type, Assignee, Parent string
	Tags                              []string
	Priority                          int
	Column                            Column
	Waits                             []Wait
	// of a started ticket, and of one that a dead holder left
	Holder                            *Holder
	Hold                              string // why it is on hold, and for whom
	HoldUntil                         time.Time
	Created, Closed                   time.Time
	CloseReason, Resolution, ClosedBy string
	Blockers                          []string // ids, closed ones too
	Children, ChildrenClosed          int
}

// Broken is a file of the board that is no readable ticket.
type Broken struct{ ID, Why string }

// Change is a row of the board's history.
type Change struct {
	At       time.Time
	Who      string
	What     string // "closed", "took over from builder", ...
	ID       string
	Title    string
	Detail   string // a note's text, a reason
	IsPerson bool
}

// Text is what is read of a ticket only when it is looked at.
type Text struct {
	Body      string
	Notes     []string // first lines, oldest first
	Boxes     int
	BoxesDone int
}

// Board is all tickets at one moment.
type Board struct {
	Name    string // of the repository
	Dir     string
	At      time.Time
	Tickets []Ticket
	Broken  []Broken
	Changes []Change // the last ones, newest first

	links links
}

// links is who names whom: made once, by prepare.
type links struct {
	byID     map[string]*Ticket
	blockers map[string][]string // of a ticket: what it lists, or the parent it waits for
	blocks   map[string][]string
	children map[string][]string
}

// Ticket finds a ticket by its id.
func (b *Board) Ticket(id string) (Ticket, bool) {
	if t := b.links.byID[id]; t != nil {
		return *t, true
	}
	return Ticket{}, false
}

// prepare puts the tickets in the order of their ids, and relates them. Everything else needs it.
func (b *Board) prepare() *Board {
	slices.SortFunc(b.Tickets, func(x, y Ticket) int { return cmp.Compare(x.ID, y.ID) })
	l := links{
		byID: make(map[string]*Ticket, len(b.Tickets)), blockers: make(map[string][]string),
		blocks: make(map[string][]string), children: make(map[string][]string),
	}
	for i := range b.Tickets {
		t := &b.Tickets[i]
		l.byID[t.ID] = t
		for _, id := range t.waitsOn() {
			l.blockers[t.ID] = append(l.blockers[t.ID], id)
			l.blocks[id] = append(l.blocks[id], t.ID)
		}
		if t.Parent != "" {
			l.children[t.Parent] = append(l.children[t.Parent], t.ID)
		}
	}
	b.links = l
	return b
}

// waitsOn are the tickets that t waits for by itself, each once: its blockers, and its parent while
// that is not started.
func (t *Ticket) waitsOn() []string {
	var ids []string
	for _, id := range t.Blockers {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, w := range t.Waits {
		if w.Start && w.ID == t.Parent && !slices.Contains(ids, w.ID) {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// inColumn are a column's tickets in the order in which a reader wants them: what is next first; of
// what is done the latest.
func (b *Board) inColumn(c Column) []*Ticket {
	var list []*Ticket
	for i := range b.Tickets {
		if t := &b.Tickets[i]; t.Column == c {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(x, y *Ticket) int {
		if c.closed() {
			return cmp.Or(y.Closed.Compare(x.Closed), cmp.Compare(x.ID, y.ID))
		}
		if c == OnHold {
			// What waits for a person before what waits for a date.
			return cmp.Or(x.HoldUntil.Compare(y.HoldUntil), x.Created.Compare(y.Created),
				cmp.Compare(x.ID, y.ID))
		}
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), x.Created.Compare(y.Created),
			cmp.Compare(x.ID, y.ID))
	})
	return list
}

// counts are the numbers of tickets in each column.
func (b *Board) counts() map[Column]int {
	n := make(map[Column]int)
	for _, t := range b.Tickets {
		n[t.Column]++
	}
	return n
}
