package page

import (
	"encoding/json"
	"io"
	"time"
)

// The board and the graph as JSON have all tickets that a picture has a place for, also those that
// it only counts.

type jsonBoard struct {
	Board   string       `json:"board"`
	At      time.Time    `json:"at"`
	Columns []jsonColumn `json:"columns"`
	Done    int          `json:"done_before"` // tickets closed before today
	Broken  []jsonBroken `json:"malformed"`
}

type jsonColumn struct {
	Name    string       `json:"name"` // ready, progress, waiting, hold, today
	Tickets []jsonTicket `json:"tickets"`
}

type jsonTicket struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Type      string     `json:"type,omitempty"`
	Priority  int        `json:"priority"`
	Assignee  string     `json:"assignee,omitempty"`
	Parent    string     `json:"parent,omitempty"`
	Tags      []string   `json:"tags,omitempty"`
	Holder    string     `json:"holder,omitempty"`
	Life      Life       `json:"life,omitempty"` // of the holder: alive, dead, person, unknown
	Since     *time.Time `json:"since,omitempty"`
	WaitsFor  []jsonWait `json:"waits_for,omitempty"`
	Hold      string     `json:"hold,omitempty"`
	HoldUntil *time.Time `json:"hold_until,omitempty"`
	Closed    *time.Time `json:"closed,omitempty"`
	ClosedBy  string     `json:"closed_by,omitempty"`
}

type jsonWait struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

type jsonBroken struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

type jsonGraph struct {
	Tickets []jsonNode `json:"tickets"`
	Edges   []jsonEdge `json:"edges"`
}

type jsonNode struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Column string `json:"column"` // as in a board; done for what was closed before today; missing
}

// jsonEdge says that To waits for From.
type jsonEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// WriteJSON writes the board as one JSON object.
func (b *Board) WriteJSON(w io.Writer) error {
	out := jsonBoard{Board: b.Dir, At: b.At.UTC(), Done: b.counts()[Done], Broken: []jsonBroken{}}
	for _, c := range Columns {
		column := jsonColumn{Name: c.Key(), Tickets: []jsonTicket{}}
		for _, t := range b.inColumn(c) {
			column.Tickets = append(column.Tickets, t.json())
		}
		out.Columns = append(out.Columns, column)
	}
	for _, broken := range b.Broken {
		out.Broken = append(out.Broken, jsonBroken(broken))
	}
	return encode(w, out)
}

func (t *Ticket) json() jsonTicket {
	out := jsonTicket{
		ID: t.ID, Title: t.Title, Type: t.Type, Priority: t.Priority, Assignee: t.Assignee,
		Parent: t.Parent, Tags: t.Tags,
		Hold: t.Hold, HoldUntil: moment(t.HoldUntil), Closed: moment(t.Closed), ClosedBy: t.ClosedBy,
	}
	if t.Holder != nil {
		out.Holder, out.Life, out.Since = t.Holder.Name, t.Holder.Life, moment(t.Holder.Since)
	}
	for _, wait := range t.Waits {
		out.WaitsFor = append(out.WaitsFor, jsonWait{wait.ID, wait.State})
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// WriteGraphJSON writes who waits for whom, of the whole board or of all that is connected with one
// ticket, as one JSON object.
func (b *Board) WriteGraphJSON(w io.Writer, id string) error {
	out := jsonGraph{Tickets: []jsonNode{}, Edges: []jsonEdge{}}
	drawn := make(map[string]bool)
	ids := b.drawn(id)
	for _, id := range ids {
		drawn[id] = true
		node := jsonNode{ID: id, Column: "missing"}
		if t, found := b.Ticket(id); found {
			node.Title, node.Column = t.Title, t.Column.Key()
		}
		out.Tickets = append(out.Tickets, node)
	}
	for _, id := range ids {
		for _, blocker := range b.links.blockers[id] {
			if drawn[blocker] {
				out.Edges = append(out.Edges, jsonEdge{blocker, id})
			}
		}
	}
	return encode(w, out)
}

func encode(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
