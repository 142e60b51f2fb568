package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

type showIn struct {
	ID     string `json:"id"`
	Offset int    `json:"offset"`
}

// show reads one ticket from its file, whole.
func (c *call) show(_ context.Context, in showIn) (Answer, error) {
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	d, broken, err := folder.Look(in.ID)
	if err != nil {
		return nil, err
	}
	if broken != nil {
		return c.brokenAnswer(d, broken, in.Offset)
	}
	return c.ticketAnswer(ticketfs.Changed{Document: d}, in.Offset)
}

// brokenAnswer is what is wrong with a malformed ticket, and its whole file as it stands.
func (c *call) brokenAnswer(d *document.Document, broken *ticketfs.Refusal,
	offset int) (Answer, error) {
	t := d.Ticket()
	a := ticketAnswer{ID: t.ID, Title: oneLine(t.Title, maxTitle), Status: malformed,
		Message: oneLine(broken.Error(), 2000), place: c.place(nil)}
	err := a.cut(strings.ToValidUTF8(string(d.Bytes()), "\uFFFD"), offset)
	return a, err
}

// ticketAnswer is a ticket with all that is known of it.
type ticketAnswer struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Status      string   `json:"status"`
	Type        string   `json:"type,omitempty"`
	Priority    *int     `json:"priority,omitempty"`
	Assignee    string   `json:"assignee,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Created     string   `json:"created,omitempty"`
	Closed      string   `json:"closed,omitempty"`
	ClosedBy    string   `json:"closed_by,omitempty"`
	Resolution  string   `json:"resolution,omitempty"`
	CloseReason string   `json:"close_reason,omitempty"`
	Evidence    []string `json:"evidence,omitempty"`
	Hold        string   `json:"hold,omitempty"`
	HoldUntil   string   `json:"hold_until,omitempty"`
	HoldOver    bool     `json:"hold_over,omitempty"` // the date has come: it keeps nobody any more
	ClaimedBy   string   `json:"claimed_by,omitempty"`
	ClaimedAt   string   `json:"claimed_at,omitempty"`
	Holder      string   `json:"holder,omitempty"`      // mine, alive, dead, unknown; or a person
	LastCalled  string   `json:"last_called,omitempty"` // when a call of a living holder last came
	HolderPID   int      `json:"holder_pid,omitempty"`  // and to which process
	Parent      *row     `json:"parent,omitempty"`
	BlockedBy   []row    `json:"blocked_by,omitempty"`
	Children    []row    `json:"children,omitempty"`
	Blocks      []row    `json:"blocks,omitempty"`
	Unseen      string   `json:"unseen,omitempty"` // relations that could not be read
	Message     string   `json:"message,omitempty"`
	// AlreadyYours says that a start changed nothing.
	AlreadyYours bool `json:"already_yours,omitempty"`
	place
	Body       string `json:"body"`
	NextOffset int    `json:"next_offset,omitempty"`
	// History are the last things done to it before, at the end where the body is read from its
	// start.
	History []string `json:"history,omitempty"`
}

// maxAnswer is how long the text of an answer gets, in bytes: some clients cut what is longer,
// without a word.
const maxAnswer = 32 << 10

// maxRelated is how many blockers, children and blocked tickets one answer names.
const maxRelated = 20

// maxUnreadable is how many files it names that may be children and cannot be read.
const maxUnreadable = 3

func (a ticketAnswer) Text() string {
	lines := []string{a.Message}
	lines = append(lines, row{ID: a.ID, Status: a.Status, Priority: a.Priority, Type: a.Type,
		Title: a.Title, Assignee: a.Assignee, Tags: a.Tags}.line())
	hold, until := "on hold", "on hold until: "
	if a.HoldOver {
		hold, until = "no longer on hold", "it was until: "
	}
	for _, l := range []struct{ label, value string }{
		{hold + ": ", a.Hold}, {until, a.HoldUntil},
		{"held by: ", a.ClaimedBy}, {"held since: ", a.ClaimedAt}, {"holder: ",
			a.Holder}, {"last called: ", a.LastCalled},
		{"created: ", a.Created}, {"closed: ", a.Closed}, {"closed by: ",
			a.ClosedBy}, {"resolution: ", a.Resolution}, {"close reason: ", a.CloseReason},
	} {
		if l.value != "" {
			lines = append(lines, l.label+l.value)
		}
	}
	for _, text := range a.Evidence {
		lines = append(lines, "evidence: "+text)
	}
	if a.HolderPID != 0 {
		lines = append(lines, fmt.Sprintf("holder's pid: %d", a.HolderPID))
	}
	if a.Parent != nil {
		lines = append(lines, "parent: "+a.Parent.line())
	}
	for _, l := range []struct {
		label string
		rows  []row
	}{{"blocked by: ", a.BlockedBy}, {"child: ", a.Children}, {"blocks: ", a.Blocks}} {
		for _, r := range l.rows {
			lines = append(lines, l.label+r.line())
		}
	}
	text := joinLines(append(lines, a.Unseen, a.place.Text())...) + "\n\n" + a.Body
	if len(a.History) > 0 {
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += "\nhistory:\n" + strings.Join(a.History, "\n")
	}
	if a.NextOffset > 0 {
		text += fmt.Sprintf("\n… cut here; show with offset %d reads on", a.NextOffset)
	}
	return text
}

// ticketAnswer describes a ticket, as a change left it if there was one, from offset of its body
// on.
func (c *call) ticketAnswer(changed ticketfs.Changed, offset int) (ticketAnswer, error) {
	d, message := changed.Document, changed.Decision.Message
	t := d.Ticket()
	a := ticketAnswer{
		ID: t.ID, Title: oneLine(t.Title, maxTitle), Status: string(t.Status), Type: oneLine(t.Type,
			40), Priority: &t.Priority,
		Assignee: oneLine(t.Assignee,
			maxTitle), Tags: shownTags(t), CloseReason: oneLine(t.CloseReason, 2000),
		ClosedBy: oneLine(t.ClosedBy, maxTitle), Resolution: oneLine(t.Resolution,
			40), Evidence: oneLines(t.Evidence, 500), Message: message, place: c.place(changed.Short),
	}
	a.Created, a.Closed = oneLine(t.When("created"), maxTitle), oneLine(t.When("closed"), maxTitle)
	a.Hold, a.HoldUntil = oneLine(t.Hold, 500), oneLine(t.When("hold-until"), maxTitle)
	a.HoldOver = a.Hold != "" && !onHold(t, c.Now())
	if t.Status == document.StatusInProgress {
		h := c.holder(t)
		a.ClaimedBy, a.Holder = oneLine(t.ClaimedBy, maxTitle), string(h.Life)
		if h.Person() && h.Life != session.Mine {
			a.Holder = "a person"
		}
		if h.Life == session.Alive {
			a.HolderPID = h.PID
			if !h.LastCalled.IsZero() {
				a.LastCalled = stamp(h.LastCalled)
			}
		}
		a.ClaimedAt = oneLine(t.When("claimed-at"), maxTitle)
	}
	if err := c.relate(&a, t); err != nil {
		if message == "" {
			return a, err
		}
		// The change is made; that its surroundings could not be read must not look like a failed
		// change.
		a.Unseen = "related tickets could not be read: " + oneLine(err.Error(), 200)
	}
	if offset == 0 {
		var err error
		if a.History, err = c.recent(t.ID, d.Bytes()); err != nil {
			a.Unseen = joinLines(a.Unseen, "its history could not be read: "+oneLine(err.Error(),
				200))
		}
	}
	return a, a.cut(d.Body(), offset)
}

// relate fills in the tickets around t.
func (c *call) relate(a *ticketAnswer, t document.Ticket) error {
	v, err := c.snapshot()
	if err != nil {
		return err
	}
	if t.Parent != "" {
		parent, err := related(v, t.Parent, "")
		if err != nil {
			return err
		}
		a.Parent = &parent
	}
	var blockers []row
	for _, blocker := range t.BlockedBy {
		r, err := related(v, blocker.ID, blocker.Reason)
		if err != nil {
			return err
		}
		blockers = append(blockers, r)
	}
	// Those that are still to be closed first: they are what the reader can act on.
	slices.SortStableFunc(blockers, func(x, y row) int { return closedLast(x) - closedLast(y) })
	children, unreadable, err := v.Children(t.ID)
	if err != nil {
		return err
	}
	blocks, err := v.Blocks(t.ID)
	if err != nil {
		return err
	}
	var unseen []string
	a.BlockedBy, unseen = firstRows(blockers, "blockers", unseen)
	a.Children, unseen = firstRows(shortRows(children), "children: see list with parent "+t.ID,
		unseen)
	a.Blocks, unseen = firstRows(shortRows(blocks), "tickets that this one blocks", unseen)
	for i, r := range unreadable {
		if i == maxUnreadable {
			unseen = append(unseen, fmt.Sprintf("+%d more that cannot be read: see repair",
				len(unreadable)-i))
			break
		}
		unseen = append(unseen, "may be a child: "+oneLine(r.Why, 200))
	}
	if ignored := ignoredKeys(t); ignored != "" {
		unseen = append(unseen, ignored)
	}
	a.Unseen = strings.Join(unseen, "\n")
	return nil
}

// ignoredKeys names the keys of a ticket that look as if they said something, "" when there is
// none.
func ignoredKeys(t document.Ticket) string {
	const most = 10
	var keys []string
	for i, key := range t.Lookalikes {
		if i == most {
			keys = append(keys, fmt.Sprintf("+%d more", len(t.Lookalikes)-most))
			break
		}
		text := oneLine(key, 40)
		if meant := document.Meant(key); meant != "" {
			text += " (here it is " + meant + ")"
		}
		keys = append(keys, text)
	}
	if len(keys) == 0 {
		return ""
	}
	return "keys without a meaning, which are ignored: " + strings.Join(keys, ", ")
}

func firstRows(rows []row, what string, unseen []string) ([]row, []string) {
	if more := len(rows) - maxRelated; more > 0 {
		return rows[:maxRelated], append(unseen, fmt.Sprintf("+%d more %s", more, what))
	}
	return rows, unseen
}

func closedLast(r row) int {
	if r.Status == string(document.StatusClosed) {
		return 1
	}
	return 0
}

// related is the line of a ticket that another one names, also when its file is missing or
// malformed.
func related(v ticketfs.View, id, reason string) (row, error) {
	t, err := v.Get(id)
	r := shortRow(t)
	if err != nil {
		r = row{ID: id}
		if r.Status, _, err = stateOf(v, id); err != nil {
			r.Status, err = oneLine(err.Error(), 200), nil
		}
	}
	r.Reason = oneLine(reason, maxTitle)
	return r, err
}

// cut puts the body from offset on into the answer, as much as fits.
func (a *ticketAnswer) cut(body string, offset int) error {
	if offset > len(body) {
		return ticketfs.Refuse(ticketfs.Invalid, "leave offset out to begin at the start",
			"offset %d is behind the end of the body, which has %d bytes", offset, len(body))
	}
	for offset > 0 && offset < len(body) && !utf8.RuneStart(body[offset]) {
		offset--
	}
	rest := body[offset:]
	const marker = 100
	end := min(len(rest), max(maxAnswer-len(a.Text())-marker, 1024))
	for end < len(rest) && !utf8.RuneStart(rest[end]) {
		end--
	}
	a.Body = rest[:end]
	if end < len(rest) {
		a.NextOffset = offset + end
	}
	return nil
}
