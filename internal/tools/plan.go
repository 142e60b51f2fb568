package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	Layers  [][]string   `json:"layers"`            // names; the first can be started now
	Outside []string     `json:"outside,omitempty"` // names in no layer: they wait for tickets outside the plan, or are on hold
	Message string       `json:"message"`
	place
}

type plannedRow struct {
	Name   string   `json:"name"`
	ID     string   `json:"id,omitempty"` // none yet in a dry run
	Title  string   `json:"title"`
	Exists bool     `json:"exists,omitempty"` // made by an earlier call of this plan, and left as it is
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
		lines = append(lines, "waiting for tickets outside the plan, or on hold: "+strings.Join(a.Outside, ", "))
	}
	return joinLines(append(lines, a.place.Text())...)
}

// errTaken says that a file has the id that was drawn for a new ticket.
var errTaken = errors.New("the id is taken")

// plan makes many tickets in one change: all that are missing, or none. The tickets that an earlier call of the same plan made are
// found by their plan-ref and left as they are, so that a repeat finishes what a death cut short.
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
			return nil, ticketfs.Refuse(ticketfs.Busy, "retry", "others made tickets of this plan, or took its ids, for %s", c.Store.LockTimeout)
		case err != nil:
			return nil, err
		}
		return c.planAnswer(p, v, short), nil
	}
}

