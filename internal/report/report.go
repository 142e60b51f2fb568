// Package report tells what happened on a board since a moment: what waits for a person, what is
// abandoned or stuck, what was done, what is new, and what each agent did.
//
// Promised: it is computed from the journal's rows and the tickets alone, and its numbers add up:
// for each status, what there was then, plus what came and less what went by the rows, is what
// there is now. A ticket whose rows do not lead to what it is now is named, and so is one that
// another program changed.
//
// Not promised: that rows and tickets are of one moment. A change made between the two looks is a
// ticket that does not add up.
package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

const (
	open       = "open"
	inProgress = "in_progress"
	closed     = "closed"
	malformed  = "malformed" // a text that is no ticket
	none       = "none"      // before a ticket is created, and once its file is removed
)

// Malformed is the status of a ticket whose file cannot be read.
const Malformed = malformed

// Ticket is a ticket as it is now.
type Ticket struct {
	ID, Title  string
	Status     string
	Holder     string    // as the claim names it
	Dead       bool      // the holder was, and its process is no more
	Created    time.Time // as the file says; zero if it does not
	Changed    time.Time // when it last was, as far as is known
	Hold       string    // which person it waits for, and why; "" for none
	LastNote   string
	Resolution string
	Evidence   bool
}

// Item is a ticket in a list of the report.
type Item struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Who   string `json:"who,omitempty"`
	Since string `json:"since,omitempty"`
	Why   string `json:"why,omitempty"`

	at time.Time
}

// Agent is what one actor did.
type Agent struct {
	Name     string `json:"name"`
	Taken    int    `json:"taken"`
	Closed   int    `json:"closed"`
	Released int    `json:"released"`
	Refused  int    `json:"refused"`
	Median   string `json:"median,omitempty"` // from start to close

	times []time.Duration
}

// Report is what happened.
type Report struct {
	Since       string `json:"since"`
	Until       string `json:"until"`
	NeedsPerson []Item `json:"needs_person"` // on hold, oldest first
	Abandoned   []Item `json:"abandoned"`    // held by somebody dead, with the last note
	Stuck       []Item `json:"stuck"`        // in progress, and unchanged for longer than is usual
	// the median from start to close, ten minutes at least; an hour where nothing was closed
	Usual    string  `json:"usual"`
	Done     []Item  `json:"done"`
	Evidence int     `json:"done_with_evidence"`
	Dropped  []Item  `json:"dropped"` // closed as dropped or as a duplicate
	New      []Item  `json:"new"`
	Agents   []Agent `json:"agents"`

	Then    map[string]int `json:"then"`  // by status
	Now     map[string]int `json:"now"`   // by status
	Moves   map[string]int `json:"moves"` // by "open -> closed"
	Outside []string       `json:"changed_outside"`
	Unclear []string       `json:"does_not_add_up"`
	Unread  []string       `json:"unreadable_journals"`
}

// Builder takes what happened, each ticket's rows in their order.
type Builder struct {
	since  time.Time
	now    time.Time
	paths  map[string]*path
	agents map[string]*Agent
	times  []time.Duration // from start to close
	Report
}

// path is how a ticket came from then to now.
type path struct {
	first, last string // statuses
	open        bool   // another program made it what it is, which the ticket itself tells
	begun       time.Time
	created     *journal.Row
	closed      *journal.Row // by which it was closed last
	hold        time.Time    // when it was last put on hold
}

