package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type closeIn struct {
	ID          string   `json:"id"`
	Reason      string   `json:"reason"`
	Resolution  string   `json:"resolution"`
	DuplicateOf string   `json:"duplicate_of"`
	Children    bool     `json:"children"`
	Evidence    []string `json:"evidence"`
	Next        bool     `json:"next"`
	Agent       string   `json:"agent"`
}

// The ways to close a ticket other than as done.
const (
	dropped   = "dropped"
	duplicate = "duplicate"
)

// closeAnswer says also what can be started or closed now that this ticket is closed.
type closeAnswer struct {
	changeAnswer
	Dropped   []string `json:"dropped,omitempty"`    // below this one, with children
	OpenBoxes []string `json:"open_boxes,omitempty"` // that were left
	Unblocked []row    `json:"unblocked"`
	More      int      `json:"more,omitempty"`
	Parent    *row     `json:"parent,omitempty"` // can be closed now
	// null when nothing could be started, with the reason
	Next    **ticketAnswer `json:"next,omitempty"`
	NextWhy string         `json:"next_reason,omitempty"`
}

func (a closeAnswer) Text() string {
	text := a.changeAnswer.Text()
	for _, r := range a.Unblocked {
		text += "\nnow ready: " + r.line()
	}
	if a.More > 0 {
		text += fmt.Sprintf("\n+%d more: see ready", a.More)
	}
	for _, box := range a.OpenBoxes {
		text += "\nleft open: " + box
	}
	if a.Parent != nil {
		text += "\ncan be closed now: " + a.Parent.line()
	}
	if a.NextWhy != "" {
		text += "\nno next ticket: " + a.NextWhy
	}
	if a.Next != nil && *a.Next != nil {
		text += "\nnext: " + (*a.Next).Text()
	}
	return text
}

// close ends a ticket: as done, one that this caller started and whose children are all closed; as
// dropped or a duplicate, also one that nobody started.
func (c *call) close(ctx context.Context, in closeIn) (Answer, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	who := c.caller(in.Agent)
	changed, below, err := c.closeTicket(ctx, who, in)
	if err != nil {
		return nil, err
	}
	c.started.mark(who, in.ID, false)
	return c.closed(ctx, who, in, changed, below), nil
}

// check judges the arguments by themselves.
func (in closeIn) check() error {
	switch {
	case in.Resolution == duplicate && in.DuplicateOf == "":
		return ticketfs.Refuse(ticketfs.Invalid, "name the other ticket in duplicate_of",
			"duplicate_of is missing")
	case in.Resolution == duplicate && in.DuplicateOf == in.ID:
		return ticketfs.Refuse(ticketfs.Invalid, "name the other ticket in duplicate_of",
			"%s cannot be a duplicate of itself", in.ID)
	case in.Resolution == duplicate && !document.ValidID(in.DuplicateOf):
		return invalidID("duplicate_of", in.DuplicateOf)
	case in.Resolution != duplicate && in.DuplicateOf != "":
		return ticketfs.Refuse(ticketfs.Invalid, "use resolution: duplicate with it",
			"duplicate_of is for duplicates")
	case in.Resolution == "" && in.Children:
		return ticketfs.Refuse(ticketfs.Invalid,
			"close the children first, or use resolution: dropped", "children are closed with a ticket only when it is dropped")
	}
	return nil
}

// closeTicket closes the ticket and, where it is dropped with its children, those below it, which
// are returned.
func (c *call) closeTicket(ctx context.Context, who caller,
	in closeIn) (changed ticketfs.Changed, below []document.Ticket, err error) {
	if in.Children {
		return c.closeAll(ctx, who, in)
	}
	changed, err = c.change(ctx, in.ID, c.cause(in.Agent, in.Reason),
		func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
			if err := c.mayClose(who, in, d.Ticket(), v); err != nil {
				return ticketfs.Decision{}, err
			}
			err := childrenClosed(v, in.ID)
			var open *ticketfs.Refusal
			if in.Resolution != "" && errors.As(err, &open) && open.Code == ticketfs.OpenChildren {
				err = ticketfs.Refuse(open.Code, open.Next+"; children true drops them with it",
					"%s",
					open.Why)
			}
			return ticketfs.Decision{Edits: c.closeEdits(who, in, d)}, err
		})
	if in.DuplicateOf != "" {
		err = c.alike(err, in.ID, in.DuplicateOf)
	}
	return changed, nil, err
}

// mayClose judges everything but the children.
func (c *call) mayClose(who caller, in closeIn, t document.Ticket, v ticketfs.View) error {
	if in.Resolution == "" {
		return c.mayFinish(who, t, "close")
	}
	if t.Status == document.StatusClosed {
		return wrongStatus(t, "close", "open or in_progress", "nothing is left to do; see show")
	}
	if t.Status == document.StatusInProgress {
		if err := c.mayFinish(who, t, "close"); err != nil {
			return err
		}
	}
	if in.Resolution == duplicate {
		if _, err := v.Get(in.DuplicateOf); ticketfs.CodeOf(err) == ticketfs.NotFound ||
			err != nil && ticketfs.CodeOf(err) == "" {
			return err
		}
	}
	return nil
}