// check judges the arguments by themselves.
func (in planIn) check() error {
	if in.Plan != "" && !document.ValidID(in.Plan) {
		return ticketfs.Refuse(ticketfs.Invalid, "use letters, digits, _ and -, e.g. login-2026", "plan %.80q is not a name for a plan", in.Plan)
	}
	seen := make(map[string]bool)
	for i := range in.Tickets {
		t := &in.Tickets[i]
		switch {
		case !document.ValidID(t.Name):
			return ticketfs.Refuse(ticketfs.Invalid, "use a short name of letters, digits, _ and -", "name %.80q of ticket %d is not a name", t.Name, i+1)
		case seen[t.Name]:
			return ticketfs.Refuse(ticketfs.Invalid, "give each ticket a name of its own", "two tickets are named %s", t.Name)
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

// layout is a plan with ids in place of names.
type layout struct {
	in      planIn
	ids     map[string]string // name -> id
	exists  map[string]bool   // names of those that were made before
	missing []plannedIn       // in the order in which their files may appear: what is named before what names it
}

// layOut draws ids for the tickets that made does not have.
func (c *call) layOut(in planIn, made map[string]string) *layout {
	p := &layout{in: in, ids: make(map[string]string), exists: make(map[string]bool)}
	var drawn []string
	for _, t := range in.Tickets {
		if id := made[t.Name]; id != "" {
			p.ids[t.Name], p.exists[t.Name] = id, true
		} else {
			drawn = append(drawn, t.Name)
		}
	}
	ordered := inOrder(in.Tickets)
	for i, id := range c.Store.NewIDs(len(drawn), c.Now()) {
		p.ids[drawn[i]] = id
	}
	for _, t := range ordered {
		if !p.exists[t.Name] {
			p.missing = append(p.missing, t)
		}
	}
	return p
}

// id is what a parent or a blocker of a planned ticket means: a name of the plan, else an id.
func (p *layout) id(name string) string { return cmp.Or(p.ids[name], name) }

// tickets are the missing ones as the board would have them.
func (p *layout) tickets(c *call) []document.Ticket {
	tickets := make([]document.Ticket, len(p.missing))
	for i, t := range p.missing {
		tickets[i] = p.resolved(t).ticket(p.ids[t.Name], c.Now(), c.folder.BlockerKey())
		if p.in.Plan != "" {
			tickets[i].PlanRef = p.in.Plan + "/" + t.Name
		}
	}
	return tickets
}

// resolved has ids where names of the plan stood.
func (p *layout) resolved(t plannedIn) createIn {
	in := t.createIn
	if in.Parent != "" {
		in.Parent = p.id(in.Parent)
	}
	in.BlockedBy = make([]string, len(t.BlockedBy))
	for i, b := range t.BlockedBy {
		in.BlockedBy[i] = p.id(b)
	}
	return in
}

// judge judges the names and the rules of create, of every new ticket, on the board as all of them together would make it. Of
// several refusals the first reason in the row of create is the answer, whichever ticket has it.
func (p *layout) judge(v ticketfs.View, c *call) error {
	if err := p.judgeNames(v); err != nil {
		return err
	}
	with := ticketfs.Assuming(v, p.tickets(c)...)
	var first *ticketfs.Refusal
	for _, t := range p.tickets(c) {
		err := judgePlanned(with, t)
		var refusal *ticketfs.Refusal
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		if refusal != nil && (first == nil || planRank(refusal.Code) < planRank(first.Code)) {
			first = refusal
		}
	}
	if first != nil {
		first.Why = p.byName(first.Why)
		return first
	}
	return nil
}

// byName puts names in the place of the ids that nobody has seen yet.
func (p *layout) byName(text string) string {
	var pairs []string
	for _, t := range p.missing {
		pairs = append(pairs, p.ids[t.Name], t.Name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// planRank is where a reason stands in the row of create.
func planRank(code ticketfs.Code) int {
	return slices.Index([]ticketfs.Code{ticketfs.NotFound, ticketfs.BadFile, ticketfs.ParentStatus, ticketfs.Cycle}, code)
}

// judgeNames refuses names that are ids, and names of nothing.
func (p *layout) judgeNames(v ticketfs.View) error {
	is := func(id string) bool {
		_, err := v.Get(id)
		return ticketfs.CodeOf(err) != ticketfs.NotFound
	}
	var taken, unknown []string
	for _, t := range p.in.Tickets {
		if is(t.Name) {
			taken = append(taken, t.Name)
		}
		in := p.resolved(t)
		for i, b := range in.BlockedBy {
			if slices.Contains(in.BlockedBy[:i], b) {
				return ticketfs.Refuse(ticketfs.Invalid, "name each blocker once", "ticket %s: blocked_by has %s twice", t.Name, b)
			}
		}
		for _, name := range append([]string{t.Parent}, t.BlockedBy...) {
			if name != "" && p.ids[name] == "" && !is(name) && !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
		}
	}
	var names []string
	for _, t := range p.in.Tickets {
		names = append(names, t.Name)
	}
	switch {
	case len(taken) > 0:
		return ticketfs.Refuse(ticketfs.Invalid, "name them otherwise", "these names are ids of tickets: %s", strings.Join(taken, ", "))
	case len(unknown) > 0:
		return ticketfs.Refuse(ticketfs.Invalid, "use a name of this plan ("+strings.Join(names, ", ")+") or the id of a ticket",
			"neither a name of this plan nor a ticket: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// judgePlanned judges one new ticket on a board that has it already. Without a parent nothing outside the plan waits for it, so that
// a file that cannot be read leaves nothing in doubt.
func judgePlanned(v ticketfs.View, t document.Ticket) error {
	added := []edge{}
	named := []string{}
	if t.Parent != "" {
		named = append(named, t.Parent)
		added = append(added, edge{event{id: t.ID}, event{id: t.Parent}}, edge{event{t.Parent, true}, event{t.ID, true}})
	}
	for _, b := range t.BlockedBy {
		named = append(named, b.ID)
		added = append(added, edge{event{id: t.ID}, event{b.ID, true}})
	}
	for _, id := range named {
		if _, err := v.Get(id); err != nil {
			return err
		}
	}
	if err := parentNotClosed(v, t.ID, t.Parent); err != nil {
		return err
	}
	err := checkCycle(v, "the plan", added...)
	if t.Parent == "" && ticketfs.CodeOf(err) == ticketfs.BadFile {
		return nil
	}
	return err
}

// writePlan writes the missing tickets. Under the locks it is seen again that nobody made them meanwhile.
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
	return c.folder.ChangeAll(ctx, ids, c.cause(in.Agent, in.Plan), func(there map[string]*document.Document, v ticketfs.View) ([]*document.Document, error) {
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

// inOrder puts parents and blockers before what names them, and leaves the given order otherwise. Those in a dependency cycle, which
// is refused, come last.
func inOrder(plan []plannedIn) []plannedIn {
	index := make(map[string]int)
	for i, t := range plan {
		index[t.Name] = i
	}
	var out []plannedIn
	state := make([]int, len(plan)) // 1: its names are being put, 2: put
	var put func(i int)
	put = func(i int) {
		if state[i] != 0 {
			return
		}
		state[i] = 1
		for _, name := range append([]string{plan[i].Parent}, plan[i].BlockedBy...) {
			if at, here := index[name]; here {
				put(at)
			}
		}
		state[i] = 2
		out = append(out, plan[i])
	}
	for i := range plan {
		put(i)
	}
	return out
}

func (c *call) planAnswer(p *layout, v *ticketfs.Snapshot, short error) planAnswer {
	a := planAnswer{Tickets: []plannedRow{}, place: c.place(short)}
	with := ticketfs.Assuming(v, p.tickets(c)...)
	for _, t := range p.in.Tickets {
		r := plannedRow{Name: t.Name, ID: p.ids[t.Name], Title: oneLine(t.Title, 60)}
		if p.exists[t.Name] {
			r.Exists = true
			r.Differ = p.differences(with, t)
		} else if p.in.DryRun {
			r.ID = ""
		}
		a.Tickets = append(a.Tickets, r)
	}
	a.Layers = c.layers(p, with)
	inLayer := slices.Concat(a.Layers...)
	for _, t := range p.in.Tickets {
		if is, err := with.Get(p.ids[t.Name]); err == nil && is.Status == document.StatusOpen && !slices.Contains(inLayer, t.Name) {
			a.Outside = append(a.Outside, t.Name)
		}
	}
	made, kept := len(p.missing), len(p.exists)
	switch {
	case p.in.DryRun:
		a.Message = fmt.Sprintf("dry run: %s would be created, nothing was written", counted(made, "ticket"))
	case made == 0:
		a.Message = "nothing to create: this plan is there whole"
	default:
		a.Message = fmt.Sprintf("created %s", counted(made, "ticket"))
	}
	if kept > 0 && made > 0 {
		a.Message += fmt.Sprintf("; %d were there already and are left as they are", kept)
	}
	return a
}

// differences are the fields in which a ticket that exists is not what the plan says.
func (p *layout) differences(v ticketfs.View, planned plannedIn) []string {
	t, err := v.Get(p.ids[planned.Name])
	if err != nil {
		return []string{"form: it cannot be read"}
	}
	want := p.resolved(planned).ticket(t.ID, t.Created, t.BlockerKey)
	var differ []string
	for _, field := range []struct {
		name string
		same bool
	}{
		{"title", t.Title == want.Title}, {"type", t.Type == want.Type}, {"priority", t.Priority == want.Priority},
		{"parent", t.Parent == want.Parent}, {"tags", slices.Equal(t.Tags, want.Tags)}, {"assignee", t.Assignee == want.Assignee},
		{"blocked_by", slices.EqualFunc(t.BlockedBy, want.BlockedBy, func(a, b document.Blocker) bool { return a.ID == b.ID })},
	} {
		if !field.same {
			differ = append(differ, field.name)
		}
	}
	return differ
}

// layers says in which order the tickets of a plan can be started: first what is ready now, perhaps nothing, then what is ready once
// all these and those in progress are started and, where nothing below them is open, closed, and so on. What waits for something
// else is in no layer.
func (c *call) layers(p *layout, v ticketfs.View) [][]string {
	layers := [][]string{}
	state := make(map[string]document.Ticket)
	for _, id := range p.ids {
		if t, err := v.Get(id); err == nil {
			state[id] = t
		}
	}
	for {
		now := ticketfs.Assuming(v, slices.Collect(maps.Values(state))...)
		j, layer := newJudge(now, c.Now()), []string{}
		for _, t := range p.in.Tickets {
			is, known := state[p.ids[t.Name]]
			if !known || is.Status != document.StatusOpen {
				continue
			}
			if w, err := j.waitsFor(is); w == nil && err == nil {
				layer = append(layer, t.Name)
			}
		}
		moved := len(layer) > 0
		for _, name := range layer {
			t := state[p.ids[name]]
			t.Status = document.StatusInProgress
			state[t.ID] = t
		}
		for again := true; again; {
			again = false
			now := ticketfs.Assuming(v, slices.Collect(maps.Values(state))...)
			for id, t := range state {
				if t.Status == document.StatusInProgress && childrenClosed(now, id) == nil {
					t.Status = document.StatusClosed
					state[id] = t
					again, moved = true, true
				}
			}
		}
		if !moved {
			return layers
		}
		layers = append(layers, layer)
	}
}
