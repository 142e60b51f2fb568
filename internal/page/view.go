package page

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"
	"time"
)

const (
	maxCards    = 30 // in a column
	maxNeeds    = 4  // questions to people above the board
	maxBroken   = 3
	maxRelated  = 20 // tickets in one list of a ticket's view
	maxChanges  = 200
	maxNote     = 140
	maxTags     = 4
	maxMeta     = 40 // of a type, a name, a tag
	maxWaits    = 3
	maxTagsSeen = 20
)

// boardView is the part of the page that follows the board, ready for its template.
type boardView struct {
	Name       string
	Version    string
	At         time.Time
	Summary    string
	Counts     []countView
	Needs      []cardView
	MoreNeeds  int
	Needed     int // questions to people, all of them
	Broken     []Broken
	MoreBroken int
	Columns    []columnView
	Graph      graph
	Changes    []Change
	HasHistory bool
}

type countView struct {
	Key, Name string
	N         int
}

type columnView struct {
	Key, Name string
	N         int
	Cards     []cardView
	More      int
	Empty     string
}

// cardView is one ticket in a column: bounded, cleaned, with what its column wants to know of it.
type cardView struct {
	ID, Title, Type, Assignee string
	Priority                  int
	Column                    string
	Tags                      []string
	MoreTags                  int
	Waits                     []Wait
	WaitsFor                  []waitView // the same for the page
	MoreWaits                 int
	Holder                    string
	Life                      Life
	Since                     time.Time
	Note                      string
	Boxes, BoxesDone          int
	Children, ChildrenClosed  int
	Hold                      string
	HoldUntil                 time.Time
	Closed                    time.Time
	Age                       string // since the start, or the close
	Reason, Resolution        string
}

// Percent is how much of a ticket is done, by its boxes, else by its children.
func (c cardView) Percent() int {
	switch {
	case c.Boxes > 0:
		return 100 * c.BoxesDone / c.Boxes
	case c.Children > 0:
		return 100 * c.ChildrenClosed / c.Children
	}
	return 0
}

