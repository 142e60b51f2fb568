package tools

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// updateIn: a nil field was not given and stays as it is.
type updateIn struct {
	ID          string   `json:"id"`
	Title       *string  `json:"title"`
	Type        string   `json:"type"`
	Priority    *int     `json:"priority"`
	Assignee    *string  `json:"assignee"`
	Parent      *string  `json:"parent"`
	Description *string  `json:"description"`
	Design      *string  `json:"design"`
	Acceptance  *string  `json:"acceptance"`
	Tags        []string `json:"tags"`
	Hold        *string  `json:"hold"`
	HoldUntil   *string  `json:"hold_until"`
	Tick        []string `json:"tick"`
	Untick      []string `json:"untick"`
	Agent       string   `json:"agent"`
}

// update changes fields and sections of a ticket that is not closed; never its status.
func (c *call) update(ctx context.Context, in updateIn) (Answer, error) {
	edits, what, err := in.edits()
	if err != nil {
		return nil, err
	}
	if len(edits) == 0 {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "name at least one field or section",
			"nothing to update")
	}
	wanted := ticketfs.Decision{Edits: edits,
		Message: "updated " + strings.Join(what, ", ") + " of " + in.ID}
	if in.Parent != nil {
		return c.updateParent(ctx, in, wanted)
	}
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	changed, err := folder.Edit(ctx, in.ID, c.cause(in.Agent, ""),
		func(d *document.Document) (ticketfs.Decision, error) {
			return wanted, in.allowed(d.Ticket())
		})
	if err != nil {
		return nil, err
	}
	return c.changed(changed), nil
}

// updateParent is an update whose rule reads other tickets.
func (c *call) updateParent(ctx context.Context, in updateIn,
	wanted ticketfs.Decision) (Answer, error) {
	changed, err := c.change(ctx, in.ID, c.cause(in.Agent, ""),
		func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
			if err := in.allowed(d.Ticket()); err != nil {
				return ticketfs.Decision{}, err
			}
			return wanted, newParent(v, d.Ticket(), *in.Parent)
		})
	if err != nil {
		return nil, c.alike(err, in.ID, *in.Parent)
	}
	return c.changed(changed), nil
}

// allowed judges what an update asks of the ticket itself.
func (in updateIn) allowed(t document.Ticket) error {
	if t.Status == document.StatusClosed {
		return wrongStatus(t, "update", "open or in_progress", "reopen it first, or add a note")
	}
	if in.Hold != nil {
		t.Hold = strings.TrimSpace(*in.Hold)
	}
	if in.HoldUntil != nil && strings.TrimSpace(*in.HoldUntil) != "" && t.Hold == "" {
		return ticketfs.Refuse(ticketfs.Invalid, "give hold as well: why, and for whom",
			"%s is not on hold, so a date has nothing to end", t.ID)
	}
	return nil
}

// edits are the wishes as edits of the file, and their names for the answer.
func (in updateIn) edits() (edits []document.Edit, what []string, err error) {
	wish := func(name string, e document.Edit) {
		edits, what = append(edits, e), append(what, name)
	}
	setOrRemove := func(key, value string) document.Edit {
		if value == "" {
			return document.Remove(key)
		}
		return document.Set(key, value)
	}
	if in.Title != nil {
		title, err := checkTitle(*in.Title)
		if err != nil {
			return nil, nil, err
		}
		wish("title", document.SetTitle(title))
	}
	if in.Type != "" {
		wish("type", document.Set("type", in.Type))
	}
	if in.Priority != nil {
		wish("priority", document.Set("priority", strconv.Itoa(*in.Priority)))
	}
	if in.Assignee != nil {
		wish("assignee", setOrRemove("assignee", strings.TrimSpace(*in.Assignee)))
	}
	if in.Parent != nil {
		if *in.Parent != "" && !document.ValidID(*in.Parent) {
			return nil, nil, invalidID("parent", *in.Parent)
		}
		wish("parent", setOrRemove("parent", *in.Parent))
	}
	if in.Tags != nil {
		tags, err := checkTags(in.Tags)
		if err != nil {
			return nil, nil, err
		}
		wish("tags", tagsEdit(tags))
	}
	if in.Hold != nil {
		edits, what = append(edits, holdEdits(*in.Hold)...), append(what, "hold")
	}
	if in.HoldUntil != nil {
		until, err := holdUntil(*in.HoldUntil)
		if err != nil {
			return nil, nil, err
		}
		e := document.Remove("hold-until")
		if !until.IsZero() {
			e = document.Set("hold-until", stamp(until))
		}
		wish("hold_until", e)
	}
	for _, section := range []struct {
		name, heading string
		text          *string
	}{{"description", "", in.Description}, {"design", "Design", in.Design}, {"acceptance",
		"Acceptance Criteria", in.Acceptance}} {
		if section.text != nil {
			wish(section.name, document.SetSection(section.heading, *section.text))
		}
	}
	for _, item := range in.Tick {
		if slices.ContainsFunc(in.Untick, func(other string) bool {
			return document.SameBox(item, other)
		}) {
			return nil, nil, ticketfs.Refuse(ticketfs.Invalid, "leave it out of one of them",
				"tick and untick both name the box %.80q", item)
		}
		wish("the box of "+strconv.Quote(oneLine(item, 40)), document.Tick(item))
	}
	for _, item := range in.Untick {
		wish("the box of "+strconv.Quote(oneLine(item, 40)), document.Untick(item))
	}
	return edits, what, nil
}

// newParent judges a new parent of a ticket that has other relations already: start(t) will wait
// for start(parent), and close(parent) for close(t), in place of what its old parent made wait.
func newParent(v ticketfs.View, t document.Ticket, parent string) error {
	if parent == "" || parent == t.Parent {
		return nil
	}
	if _, err := v.Get(parent); err != nil {
		return err
	}
	if err := parentNotClosed(v, t.ID, parent); err != nil {
		return err
	}
	t.Parent = parent
	return checkCycle(ticketfs.Assuming(v, t), "making "+parent+" the parent of "+t.ID,
		edge{event{id: t.ID}, event{id: parent}},
		edge{event{parent, true}, event{t.ID, true}})
}
