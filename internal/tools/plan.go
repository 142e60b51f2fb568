package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type planIn struct {
	Tickets []plannedIn `json:"tickets"`
	Plan    string      `json:"plan"`
	DryRun  bool        `json:"dry_run"`
	Agent   string      `json:"agent"`
}

// plannedIn is one ticket of a plan. Parent and BlockedBy take names of the plan or ids.
type plannedIn struct {
	Name string `json:"name"`
	createIn
	arguments json.RawMessage // of create
}

// UnmarshalJSON keeps what create would be given, to be checked like a call of it.
func (p *plannedIn) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(text, &fields)
	if name, has := fields["name"]; err == nil && has {
		err = json.Unmarshal(name, &p.Name)
	}
	if err != nil {
		return err
	}
	delete(fields, "name")
	delete(fields, "agent") // the plan's counts
	p.arguments, err = json.Marshal(fields)
	return err
}

// readCreate reads what create would be given.
func (p *plannedIn) readCreate() error {
	args, err := understood("create", p.arguments)
	if err != nil {
		return err
	}
	if err := checkArguments("create", args); err != nil {
		return err
	}
	if err := json.Unmarshal(args, &p.createIn); err != nil {
		return fmt.Errorf("read arguments: %w", err)
	}
	return p.createIn.check()
}

// planAnswer says which name became which ticket, and in which order they can be started.
type planAnswer struct {
	Tickets []plannedRow `json:"tickets"`
	Layers  [][]string   `json:"layers"` // names; the first can be started now
	// names in no layer: they wait for tickets outside the plan, or are on hold
	Outside []string `json:"outside,omitempty"`
	Message string   `json:"message"`
	place
}

type plannedRow struct {
	Name  string `json:"name"`
	ID    string `json:"id,omitempty"` // none yet in a dry run
	Title string `json:"title"`
	// made by an earlier call of this plan, and left as it is
	Exists bool     `json:"exists,omitempty"`
	Differ []string `json:"differ,omitempty"` // what it has otherwise than this call says
}

func (a planAnswer) Text() string {
	lines := []string{a.Message}
	for _, r := range a.Tickets {
		line := r.Name
		if r.ID != "" {
			line += " -> " + r.ID
		}
		line += ": " + r.Title
		if r.Exists {
			line += " (exists"
			if len(r.Differ) > 0 {
				line += ", with another " + strings.Join(r.Differ, ", ")
			}
			line += ")"
		}
		lines = append(lines, line)
	}
	for i, layer := range a.Layers {
		when := fmt.Sprintf("layer %d: ", i+1)
		if i == 0 {
			when = "ready now: "
		}
		lines = append(lines, when+cmp.Or(strings.Join(layer, ", "), "none"))
	}
	if len(a.Outside) > 0 {
		lines = append(lines,
			"waiting for tickets outside the plan, or on hold: "+strings.Join(a.Outside, ", "))
	}
	return joinLines(append(lines, a.place.Text())...)
}

// errTaken says that a file has the id that was drawn for a new ticket.
var errTaken = errors.New("the id is taken")

// plan makes many tickets in one change: all that are missing, or none. The tickets that an earlier
// call of the same plan made are found by their plan-ref and left as they are, so that a repeat
// finishes what a death cut short.
func (c *call) plan(ctx context.Context, in planIn) (Answer, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.DryRun {
		return c.planned(ctx, in)
	}
	if _, err := c.openOrMake(); err != nil {
		return nil, err
	}
	return c.planned(ctx, in)
}

func (c *call) planned(ctx context.Context, in planIn) (Answer, error) {
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	for {
		v, err := folder.Snapshot()
		if err != nil {
			return nil, err
		}
		made, err := v.Planned(in.Plan)
		if err != nil {
			return nil, err
		}
		p := c.layOut(in, made)
		if err := p.judge(v, c); err != nil {
			return nil, err
		}
		if in.DryRun {
			return c.planAnswer(p, v, nil), nil
		}
		short, err := c.writePlan(ctx, in, p)
		switch {
		case errors.Is(err, errTaken) && ctx.Err() == nil:
			continue
		case errors.Is(err, errTaken):
			return nil, ticketfs.Refuse(ticketfs.Busy, "retry",
				"others made tickets of this plan, or took its ids, for %s", c.Store.LockTimeout)
		case err != nil:
			return nil, err
		}
		return c.planAnswer(p, v, short), nil
	}
}

// check judges the arguments by themselves.
func (in planIn) check() error {
	if in.Plan != "" && !document.ValidID(in.Plan) {
		return ticketfs.Refuse(ticketfs.Invalid, "use letters, digits, _ and -, e.g. login-2026",
			"plan %.80q is not a name for a plan", in.Plan)
	}
	seen := make(map[string]bool)
	for i := range in.Tickets {
		t := &in.Tickets[i]
		switch {
		case !document.ValidID(t.Name):
			return ticketfs.Refuse(ticketfs.Invalid, "use a short name of letters, digits, _ and -",
				"name %.80q of ticket %d is not a name", t.Name, i+1)
		case seen[t.Name]:
			return ticketfs.Refuse(ticketfs.Invalid, "give each ticket a name of its own",
				"two tickets are named %s", t.Name)
		}
		seen[t.Name] = true
		if err := t.readCreate(); err != nil {
			var refusal *ticketfs.Refusal
			if errors.As(err, &refusal) {
				refusal.Why = "ticket " + t.Name + ": " + refusal.Why
			}
			return err
		}
	}
	return nil
}

// writePlan writes the missing tickets. Under the locks it is seen again that nobody made them
// meanwhile.
func (c *call) writePlan(ctx context.Context, in planIn, p *layout) (short, err error) {
	if len(p.missing) == 0 {
		return nil, nil
	}
	tickets := p.tickets(c)
	docs := make([]*document.Document, len(tickets))
	ids := make([]string, len(tickets))
	for i, t := range tickets {
		text := p.missing[i]
		content, err := document.New(t, text.Description, text.Design, text.Acceptance)
		if err != nil {
			return nil, ticketfs.Refused(fmt.Errorf("ticket %s: %w", text.Name, err))
		}
		if docs[i], err = document.Parse(t.ID, content); err != nil {
			return nil, err
		}
		ids[i] = t.ID
	}
	return c.folder.ChangeAll(ctx, ids, c.cause(in.Agent, in.Plan),
		func(there map[string]*document.Document, v ticketfs.View) ([]*document.Document, error) {
			if len(there) > 0 {
				return nil, errTaken
			}
			made, err := v.Planned(in.Plan)
			if err != nil {
				return nil, err
			}
			for _, t := range p.missing {
				if made[t.Name] != "" {
					return nil, errTaken
				}
			}
			return docs, p.judge(v, c)
		})
}
