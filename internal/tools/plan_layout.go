package tools

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// layout is a plan with ids in place of names.
type layout struct {
	in     planIn
	ids    map[string]string // name -> id
	exists map[string]bool   // names of those that were made before
	// in the order in which their files may appear: what is named before what names it
	missing []plannedIn
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

// judge judges the names and the rules of create, of every new ticket, on the board as all of them
// together would make it. Of several refusals the first reason in the row of create is the answer,
// whichever ticket has it.
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
	return slices.Index([]ticketfs.Code{ticketfs.NotFound, ticketfs.BadFile, ticketfs.ParentStatus,
		ticketfs.Cycle}, code)
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
				return ticketfs.Refuse(ticketfs.Invalid, "name each blocker once",
					"ticket %s: blocked_by has %s twice", t.Name, b)
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
		return ticketfs.Refuse(ticketfs.Invalid, "name them otherwise",
			"these names are ids of tickets: %s", strings.Join(taken, ", "))
	case len(unknown) > 0:
		return ticketfs.Refuse(ticketfs.Invalid,
			"use a name of this plan ("+strings.Join(names, ", ")+") or the id of a ticket",
			"neither a name of this plan nor a ticket: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// judgePlanned judges one new ticket on a board that has it already. Without a parent nothing
// outside the plan waits for it, so that a file that cannot be read leaves nothing in doubt.
func judgePlanned(v ticketfs.View, t document.Ticket) error {
	added := []edge{}
	named := []string{}
	if t.Parent != "" {
		named = append(named, t.Parent)
		added = append(added, edge{event{id: t.ID}, event{id: t.Parent}},
			edge{event{t.Parent, true}, event{t.ID, true}})
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

// inOrder puts parents and blockers before what names them, and leaves the given order otherwise.
// Those in a dependency cycle, which is refused, come last.
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
