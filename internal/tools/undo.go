package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// UndoWish says what shall be undone: one row of the journal, or all that somebody did since a
// moment.
type UndoWish struct {
	Row       string
	By, Since string
	Do        bool // without it nothing is written
}

// UndoAnswer is what was undone, ticket by ticket, or would be.
type UndoAnswer struct {
	DryRun  bool           `json:"dry_run"`
	Tickets []undoneTicket `json:"tickets"`
	Refused int            `json:"refused"`
	Message string         `json:"message"`
	place
}

// undoneTicket is a ticket whose rows were all undone, or none.
type undoneTicket struct {
	ID     string   `json:"id"`
	Title  string   `json:"title,omitempty"`
	Rows   []string `json:"rows"`              // newest first
	Change string   `json:"change,omitempty"`  // what becomes of it
	Reason string   `json:"refused,omitempty"` // why nothing was undone
}

func (a UndoAnswer) Text() string {
	lines := []string{a.Message}
	for _, t := range a.Tickets {
		line := shortTitle(t.ID, t.Title)
		if t.Reason != "" {
			line += ": not undone: " + t.Reason
		} else {
			line += ": " + t.Change
		}
		lines = append(lines, line+" ["+strings.Join(t.Rows, ", ")+"]")
	}
	return joinLines(append(lines, a.place.Text())...)
}

func shortTitle(id, title string) string {
	if title == "" {
		return id
	}
	return id + " (" + title + ")"
}

// Undo brings former texts back: of each ticket only if it still is what the rows to be undone made
// it, and the rules between tickets allow it. Several tickets are changed one by one, the one
// changed last first.
func (b *Board) Undo(ctx context.Context, wish UndoWish) (UndoAnswer, error) {
	c := b.newCall("undo")
	c.attend(ctx)
	folder, err := c.open()
	if err == nil {
		err = folder.Fresh()
	}
	if err != nil {
		return UndoAnswer{}, err
	}
	pick, tickets, err := c.undoable(folder.Journal(), wish)
	if err != nil {
		return UndoAnswer{}, err
	}
	a := UndoAnswer{DryRun: !wish.Do, Tickets: []undoneTicket{}, place: c.place(nil)}
	rows := 0
	for _, id := range tickets {
		u := undo{call: c, id: id, pick: pick}
		short, err := u.run(ctx, wish.Do)
		if ticketfs.CodeOf(err) == "" && err != nil {
			return a, fmt.Errorf("undo on %s: %w", id, err)
		}
		if short != nil {
			a.place = c.place(short)
		}
		if err != nil {
			u.result.Reason = oneLine(err.Error(), 500)
			a.Refused++
		} else {
			rows += len(u.result.Rows)
		}
		a.Tickets = append(a.Tickets, u.result)
	}
	a.Message = undoMessage(wish.Do, rows, len(tickets)-a.Refused, a.Refused)
	if len(tickets) == 0 {
		a.Message, err = c.nothingBy(folder.Journal(), wish.By, wish.Since)
	}
	return a, err
}

func undoMessage(did bool, rows, tickets, refused int) string {
	message := fmt.Sprintf("undid %s of %s", counted(rows, "row"), counted(tickets, "ticket"))
	if !did {
		message = fmt.Sprintf("would undo %s of %s; nothing was written", counted(rows, "row"),
			counted(tickets, "ticket"))
		if tickets > 0 {
			message += ", --yes does it"
		}
	}
	if refused > 0 {
		message += fmt.Sprintf("; %s cannot be undone", counted(refused, "ticket"))
	}
	return message
}

// undoable finds the tickets that have rows to undo, the one changed last first, and tells these
// rows from others.
func (c *call) undoable(j journal.Journal,
	wish UndoWish) (pick func(journal.Row) bool, tickets []string, err error) {
	if wish.Row != "" {
		id, name, err := journal.ParseID(wish.Row)
		if err != nil || !document.ValidID(id) {
			return nil, nil, ticketfs.Refuse(ticketfs.Invalid, "see history",
				"%q is no row: one reads TICKET:CALL", wish.Row)
		}
		pick = func(r journal.Row) bool { return r.Call == name }
		found := false
		err = j.Ticket(id, false,
			func(r journal.Row) bool { found = !r.IsOutside() && pick(r); return !found })
		if err == nil && !found {
			err = ticketfs.Refuse(ticketfs.NotFound, "see history of "+id, "no row %s", wish.Row)
		}
		return pick, []string{id}, err
	}
	since, err := journal.ParseSince(wish.Since, c.Now())
	if err != nil {
		return nil, nil, ticketfs.Refuse(ticketfs.Invalid, "give a time, or how long ago",
			"since: %v", err)
	}
	by := actorName(wish.By)
	pick = func(r journal.Row) bool { return journal.ByActor(by, r.Actor) && !r.Time.Before(since.Time()) }
	last := make(map[string]time.Time)
	unread, err := j.Each(since.Time(), func(r journal.Row) {
		if !r.IsOutside() && pick(r) {
			if _, seen := last[r.Ticket]; !seen {
				tickets = append(tickets, r.Ticket)
			}
			last[r.Ticket] = r.Time
		}
	})
	if len(unread) > 0 {
		return nil, nil, fmt.Errorf("read the journals of %s", someOf(unread))
	}
	slices.SortStableFunc(tickets, func(x, y string) int { return last[y].Compare(last[x]) })
	return pick, tickets, err
}

