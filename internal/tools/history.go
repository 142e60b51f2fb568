package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

type historyIn struct {
	ID    *string `json:"id"`
	Since string  `json:"since"`
	By    string  `json:"by"`
	Limit int     `json:"limit"`
}

// historyAnswer is a page of what was done, oldest first.
type historyAnswer struct {
	Rows    []deed   `json:"rows"`
	More    int      `json:"more,omitempty"` // later ones, where since was given: page on with next
	Next    string   `json:"next,omitempty"` // as since: what comes behind these rows
	Unread  []string `json:"unread,omitempty"`
	Message string   `json:"message"`
	place
}

// deed is a row of the journal in an answer. Row names it to undo; one that another program made
// has no name.
type deed struct {
	Row     string `json:"row,omitempty"`
	Time    string `json:"time"`
	ID      string `json:"id"`
	Tool    string `json:"tool"`
	By      string `json:"by,omitempty"`
	Client  string `json:"client,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Changed string `json:"changed,omitempty"` // the fields with their values, the sections by name
	Reason  string `json:"reason,omitempty"`
}

const (
	maxDeedReason  = 200
	maxDeedChanged = 200
	maxDeedValue   = 40
)

func deedOf(r journal.Row) deed {
	var changed []string
	for _, f := range r.Fields {
		text := oneLine(f.Key, maxDeedValue)
		switch {
		case f.Old != "" && f.New != "":
			text += " " + oneLine(f.Old, maxDeedValue) + " -> " + oneLine(f.New, maxDeedValue)
		case f.New != "":
			text += " " + oneLine(f.New, maxDeedValue)
		case f.Old != "":
			text += " no longer " + oneLine(f.Old, maxDeedValue)
		}
		changed = append(changed, text)
	}
	if r.IsOutside() {
		r.Reason = "another program wrote it, or a process died"
		if r.After == "" {
			r.Reason = "the file was removed"
		}
	}
	if r.From == r.To {
		r.From, r.To = "", ""
	}
	return deed{
		Row: r.ID(), Time: stamp(r.Time), ID: r.Ticket, Tool: oneLine(cmp.Or(r.Tool, "write"),
			maxDeedValue),
		By: oneLine(r.Actor, maxTitle), Client: oneLine(r.Client,
			maxDeedValue), From: r.From, To: r.To,
		Changed: oneLine(strings.Join(changed, ", "), maxDeedChanged), Reason: oneLine(r.Reason,
			maxDeedReason),
	}
}

// line is, for example: 2026-01-04T05:30:01Z d5czj08 close by planner@5f3a9c21d0e4: in_progress -> closed; "done"
func (d deed) line() string {
	words := []string{d.Time, d.ID, d.Tool}
	if d.By != "" {
		words = append(words, "by", d.By)
	}
	if d.Client != "" {
		words = append(words, "with", d.Client)
	}
	var what []string
	switch {
	case d.From != "" && d.To != "":
		what = append(what, d.From+" -> "+d.To)
	case d.From != "": // what it is now cannot be read
		what = append(what, "was "+d.From)
	case d.To != "" && d.Tool == journal.Outside:
		what = append(what, "now "+d.To)
	}
	for _, text := range []string{d.Changed, d.Reason} {
		if text != "" {
			what = append(what, text)
		}
	}
	line := strings.Join(words, " ")
	if len(what) > 0 {
		line += ": " + strings.Join(what, "; ")
	}
	if d.Row != "" {
		line += " [" + d.Row + "]"
	}
	return line
}

// size is about what a deed takes, as text or in JSON, whichever is longer.
func (d deed) size() int {
	const names = 100 // of the fields, quoted
	return len(d.line()) + names
}

func (a historyAnswer) Text() string {
	lines := []string{a.Message}
	for _, d := range a.Rows {
		lines = append(lines, d.line())
	}
	if a.Next != "" {
		lines = append(lines, "what comes next: since "+a.Next)
	}
	if len(a.Unread) > 0 {
		lines = append(lines, "the journal could not be read of: "+strings.Join(a.Unread, ", "))
	}
	return joinLines(append(lines, a.place.Text())...)
}

// JSONLines are the rows, which on the command line are one JSON object each.
func (a historyAnswer) JSONLines() []any {
	lines := make([]any, len(a.Rows))
	for i, d := range a.Rows {
		lines[i] = d
	}
	return lines
}

// history tells what was done to one ticket or to all.
func (c *call) history(_ context.Context, in historyIn) (Answer, error) {
	q := journal.Query{By: actorName(in.By), Limit: cmp.Or(in.Limit, defaultLimit)}
	if in.ID != nil {
		if q.Ticket = *in.ID; !document.ValidID(q.Ticket) {
			return nil, invalidID("id", q.Ticket)
		}
	}
	if in.Since != "" {
		since, err := journal.ParseSince(in.Since, c.Now())
		if err != nil {
			return nil, ticketfs.Refuse(ticketfs.Invalid,
				"give a time, how long ago, or next of an answer", "since: %v", err)
		}
		q.Since = since
	}
	folder, err := c.open()
	if err == nil {
		err = folder.Fresh()
	}
	if err != nil {
		return nil, err
	}
	page, err := fittingPage(folder.Journal(), q, rowBudget(in.Limit))
	if err != nil {
		return nil, err
	}
	if q.Ticket != "" && len(page.Rows) == 0 {
		if err := folder.Exists(q.Ticket); err != nil {
			return nil, err
		}
	}
	a := historyAnswer{Rows: []deed{}, More: page.Later, Next: page.Next.String(),
		place: c.place(nil)}
	for _, r := range page.Rows {
		a.Rows = append(a.Rows, deedOf(asItIs(folder, r)))
	}
	const most = 10
	a.Unread = page.Unread[:min(len(page.Unread), most)]
	a.Message = counted(len(a.Rows), "row")
	switch {
	case len(a.Rows) == 0 && in.By != "" && in.ID == nil && !q.Since.IsCursor():
		a.Message, err = c.nothingBy(folder.Journal(), in.By, in.Since)
		return a, err
	case page.Earlier:
		a.Message += ", and earlier ones"
	case page.Later > 0:
		a.Message += fmt.Sprintf(", +%d more", page.Later)
	}
	return a, nil
}

// asItIs completes a row that another program left behind all others: what the ticket became, the
// ticket says.
func asItIs(folder *ticketfs.Folder, r journal.Row) journal.Row {
	if !r.IsOutside() || r.To != "" || r.After == "" {
		return r
	}
	if d, err := folder.Get(r.Ticket); err == nil && journal.HashOf(d.Bytes()) == r.After {
		r.To = string(d.Ticket().Status)
	}
	return r
}

// nothingBy says that a name did nothing since a moment, and who did something.
func (c *call) nothingBy(j journal.Journal, name, moment string) (string, error) {
	var since journal.Since
	if moment != "" {
		var err error
		if since, err = journal.ParseSince(moment, c.Now()); err != nil {
			return "", err
		}
	}
	var names []string
	if _, err := j.Each(since.Time(), func(r journal.Row) {
		actor, _, _ := strings.Cut(oneLine(r.Actor, maxTitle), "@")
		if actor != "" && !slices.Contains(names, actor) {
			names = append(names, actor)
		}
	}); err != nil {
		return "", err
	}
	message := fmt.Sprintf("0 rows: %s did nothing", oneLine(name, maxTitle))
	if moment != "" {
		message += " since " + oneLine(moment, maxTitle)
	}
	if len(names) == 0 {
		return message + ", and nobody else", nil
	}
	slices.Sort(names)
	return message + "; these did something: " + someOf(names), nil
}

// actorName is a name as rows have it: a whole claim, or a person's or agent's own name, of which a
// claim holds no blanks.
func actorName(name string) string {
	if name == "" || strings.Contains(name, "@") {
		return name
	}
	return session.AgentName(name)
}

// fittingPage is a page whose rows take no more bytes than they may, but for one.
func fittingPage(j journal.Journal, q journal.Query, budget int) (journal.Page, error) {
	for {
		page, err := j.History(q)
		if err != nil {
			return page, err
		}
		size, fit := 0, 0
		for _, r := range page.Rows {
			if size += deedOf(r).size(); size <= budget {
				fit++
			}
		}
		if fit == len(page.Rows) || q.Limit == 1 {
			return page, nil
		}
		q.Limit = max(1, fit)
	}
}

// recentRows is how many rows show and start end with.
const recentRows = 5

// recent are the last rows of a ticket, one line each, without those of the call that asks.
func (c *call) recent(id string, content []byte) ([]string, error) {
	rows, err := c.folder.Journal().LastUntil(id, recentRows+1, content)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, r := range rows {
		if r.Call == c.id {
			continue
		}
		d := deedOf(r)
		d.Row, d.Client, d.Reason = "", "", oneLine(d.Reason, maxTitle)
		if r.Before == "" {
			d.Changed = "" // it is as the ticket was made
		}
		lines = append(lines, strings.Replace(d.line(), " "+id+" ", " ", 1))
	}
	return lines[max(0, len(lines)-recentRows):], nil
}
