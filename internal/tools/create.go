package tools

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type createIn struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Design      string   `json:"design"`
	Acceptance  string   `json:"acceptance"`
	Type        string   `json:"type"`
	Priority    *int     `json:"priority"`
	Parent      string   `json:"parent"`
	BlockedBy   []string `json:"blocked_by"`
	Assignee    string   `json:"assignee"`
	Tags        []string `json:"tags"`
	Hold        string   `json:"hold"`
	Agent       string   `json:"agent"`
}

// create writes a new open ticket under an id that nobody has.
func (c *call) create(ctx context.Context, in createIn) (Answer, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	folder, err := c.openOrMake()
	if err != nil {
		return nil, err
	}
	changed, err := folder.Create(ctx, c.Now(), c.cause(in.Agent, ""),
		func(id string, v ticketfs.View) ([]byte, error) {
			if err := newRelations(v, in.Parent, in.BlockedBy); err != nil {
				return nil, err
			}
			return document.New(in.ticket(id, c.Now(), folder.BlockerKey()), in.Description,
				in.Design,
				in.Acceptance)
		})
	if err != nil {
		return nil, c.alike(err, "", append([]string{in.Parent}, in.BlockedBy...)...)
	}
	message := "created " + changed.Document.Ticket().ID
	if len(in.BlockedBy) > 0 {
		message += ", blocked by " + strings.Join(in.BlockedBy, ", ")
	}
	if in.Parent != "" {
		message += ", part of " + in.Parent
	}
	message += c.sameTitle(changed.Document.Ticket())
	changed.Decision.Message = message
	return c.changed(changed), nil
}

// check judges the arguments by themselves, and puts tags in order.
func (in *createIn) check() error {
	if _, err := checkTitle(in.Title); err != nil {
		return err
	}
	if in.Parent != "" && !document.ValidID(in.Parent) {
		return invalidID("parent", in.Parent)
	}
	for i, id := range in.BlockedBy {
		if !document.ValidID(id) {
			return invalidID("blocked_by", id)
		}
		if slices.Contains(in.BlockedBy[:i], id) {
			return ticketfs.Refuse(ticketfs.Invalid, "name each blocker once",
				"blocked_by has %s twice", id)
		}
	}
	tags, err := checkTags(in.Tags)
	in.Tags = tags
	return err
}

// ticket is what the arguments say, under an id. key is the name of the board's lists of blockers.
func (in createIn) ticket(id string, now time.Time, key string) document.Ticket {
	t := document.Ticket{
		ID: id, Status: document.StatusOpen, Created: now.UTC().Truncate(time.Second),
		Title: strings.TrimSpace(in.Title), Type: cmp.Or(in.Type, "task"),
		Priority: document.DefaultPriority, BlockerKey: key,
		Assignee: strings.TrimSpace(in.Assignee), Parent: in.Parent, Tags: in.Tags,
		Hold: strings.TrimSpace(in.Hold),
	}
	if in.Priority != nil {
		t.Priority = *in.Priority
	}
	for _, blocker := range in.BlockedBy {
		t.BlockedBy = append(t.BlockedBy, document.Blocker{ID: blocker})
	}
	return t
}

// sameTitle names the tickets beside a new one that are not closed and bear its title: one of them
// may be in vain. It is advice; the ticket is created, whatever comes of it.
func (c *call) sameTitle(created document.Ticket) string {
	v, err := c.snapshot()
	if err != nil {
		return "; whether others have this title could not be seen: " + oneLine(err.Error(), 200)
	}
	title := fold(created.Title)
	var same []row
	for _, id := range v.IDs() {
		t, err := v.Get(id)
		if err == nil && id != created.ID && t.Parent == created.Parent &&
			t.Status != document.StatusClosed && fold(t.Title) == title {
			same = append(same, row{ID: id, Status: string(t.Status)})
		}
	}
	if len(same) == 0 {
		return ""
	}
	return "; same title as " + listed(same) + ": if it is the same work, keep only one"
}

func checkTitle(title string) (string, error) {
	title = strings.TrimSpace(title)
	switch {
	case title == "":
		return "", ticketfs.Refuse(ticketfs.Invalid, "say in one line what it is about",
			"title is empty")
	case strings.ContainsAny(title, "\r\n\u0085\u2028\u2029"):
		return "", ticketfs.Refuse(ticketfs.Invalid, "put the rest into description",
			"title has more than one line")
	}
	return title, nil
}

// newRelations judges the parent and the blockers of a ticket that does not exist yet. Only
// close(parent) will wait for it, so a cycle can only arise where what it waits for, start(parent)
// and the close of its blockers, waits for close(parent).
func newRelations(v ticketfs.View, parent string, blockers []string) error {
	named := blockers
	if parent != "" {
		named = append([]string{parent}, blockers...)
	}
	var unread error
	for _, id := range named {
		_, err := v.Get(id)
		switch {
		case ticketfs.CodeOf(err) == ticketfs.BadFile:
			unread = cmp.Or(unread, err)
		case err != nil:
			return err
		}
	}
	if unread != nil || parent == "" {
		return unread
	}
	if err := parentNotClosed(v, "the new ticket", parent); err != nil {
		return err
	}
	added := []edge{{event{parent, true}, event{id: parent}}}
	for _, blocker := range blockers {
		added = append(added, edge{event{parent, true}, event{blocker, true}})
	}
	return checkCycle(v, "a child of "+parent+" that waits for "+strings.Join(named, ", "),
		added...)
}