// undo is the undoing of rows of one ticket.
type undo struct {
	*call
	id     string
	pick   func(journal.Row) bool
	result undoneTicket
}

// run undoes the rows, or says what that would do. short is what the change is short of.
func (u *undo) run(ctx context.Context, do bool) (short, err error) {
	u.result = undoneTicket{ID: u.id, Rows: []string{}}
	var rows []journal.Row
	err = u.folder.Journal().Ticket(u.id, true, func(r journal.Row) bool {
		if !u.pick(r) {
			r.Former = nil // it can be large
		}
		rows = append(rows, r)
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(rows) {
		if !r.IsOutside() && u.pick(r) {
			u.result.Rows = append(u.result.Rows, r.ID())
		}
	}
	if !do {
		content, err := u.folder.Text(u.id)
		if err != nil {
			return nil, err
		}
		v, err := u.folder.Snapshot()
		if err == nil {
			_, err = u.former(rows, content, v)
		}
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, u.Store.LockTimeout)
	defer cancel()
	cause := u.cause("", "undo of "+strings.Join(u.result.Rows, ", "))
	changed, err := u.folder.ReplaceText(ctx, u.id, cause,
		func(content []byte, v ticketfs.View) ([]byte, error) {
			return u.former(rows, content, v)
		})
	return changed.Short, err
}

// former is the text that the ticket gets, if it may. A claim is never given back: a ticket that
// was in progress comes back as open, unless the same claim still stands; one that was created is
// closed as dropped.
func (u *undo) former(rows []journal.Row, content []byte, v ticketfs.View) ([]byte, error) {
	undone, err := journal.Undo(rows, content, u.pick)
	var later *journal.LaterError
	if errors.As(err, &later) {
		return nil, ticketfs.Refuse(ticketfs.WrongStatus,
			"undo that first, or change the ticket yourself", "%v", later)
	}
	if err != nil {
		return nil, ticketfs.Refuse(ticketfs.WrongStatus, "change the ticket yourself", "%v", err)
	}
	if undone == nil {
		return nil, ticketfs.Refuse(ticketfs.NoChange, "see history of "+u.id,
			"there is nothing to undo on %s", u.id)
	}
	target, err := document.Parse(u.id, undone.Content)
	if err != nil {
		return nil, ticketfs.Refuse(ticketfs.BadFile, "change the ticket yourself",
			"the former text of %s is no ticket: %v", u.id, err)
	}
	// one that is malformed now has no claim that could be lost
	now, _ := document.Parse(u.id, content)
	var was document.Ticket
	if now != nil {
		was = now.Ticket()
	}
	edits := u.edits(undone.Created, was, target.Ticket())
	if target, err = target.Apply(edits...); err != nil {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "change the ticket yourself", "%s: %v", u.id,
			err)
	}
	if err := u.allowed(v, was, target.Ticket()); err != nil {
		return nil, err
	}
	u.result.Title = oneLine(was.Title, 60)
	u.result.Change = changeText(now, target)
	return target.Bytes(), nil
}

// edits are what the former text must not bring back as it was.
func (u *undo) edits(created bool, was, t document.Ticket) []document.Edit {
	noClaim := []document.Edit{document.Remove("claimed-by"), document.Remove("claimed-at")}
	switch {
	case created:
		return append(noClaim, document.Set("status", string(document.StatusClosed)),
			document.Set("closed", stamp(u.Now())),
			document.Set("resolution", "dropped"))
	case t.Status != document.StatusInProgress:
	case was.Status == t.Status && was.ClaimedBy == t.ClaimedBy && was.ClaimedAt.Equal(t.ClaimedAt):
	default:
		return append(noClaim, document.Set("status", string(document.StatusOpen)))
	}
	return nil
}

// allowed judges the ticket as it will be by the rules that the tools have for such a change.
func (u *undo) allowed(v ticketfs.View, was, t document.Ticket) error {
	if was.Status == document.StatusInProgress &&
		(t.Status != was.Status || t.ClaimedBy != was.ClaimedBy) {
		if err := u.mayFinish(u.caller(""), was, "undo"); err != nil {
			return err
		}
	}
	if t.Status == document.StatusClosed {
		if was.Status == t.Status {
			return nil
		}
		return childrenClosed(v, t.ID)
	}
	if err := parentNotClosed(v, t.ID, t.Parent); err != nil {
		return err
	}
	if was.Status == document.StatusClosed || was.Parent != t.Parent ||
		!slices.Equal(was.BlockedBy, t.BlockedBy) {
		return inNoCycle(v, t, "undoing this on "+t.ID)
	}
	return nil
}

// changeText says in a line what differs.
func changeText(was, t *document.Document) string {
	var row journal.Row
	for _, change := range t.Changes(was) {
		if change.Key != "claimed-at" && change.Key != "closed" {
			f := journal.Field(change)
			if f.Old == "" && f.New != "" {
				f.Old = "none" // what comes back, and not what is undone
			}
			row.Fields = append(row.Fields, f)
		}
	}
	if text := deedOf(row).Changed; text != "" {
		return text
	}
	return "as it was"
}
