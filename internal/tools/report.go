package tools

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/report"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// ReportAnswer is what happened since a moment, for people.
type ReportAnswer struct {
	report.Report
	place
}

// Report tells what happened since a time, or for how long.
func (b *Board) Report(ctx context.Context, since string) (ReportAnswer, error) {
	c := b.newCall("report")
	from, err := journal.ParseSince(since, b.Now())
	if err != nil {
		return ReportAnswer{}, ticketfs.Refuse(ticketfs.Invalid, "give a time, or how long ago",
			"since: %v", err)
	}
	c.attend(ctx)
	folder, err := c.open()
	if err == nil {
		err = folder.Fresh()
	}
	if err != nil {
		return ReportAnswer{}, err
	}
	builder := report.New(from.Time(), b.Now())
	unread, err := folder.Journal().Each(from.Time(), builder.Row)
	if err != nil {
		return ReportAnswer{}, err
	}
	for _, id := range unread {
		builder.CannotRead(id)
	}
	if err := folder.Journal().Refusals(from.Time(), builder.Refused); err != nil {
		return ReportAnswer{}, err
	}
	tickets, err := c.reported()
	if err != nil {
		return ReportAnswer{}, err
	}
	return ReportAnswer{builder.Finish(tickets), c.place(nil)}, nil
}

// reported are the tickets of the board as a report wants them.
func (c *call) reported() ([]report.Ticket, error) {
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	var tickets []report.Ticket
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		switch code := ticketfs.CodeOf(err); {
		case code == ticketfs.NotFound: // removed since it was listed
			continue
		case code != "":
			tickets = append(tickets, report.Ticket{ID: id, Status: report.Malformed})
			continue
		case err != nil:
			return nil, err
		}
		of, err := c.reportedTicket(t)
		if err != nil {
			return nil, err
		}
		tickets = append(tickets, of)
	}
	return tickets, nil
}

func (c *call) reportedTicket(t document.Ticket) (report.Ticket, error) {
	of := report.Ticket{
		ID: t.ID, Title: oneLine(t.Title,
			60), Status: string(t.Status), Holder: oneLine(t.ClaimedBy, maxTitle),
		Created: t.Created, Hold: oneLine(t.Hold,
			maxTitle), Resolution: t.Resolution, Evidence: len(t.Evidence) > 0,
	}
	if t.Status == document.StatusClosed || t.Status == document.StatusOpen && t.Hold == "" {
		return of, nil
	}
	rows, err := c.folder.Journal().Last(t.ID, 1)
	if err != nil {
		return of, err
	}
	of.Changed = t.ClaimedAt
	if len(rows) > 0 {
		of.Changed = rows[0].Time
	}
	if t.Status != document.StatusInProgress {
		return of, nil
	}
	if of.Dead = c.holder(t).Life == session.Dead; of.Dead {
		d, err := c.folder.Get(t.ID)
		if err != nil {
			return of, err
		}
		if notes := d.Notes(); len(notes) > 0 {
			of.LastNote = oneLine(notes[len(notes)-1], 200)
		}
	}
	return of, nil
}

// maxReported is how many tickets each list of a report names as text; --json names all.
const maxReported = 20

// Text is the report for reading: what needs somebody first.
func (a ReportAnswer) Text() string {
	lines := []string{fmt.Sprintf("from %s to %s", a.Since, a.Until), "board: " + a.numbers()}
	for _, l := range []struct {
		title string
		items []report.Item
	}{
		{"needs a person", a.NeedsPerson}, {"abandoned, its holder is dead", a.Abandoned},
		{"stuck, unchanged for longer than the usual " + a.Usual, a.Stuck},
		{fmt.Sprintf("done, %d with evidence", a.Evidence), a.Done}, {"dropped", a.Dropped}, {"new",
			a.New},
	} {
		lines = append(lines, section(l.title, l.items)...)
	}
	if len(a.Agents) > 0 {
		lines = append(lines, "", "who did what:")
	}
	for _, agent := range a.Agents {
		line := fmt.Sprintf("  %s: took %d, closed %d, released %d, was refused %d",
			oneLine(agent.Name, maxTitle), agent.Taken, agent.Closed, agent.Released, agent.Refused)
		if agent.Median != "" {
			line += ", median from start to close " + agent.Median
		}
		lines = append(lines, line)
	}
	for _, l := range []struct {
		title string
		ids   []string
	}{
		{"changed by other programs: ", a.Outside}, {"do not add up: ",
			a.Unclear}, {"their journal cannot be read: ", a.Unread},
	} {
		if len(l.ids) > 0 {
			lines = append(lines, "", l.title+someOf(l.ids))
		}
	}
	if place := a.place.Text(); place != "" {
		lines = append(lines, "", place)
	}
	return strings.Join(lines, "\n")
}

func section(title string, items []report.Item) []string {
	if len(items) == 0 {
		return nil
	}
	lines := []string{"", fmt.Sprintf("%s (%d):", title, len(items))}
	for _, item := range items[:min(len(items), maxReported)] {
		line := "  " + item.ID
		if item.Title != "" {
			line += " " + item.Title
		}
		if item.Since != "" {
			line += ", " + item.Since
		}
		if item.Who != "" {
			line += ", " + oneLine(item.Who, maxTitle)
		}
		if item.Why != "" {
			line += ": " + oneLine(item.Why, 200)
		}
		lines = append(lines, line)
	}
	if more := len(items) - maxReported; more > 0 {
		lines = append(lines, fmt.Sprintf("  +%d more: see --json", more))
	}
	return lines
}

// numbers say what there is, what there was, and how the one became the other.
func (a ReportAnswer) numbers() string {
	var now, moves []string
	statuses := maps.Clone(a.Then)
	maps.Copy(statuses, a.Now)
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		now = append(now, fmt.Sprintf("%d %s (was %d)", a.Now[status], status, a.Then[status]))
	}
	for _, move := range slices.Sorted(maps.Keys(a.Moves)) {
		moves = append(moves, fmt.Sprintf("%d %s", a.Moves[move], move))
	}
	text := strings.Join(now, ", ")
	if len(moves) > 0 {
		text += "; " + strings.Join(moves, ", ")
	}
	return text
}

func someOf(ids []string) string {
	if more := len(ids) - maxReported; more > 0 {
		return strings.Join(ids[:maxReported], ", ") + fmt.Sprintf(", +%d more", more)
	}
	return strings.Join(ids, ", ")
}
