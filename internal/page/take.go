package page

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// Taker takes pictures of a board of tickets. Its methods may be called by any number of
// goroutines.
type Taker struct {
	Tickets *tools.Board // nobody else asks it
	Now     func() time.Time

	mu    sync.Mutex
	told  []tools.Standing // by the last picture
	taken time.Time
}

// NewTaker is for looking only: the board takes part in no conversation.
func NewTaker(b *tools.Board) *Taker {
	b.Now = time.Now
	b.Session = session.NewVisitor("", b.Now)
	return &Taker{Tickets: b, Now: b.Now}
}

const (
	// maxRows is how many rows of the journal a picture has.
	maxRows = 60
	// rest is how long Wait leaves a board that never rests to itself. Asking whether something
	// changed costs a look at each file's stamp on a small board, at a queue of events on a large one.
	rest = 200 * time.Millisecond
	// restAtMost is after what time a picture is taken in any case: a date may have come, a day may
	// have ended.
	restAtMost = 30 * time.Second
)

// Board takes a picture of the board as it is now.
func (k *Taker) Board() (*Board, error) {
	folder, err := k.Tickets.Store.Open()
	if err != nil {
		return nil, err
	}
	dir := folder.Dir()
	standings, err := k.Tickets.Standings(context.Background())
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	k.told, k.taken = standings, time.Now()
	k.mu.Unlock()
	b := &Board{Name: filepath.Base(filepath.Dir(dir)), Dir: dir, At: k.Now()}
	year, month, day := b.At.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, b.At.Location())
	children := make(map[string][2]int)
	for _, s := range standings {
		if s.Fault != "" {
			b.Broken = append(b.Broken, Broken{s.Ticket.ID, s.Fault})
			continue
		}
		if p := s.Ticket.Parent; p != "" {
			n := children[p]
			n[0]++
			if s.Ticket.Status == document.StatusClosed {
				n[1]++
			}
			children[p] = n
		}
		b.Tickets = append(b.Tickets, ticketOf(s, b.At, today))
	}
	for i := range b.Tickets {
		t := &b.Tickets[i]
		t.Children, t.ChildrenClosed = children[t.ID][0], children[t.ID][1]
	}
	b.prepare()
	b.Changes = b.lastChanges()
	b.nameClosers()
	return b, nil
}

// nameClosers fills in, from the last changes, who closed a ticket whose file does not say.
func (b *Board) nameClosers() {
	who := make(map[string]string)
	for _, c := range b.Changes {
		if _, known := who[c.ID]; !known && c.What == done["close"] {
			who[c.ID] = c.Who
		}
	}
	for i := range b.Tickets {
		if t := &b.Tickets[i]; t.ClosedBy == "" && t.Column.closed() {
			t.ClosedBy = who[t.ID]
		}
	}
}

// ticketOf is a ticket as the board shows it.
func ticketOf(s tools.Standing, now, today time.Time) Ticket {
	t := s.Ticket
	shown := Ticket{
		ID: t.ID, Title: t.Title, Type: t.Type, Assignee: t.Assignee, Parent: t.Parent,
		Priority: t.Priority, Tags: t.Tags, Hold: t.Hold, HoldUntil: t.HoldUntil,
		Created: t.Created, Closed: t.Closed, CloseReason: t.CloseReason,
		Resolution: t.Resolution, ClosedBy: nameOf(t.ClosedBy),
	}
	for _, blocker := range t.BlockedBy {
		shown.Blockers = append(shown.Blockers, blocker.ID)
	}
	for _, w := range s.Waits {
		wait := Wait{ID: w.ID, State: strings.ReplaceAll(w.State, "_", " "), Through: w.Through,
			Start: w.Start}
		shown.Waits = append(shown.Waits, wait)
	}
	if t.Status == document.StatusInProgress {
		shown.Holder = &Holder{Name: nameOf(t.ClaimedBy), Life: Life(s.Holder.Life),
			Since: t.ClaimedAt}
		if s.Holder.Person() {
			shown.Holder.Life = Person
		}
		if s.Holder.Life == session.Mine {
			shown.Holder.Life = Alive
		}
	}
	held := t.Hold != "" && (t.HoldUntil.IsZero() || now.Before(t.HoldUntil))
	switch {
	case t.Status == document.StatusClosed && !t.Closed.Before(today):
		shown.Column = DoneToday
	case t.Status == document.StatusClosed:
		shown.Column = Done
	case t.Status == document.StatusInProgress &&
		(s.Holder.Life != session.Dead || s.Grace > 0 || held || len(s.Waits) > 0):
		shown.Column = InProgress
	case held:
		shown.Column = OnHold
	case len(s.Waits) > 0:
		shown.Column = Waiting
	default:
		shown.Column = Ready // also what a dead holder left
	}
	return shown
}

// lastChanges are the last rows of the journal, newest first. A board without a readable journal
// has none.
func (b *Board) lastChanges() []Change {
	page, err := journal.Of(b.Dir).History(journal.Query{Limit: maxRows})
	if err != nil {
		return nil
	}
	return b.changes(page.Rows)
}