// Progress says the same in words, "" where there is nothing to count.
func (c cardView) Progress() string {
	switch {
	case c.Boxes > 0:
		return fmt.Sprintf("%d of %s done", c.BoxesDone, plural(c.Boxes, "box", "boxes"))
	case c.Children > 0:
		return fmt.Sprintf("%d of %s closed", c.ChildrenClosed,
			plural(c.Children, "child", "children"))
	}
	return ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

var emptyColumns = map[Column]string{
	Ready: "Nothing can be started now.", InProgress: "Nobody works on anything.", Waiting: "Nothing waits.",
	OnHold: "Nothing waits for a person.", DoneToday: "Nothing was finished today yet.",
}

// view makes what the page shows of a board. text reads a ticket's text; it is asked only for
// tickets that get a card.
func (b *Board) view(version string, text func(id string) (Text, error)) boardView {
	v := boardView{Name: line(b.Name, maxTitle), Version: version, At: b.At, Graph: b.boardGraph()}
	counts := b.counts()
	for _, c := range Columns {
		list := b.inColumn(c)
		column := columnView{Key: c.Key(), Name: c.String(), N: len(list), Empty: emptyColumns[c]}
		for i, t := range list {
			if i == maxCards {
				column.More = len(list) - maxCards
				break
			}
			column.Cards = append(column.Cards, b.card(t, text))
		}
		v.Columns = append(v.Columns, column)
		v.Counts = append(v.Counts, countView{c.Key(), c.String(), counts[c]})
		if c == OnHold {
			v.Needs, v.MoreNeeds = needs(column.Cards, len(list))
			for _, t := range list {
				if t.HoldUntil.IsZero() {
					v.Needed++
				}
			}
		}
	}
	v.Summary = b.summary()
	for i, broken := range b.Broken {
		if i == maxBroken {
			v.MoreBroken = len(b.Broken) - maxBroken
			break
		}
		v.Broken = append(v.Broken, Broken{line(broken.ID, maxMeta), line(broken.Why, maxTitle)})
	}
	for i, c := range b.Changes {
		if i == maxChanges {
			break
		}
		v.Changes = append(v.Changes, c.shown())
	}
	return v
}

// needs are the questions that no date answers.
func needs(cards []cardView, all int) (list []cardView, more int) {
	for _, c := range cards {
		if c.HoldUntil.IsZero() {
			list = append(list, c)
		}
	}
	if len(list) > maxNeeds {
		return list[:maxNeeds], len(list) - maxNeeds + all - len(cards)
	}
	return list, all - len(cards)
}

// summary says in a line who works.
func (b *Board) summary() string {
	workers := make(map[string]bool)
	dead := 0
	for _, t := range b.Tickets {
		if t.Holder == nil {
			continue
		}
		if t.Holder.Life == Dead {
			dead++
		} else if t.Column == InProgress {
			workers[t.Holder.Name] = true
		}
	}
	text := "nobody is working"
	if len(workers) > 0 {
		text = number(len(workers)) + " working"
	}
	if dead > 0 {
		text += fmt.Sprintf(", %d abandoned", dead)
	}
	return text
}

func (c Change) shown() Change {
	c.Who, c.What, c.ID = line(c.Who, maxMeta), line(c.What, maxTitle), line(c.ID, 64)
	c.Title, c.Detail = line(c.Title, maxTitle), line(c.Detail, maxNote)
	return c
}

func (b *Board) card(t *Ticket, text func(id string) (Text, error)) cardView {
	c := cardView{
		ID: t.ID, Title: cmp.Or(line(t.Title, maxTitle), "(no title)"), Type: line(t.Type, maxMeta),
		Assignee: line(t.Assignee,
			maxMeta), Priority: t.Priority, Column: t.Column.Key(), Waits: t.Waits,
		Hold: line(t.Hold, maxNote), HoldUntil: t.HoldUntil,
		Closed: t.Closed, Reason: line(t.CloseReason, maxNote), Resolution: line(t.Resolution,
			maxMeta),
		Children: t.Children, ChildrenClosed: t.ChildrenClosed,
	}
	for i, tag := range t.Tags {
		if i == maxTags {
			c.MoreTags = len(t.Tags) - maxTags
			break
		}
		c.Tags = append(c.Tags, line(tag, maxMeta))
	}
	if len(c.Waits) > maxWaits {
		c.Waits, c.MoreWaits = c.Waits[:maxWaits], len(c.Waits)-maxWaits
	}
	for _, w := range c.Waits {
		c.WaitsFor = append(c.WaitsFor, b.waitView(w))
	}
	if t.Holder != nil {
		c.Holder, c.Life, c.Since = cmp.Or(line(t.Holder.Name, maxMeta),
			"somebody"), t.Holder.Life, t.Holder.Since
	}
	if t.Column.closed() {
		c.Holder = cmp.Or(line(t.ClosedBy, maxMeta), c.Holder)
		c.Age = age(b.At.Sub(t.Closed))
	} else if !c.Since.IsZero() {
		c.Age = age(b.At.Sub(c.Since))
	}
	if text == nil {
		return c
	}
	if more, err := text(t.ID); err == nil { // a card says what is known
		c.Boxes, c.BoxesDone = more.Boxes, more.BoxesDone
		if n := len(more.Notes); n > 0 {
			c.Note = line(more.Notes[n-1], maxNote)
		}
	}
	return c
}

// waitView is what a ticket waits for: a title, where that stands, and who is at it.
type waitView struct{ Title, Key, Note string }

func (b *Board) waitView(w Wait) waitView {
	r := b.related(w.ID)
	v := waitView{Title: r.Title, Key: r.Key, Note: strings.ToLower(r.State)}
	t, found := b.Ticket(w.ID)
	switch {
	case !found:
		v.Title, v.Note = line(w.ID, 64), line(w.State, maxTitle)
	case w.Start:
		v.Note = "to be started"
	case t.Column == InProgress && t.Holder != nil:
		v.Note = line(t.Holder.Name, maxMeta)
	}
	if w.Through != "" {
		v.Note += ", through " + b.related(w.Through).Title
	}
	return v
}

// ticketView is a ticket with all that is known of it.
type ticketView struct {
	cardView
	Body      template.HTML
	Created   time.Time
	Parent    []relatedView
	BlockedBy []relatedView
	Blocks    []relatedView
	Kids      []relatedView
	Left      string // what the lists leave out
	Graph     graph
	History   []Change
	Malformed string
}

type relatedView struct{ ID, Title, State, Key string }

// ticketView makes the view of one ticket; found is false when there is no such ticket.
func (b *Board) ticketView(id string,
	text func(id string) (Text, error)) (v ticketView, found bool) {
	t, found := b.links.byID[id]
	if !found {
		for _, broken := range b.Broken {
			if broken.ID == id {
				return ticketView{cardView: cardView{ID: id, Title: "Not a ticket"},
					Malformed: line(broken.Why, 2000)}, true
			}
		}
		return v, false
	}
	v.cardView = b.card(t, text)
	v.Created, v.Waits, v.MoreWaits = t.Created, nil, 0
	v.Tags, v.MoreTags = nil, max(0, len(t.Tags)-maxTagsSeen)
	for _, tag := range t.Tags[:min(len(t.Tags), maxTagsSeen)] {
		v.Tags = append(v.Tags, line(tag, maxMeta))
	}
	v.Reason = line(t.CloseReason, 2000)
	v.Hold = line(t.Hold, 2000)
	more, err := text(id)
	if err != nil {
		v.Malformed = line(err.Error(), 2000)
	}
	v.Body = markdown(withoutTitle(more.Body))
	for _, c := range b.ticketChanges(id) {
		v.History = append(v.History, c.shown())
	}
	var left []string
	related := func(ids []string, what string) []relatedView {
		if n := len(ids) - maxRelated; n > 0 {
			left = append(left, "+"+counted(n, "more "+what))
			ids = ids[:maxRelated]
		}
		var list []relatedView
		for _, id := range ids {
			list = append(list, b.related(id))
		}
		return list
	}
	if t.Parent != "" {
		v.Parent = related([]string{t.Parent}, "")
	}
	blocks, children := b.links.blocks[id], b.links.children[id]
	v.BlockedBy = related(t.Blockers, "blocker")
	v.Blocks = related(blocks, "ticket that waits for it")
	v.Kids = related(children, "child")
	v.Left = strings.Join(left, ", ")
	if len(t.waitsOn()) > 0 || len(blocks) > 0 {
		v.Graph = b.focusGraph(id)
	}
	return v, true
}

func (b *Board) related(id string) relatedView {
	t, found := b.Ticket(id)
	if !found {
		return relatedView{ID: line(id, 64), Title: "missing", State: "missing", Key: "missing"}
	}
	return relatedView{t.ID, cmp.Or(line(t.Title, maxTitle), "(no title)"), t.Column.String(),
		t.Column.Key()}
}

// withoutTitle leaves the first heading out of a body: it stands above it.
func withoutTitle(body string) string {
	trimmed := strings.TrimLeft(body, "\r\n")
	if !strings.HasPrefix(trimmed, "# ") {
		return body
	}
	_, rest, _ := strings.Cut(trimmed, "\n")
	return rest
}

// indexRow is what the search of the page looks through: id, title, column, priority, and
// everything else in one text.
type indexRow [5]string

// index is the search's list of all tickets.
func (b *Board) index() []indexRow {
	rows := make([]indexRow, 0, len(b.Tickets))
	for _, t := range b.Tickets {
		more := []string{line(t.Type, maxMeta), line(t.Assignee, maxMeta)}
		for _, tag := range t.Tags[:min(len(t.Tags), maxTagsSeen)] {
			more = append(more, line(tag, maxMeta))
		}
		if t.Holder != nil {
			more = append(more, line(t.Holder.Name, maxMeta))
		}
		if t.Hold != "" {
			more = append(more, line(t.Hold, maxNote))
		}
		rows = append(rows, indexRow{t.ID, line(t.Title, maxTitle), t.Column.Key(),
			fmt.Sprint(t.Priority), strings.Join(more, " ")})
	}
	return rows
}