// closeEdits are the lines of a closed ticket. What an earlier close left there is replaced.
func (c *call) closeEdits(who caller, in closeIn, d *document.Document) []document.Edit {
	t := d.Ticket()
	edits := append(turn(document.StatusClosed),
		document.Set("closed", stamp(c.Now())), document.Set("closed-by", who.claim()))
	for _, field := range []struct{ key, value string }{{"resolution", in.Resolution},
		{"close-reason", strings.TrimSpace(in.Reason)}} {
		if field.value != "" {
			edits = append(edits, document.Set(field.key, field.value))
		}
	}
	if len(in.Evidence) > 0 { // these take the place of what another program left there
		edits = slices.DeleteFunc(edits,
			func(e document.Edit) bool { return e == document.Remove("evidence") })
	}
	switch {
	case len(t.Evidence) > 0 && len(in.Evidence) > 0:
		edits = append(edits, document.SetList("evidence", in.Evidence...))
	default:
		for _, text := range in.Evidence {
			edits = append(edits, document.Append("evidence", text))
		}
	}
	if in.Resolution == duplicate && !slices.Contains(t.Links, in.DuplicateOf) {
		edits = append(edits, document.AddItem("links", in.DuplicateOf))
	}
	if boxes := d.OpenBoxes(); len(boxes) > 0 && in.Resolution == "" {
		edits = append(edits, c.noteEdit(in.Agent,
			"closed with open boxes: "+strings.Join(boxes, "; ")))
	}
	return edits
}

// closed is the answer of a close. The ticket is closed: what that made possible is advice, and its
// failure must not look like a failed close.
func (c *call) closed(ctx context.Context, who caller, in closeIn, changed ticketfs.Changed,
	below []document.Ticket) closeAnswer {
	a := closeAnswer{Unblocked: []row{}}
	for _, t := range below {
		a.Dropped = append(a.Dropped, t.ID)
	}
	message := in.ID + " is closed"
	if in.Resolution != "" {
		message += " as " + in.Resolution
	}
	if in.DuplicateOf != "" {
		message += " of " + in.DuplicateOf
	}
	if in.Agent != "" {
		message += " by " + who.claim()
	}
	if len(below) > 0 {
		message += ", and below it " + strings.Join(a.Dropped, ", ")
	}
	if in.Resolution == "" {
		a.OpenBoxes = changed.Document.OpenBoxes()
	}
	t := changed.Document.Ticket()
	unblocked, err := c.unblockedBy(append(below, t))
	if err == nil {
		a.Parent, err = c.closableParent(t)
	}
	switch {
	case err != nil:
		message += "; what it made ready could not be seen: " + oneLine(err.Error(), 200)
	case len(unblocked) > 0:
		message += "; now ready: " + listed(unblocked)
	}
	a.Unblocked = append(a.Unblocked, unblocked[:min(maxRelated, len(unblocked))]...)
	a.More = len(unblocked) - len(a.Unblocked)
	changed.Decision.Message = message
	a.changeAnswer = c.changed(changed)
	if in.Next {
		next, err := c.startNext(ctx, startIn{Agent: in.Agent})
		a.Next = new(*ticketAnswer)
		if err != nil {
			a.NextWhy = oneLine(err.Error(), 1000)
		} else {
			*a.Next = &next
		}
	}
	return a
}

// closableParent is the parent of a ticket that was closed, when nothing below it is open any more.
func (c *call) closableParent(closed document.Ticket) (*row, error) {
	if closed.Parent == "" {
		return nil, nil
	}
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	v, err := folder.After(closed)
	if err != nil {
		return nil, err
	}
	parent, err := v.Get(closed.Parent)
	if err != nil || parent.Status != document.StatusInProgress {
		return nil, nil // a parent that cannot be read is another one's answer
	}
	if childrenClosed(v, parent.ID) != nil {
		return nil, nil
	}
	r := shortRow(parent)
	r.Holder = c.held(parent, c.holder(parent))
	return &r, nil
}

// childrenClosed refuses while a child is not closed, or a file that may be a child cannot be read.
func childrenClosed(v ticketfs.View, id string) error {
	children, unreadable, err := v.Children(id)
	if err != nil {
		return err
	}
	var open []row
	for _, c := range children {
		if c.Status != document.StatusClosed {
			open = append(open, shortRow(c))
		}
	}
	if len(open) > 0 {
		return ticketfs.Refuse(ticketfs.OpenChildren, "close these first, or update their parent",
			"%s has children that are not closed: %s", id, listed(open))
	}
	if len(unreadable) > 0 {
		return ticketfs.Refuse(ticketfs.BadFile, "repair that file by hand, then retry",
			"cannot tell whether it is a child of %s: %s", id, unreadable[0].Why)
	}
	return nil
}

// unblockedBy lists the tickets that can be started now that these are closed, of those that waited
// for them: themselves or through an ancestor.
func (c *call) unblockedBy(closed []document.Ticket) ([]row, error) {
	rows := []row{}
	folder, err := c.open()
	if err != nil {
		return rows, err
	}
	v, err := folder.After(closed...)
	if err != nil {
		return rows, err
	}
	var waited []document.Ticket
	for _, t := range closed {
		blocked, err := v.Blocks(t.ID)
		if err != nil {
			return rows, err
		}
		waited = append(waited, blocked...)
	}
	j := newJudge(v, c.Now())
	seen := map[string]bool{}
	for ; len(waited) > 0; waited = waited[1:] {
		t := waited[0]
		if seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		next, err := c.startable(j, t, c.liveness)
		if err != nil {
			return rows, err
		}
		if next != nil && next.grace == 0 {
			rows = append(rows, next.row())
		}
		children, _, err := v.Children(t.ID)
		if err != nil {
			return rows, err
		}
		waited = append(waited, children...)
	}
	return rows, nil
}