// ticketChanges are those of one ticket.
func (b *Board) ticketChanges(id string) []Change {
	if b.Dir == "" {
		return nil
	}
	rows, err := journal.Of(b.Dir).Last(id, maxRelated)
	if err != nil {
		return nil
	}
	return b.changes(rows)
}

func (b *Board) changes(rows []journal.Row) []Change {
	var list []Change
	for i := len(rows) - 1; i >= 0; i-- {
		list = append(list, b.change(rows[i]))
	}
	return list
}

// done says what a tool's call did.
var done = map[string]string{
	"create": "filed", "start": "started", "close": "closed", "release": "gave back", "reopen": "reopened", "note": "noted on",
	"update": "changed", "block": "blocked", "unblock": "unblocked", "plan": "planned", "answer": "answered", "edit": "edited",
	"repair": "repaired",
}

func (b *Board) change(r journal.Row) Change {
	c := Change{
		At: r.Time, Who: nameOf(r.Actor), IsPerson: session.ParseClaim(r.Actor).Person(),
		ID: r.Ticket, Detail: r.Reason,
		What: cmp.Or(done[r.Tool], r.Tool),
	}
	if t, found := b.Ticket(r.Ticket); found {
		c.Title = t.Title
	}
	if r.IsOutside() {
		c.Who, c.IsPerson, c.What = "an editor or git", false, "changed"
	}
	if r.Tool == "start" && r.From == string(document.StatusInProgress) {
		c.What = "took over"
	}
	if c.Detail == "" {
		c.Detail = fieldsChanged(r)
	}
	return c
}

// nameOf is who signed so, as people read it.
func nameOf(claim string) string {
	c := session.ParseClaim(claim)
	if c.Person() {
		return strings.ReplaceAll(c.Name, "-", " ")
	}
	return cmp.Or(c.Name, claim)
}

// fieldsChanged says in words which fields a row gave another value, but for those that its verb
// says.
func fieldsChanged(r journal.Row) string {
	var parts []string
	for _, f := range r.Fields {
		switch f.Key {
		case "status", "claimed-at", "closed", "created", "id", "schema_version":
		case "claimed-by":
			if r.Tool == "start" && f.Old != "" && f.Old != f.New {
				parts = append(parts, "from "+nameOf(f.Old))
			}
		default:
			if r.From != "" { // the fields of a new ticket are no change
				parts = append(parts, fmt.Sprintf("%s: %s → %s", f.Key, cmp.Or(f.Old, "none"),
					cmp.Or(f.New, "none")))
			}
		}
	}
	return strings.Join(parts, ", ")
}

// box is a line of a body with a box to tick.
var box = regexp.MustCompile(`(?m)^\s*[-*+] \[([ xX])\] `)

// noteHead is what stands before the text of a note: when and who.
var noteHead = regexp.MustCompile(`^[0-9T:Z.+-]{10,35} [^ :]+: `)

// Text reads the text of a ticket as it is now.
func (k *Taker) Text(id string) (Text, error) {
	folder, err := k.Tickets.Store.Open()
	if err != nil {
		return Text{}, err
	}
	d, err := folder.Get(id)
	if err != nil {
		return Text{}, err
	}
	text := Text{Body: d.Body()}
	for _, note := range d.Notes() {
		text.Notes = append(text.Notes, noteHead.ReplaceAllString(note, ""))
	}
	for _, m := range box.FindAllStringSubmatch(text.Body, -1) {
		text.Boxes++
		if m[1] != " " {
			text.BoxesDone++
		}
	}
	return text, nil
}

// Find returns the ids of the tickets that have all words of a query, in their texts too, best
// first: as the tool list finds them.
func (k *Taker) Find(ctx context.Context, query string) ([]string, error) {
	const most = 100
	arguments, err := json.Marshal(map[string]any{"query": query, "limit": most})
	if err != nil {
		return nil, err
	}
	answer, err := k.Tickets.Call(ctx, "list", arguments)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var list struct{ Tickets []struct{ ID string } }
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	ids := []string{}
	for _, t := range list.Tickets {
		ids = append(ids, t.ID)
	}
	return ids, nil
}

// graceEnd is the first moment before latest at which a dead holder's ticket is no longer kept for
// it.
func graceEnd(told []tools.Standing, taken, latest time.Time) time.Time {
	for _, s := range told {
		if end := taken.Add(s.Grace); s.Grace > 0 && end.Before(latest) {
			latest = end
		}
	}
	return latest
}

// Wait returns when something may have changed since the last picture; false when ctx is done. It
// registers for what happens, then looks, then sleeps until something did.
func (k *Taker) Wait(ctx context.Context) bool {
	watch := k.Tickets.Store.Watch()
	defer watch.Close()
	began := time.Now()
	for looked := began; time.Since(began) < restAtMost; looked = time.Now() {
		if !sleep(ctx, time.Until(looked.Add(rest))) {
			return false
		}
		k.mu.Lock()
		told, taken := k.told, k.taken
		k.mu.Unlock()
		if watch.Arm() != nil {
			return true // what cannot be looked at now, a picture will tell
		}
		if changed, err := k.Tickets.Changed(ctx, told); changed || err != nil {
			return true
		}
		if watch.Wait(ctx, graceEnd(told, taken, began.Add(restAtMost))) != nil &&
			ctx.Err() != nil {
			return false
		}
	}
	return true
}