// New begins the report of what happened since a moment.
func New(since, now time.Time) *Builder {
	return &Builder{
		since: since, now: now, paths: make(map[string]*path), agents: make(map[string]*Agent),
		Report: Report{
			Since: stamp(since), Until: stamp(now),
			NeedsPerson: []Item{}, Abandoned: []Item{}, Stuck: []Item{}, Done: []Item{},
			Dropped: []Item{}, New: []Item{}, Agents: []Agent{},
			Then: map[string]int{}, Now: map[string]int{}, Moves: map[string]int{},
			Outside: []string{}, Unclear: []string{}, Unread: []string{},
		},
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// leastUsual is how long a ticket may rest on any board: to work takes longer than to start and
// close.
const leastUsual = 10 * time.Minute

// Row takes a row.
func (b *Builder) Row(r journal.Row) {
	from, to := statusOf(r.From, r.Before), statusOf(r.To, r.After)
	p := b.paths[r.Ticket]
	if p == nil {
		p = &path{first: from, last: from}
		b.paths[r.Ticket] = p
	}
	if p.open {
		b.move(p, from)
	}
	if p.last != from {
		b.Unclear = append(b.Unclear, r.Ticket)
	}
	if r.IsOutside() && !slices.Contains(b.Outside, r.Ticket) {
		b.Outside = append(b.Outside, r.Ticket)
	}
	if r.IsOutside() && r.To == "" && to != none {
		p.open = true
		return
	}
	switch {
	case from != inProgress && to == inProgress:
		p.begun = r.Time
	case to == closed && from != closed:
		p.closed = &r
		if from == inProgress && !p.begun.IsZero() && !r.IsOutside() {
			a := b.agent(r.Actor)
			a.times = append(a.times, r.Time.Sub(p.begun))
			b.times = append(b.times, r.Time.Sub(p.begun))
		}
	}
	if from == none && !r.IsOutside() {
		p.created = &r
	}
	if slices.ContainsFunc(r.Fields,
		func(f journal.Field) bool { return f.Key == "hold" && f.New != "" }) {
		p.hold = r.Time
	}
	b.move(p, to)
	b.count(r, from, to)
}

// statusOf is a status in a row, where "" stands for no file or for one that is no ticket.
func statusOf(status string, hash journal.Hash) string {
	switch {
	case hash == "":
		return none
	case status == "":
		return malformed
	}
	return status
}

func (b *Builder) move(p *path, to string) {
	if p.last != to {
		b.Moves[p.last+" -> "+to]++
	}
	p.last, p.open = to, false
}

func (b *Builder) agent(name string) *Agent {
	name = cmp.Or(name, "(unnamed)")
	if b.agents[name] == nil {
		b.agents[name] = &Agent{Name: name}
	}
	return b.agents[name]
}

// count counts what a row says of its actor.
func (b *Builder) count(r journal.Row, from, to string) {
	if r.IsOutside() {
		return
	}
	a := b.agent(r.Actor)
	takenOver := slices.ContainsFunc(r.Fields,
		func(f journal.Field) bool { return f.Key == "claimed-by" && f.New != "" })
	switch {
	case to == inProgress && (from != to || takenOver):
		a.Taken++
	case to == closed && from != to:
		a.Closed++
	case from == inProgress && to == open:
		a.Released++
	}
}

// Refused takes a refusal.
func (b *Builder) Refused(r journal.Refusal) { b.agent(r.Actor).Refused++ }

// CannotRead names a ticket whose journal cannot be read.
func (b *Builder) CannotRead(id string) { b.Unread = append(b.Unread, id) }

// Finish makes the report of the tickets as they are now.
func (b *Builder) Finish(tickets []Ticket) Report {
	usual := time.Hour
	if len(b.times) > 0 {
		usual = max(median(b.times), leastUsual)
	}
	b.Usual = round(usual)
	for _, t := range tickets {
		p := b.paths[t.ID]
		if p == nil {
			p = &path{first: t.Status, last: t.Status}
		}
		delete(b.paths, t.ID)
		if p.first != none && t.Created.After(b.since) {
			// Another program made it, or a process that died before it could append the row.
			b.Moves[none+" -> "+p.first]++
			b.Outside = append(b.Outside, t.ID)
			p.first = none
		}
		b.add(t.ID, p, t.Status)
		b.waiting(t, p, usual)
		b.ended(t, p)
	}
	for id, p := range b.paths {
		b.add(id, p, none)
	}
	for _, list := range [][]Item{b.NeedsPerson, b.Abandoned, b.Stuck, b.Done, b.Dropped, b.New} {
		slices.SortStableFunc(list,
			func(x, y Item) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.ID, y.ID)) })
	}
	for _, name := range slices.Sorted(maps.Keys(b.agents)) {
		a := *b.agents[name]
		if len(a.times) > 0 {
			a.Median = round(median(a.times))
		}
		b.Agents = append(b.Agents, a)
	}
	for _, ids := range []*[]string{&b.Outside, &b.Unclear, &b.Unread} {
		slices.Sort(*ids)
		*ids = slices.Compact(*ids)
	}
	return b.Report
}

// add adds a ticket up: from what it was then, by its rows, to what it is now.
func (b *Builder) add(id string, p *path, now string) {
	if p.open {
		b.move(p, now)
	}
	if p.last != now {
		b.Unclear = append(b.Unclear, id)
	}
	if p.first != none {
		b.Then[p.first]++
	}
	if now != none {
		b.Now[now]++
	}
}

// waiting lists a ticket that waits for somebody.
func (b *Builder) waiting(t Ticket, p *path, usual time.Duration) {
	item := Item{ID: t.ID, Title: t.Title, Who: t.Holder, at: t.Changed, Since: stamp(t.Changed)}
	if t.Hold != "" && t.Status != closed {
		held := item
		held.Why = t.Hold
		if !p.hold.IsZero() {
			held.at, held.Since = p.hold, stamp(p.hold)
		}
		b.NeedsPerson = append(b.NeedsPerson, held)
	}
	switch {
	case t.Status != inProgress:
	case t.Dead:
		item.Why = t.LastNote
		b.Abandoned = append(b.Abandoned, item)
	case !t.Changed.IsZero() && b.now.Sub(t.Changed) > usual:
		item.Why = "unchanged for " + round(b.now.Sub(t.Changed))
		b.Stuck = append(b.Stuck, item)
	}
}

// ended lists a ticket that was created or closed since.
func (b *Builder) ended(t Ticket, p *path) {
	item := func(r *journal.Row, why string) Item {
		return Item{ID: t.ID, Title: t.Title, Who: r.Actor, Since: stamp(r.Time), Why: why,
			at: r.Time}
	}
	if p.created != nil {
		b.New = append(b.New, item(p.created, t.Status))
	}
	switch {
	case p.closed == nil || t.Status != closed:
	case t.Resolution == "dropped" || t.Resolution == "duplicate":
		b.Dropped = append(b.Dropped, item(p.closed, t.Resolution))
	default:
		b.Done = append(b.Done, item(p.closed, p.closed.Reason))
		if t.Evidence {
			b.Evidence++
		}
	}
}

func median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

// round is a time in a form to be read: 1h25m0s, 12m30s, 4s, 20ms.
func round(d time.Duration) string {
	unit := time.Millisecond
	switch {
	case d > time.Hour:
		unit = time.Minute
	case d > time.Second:
		unit = time.Second
	}
	return d.Round(unit).String()
}
