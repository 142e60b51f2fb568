package importer

import (
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Existing is a ticket of the board that is imported into.
type Existing struct {
	ID, ExternalRef string
	Status          document.Status
	Broken          bool // it cannot be read, so nobody can say what it is
}

// New is a ticket to create. Its relations are ids of this plan, before it, or of the board.
type New struct {
	ID        string
	Item      Item
	Parent    string
	BlockedBy []string
	Links     []string
}

// Plan is what an import would create.
type Plan struct {
	Source *Source
	New    []New
	Done   int // items that the board has already
	Tally  Tally
}

// target is what an id of theirs stands for.
type target struct {
	id     string
	closed bool
	item   int // index in the plan's items, -1 for a ticket of the board
}

// planner holds what a plan is made from.
type planner struct {
	plan     *Plan
	items    []Item
	targets  map[string]target // by id of theirs, exactly and in lower case
	parents  []int             // index of the parent among items, -1 without
	blockers [][]int           // indices of the blockers among items
	news     []New
}

// NewPlan says which tickets the source's items become on a board. newID makes an id for an item
// whose own cannot be had. An edge that would break a rule between tickets is left out and kept in
// the ticket for an export; the tally says how many.
func NewPlan(source *Source, board []Existing, newID func() string) *Plan {
	p := &planner{plan: &Plan{Source: source}, targets: map[string]target{}}
	p.choose(board, newID)
	p.resolveParents()
	p.resolveBlockers()
	p.breakCycles()
	p.resolveLinks()
	for _, i := range p.order() {
		p.plan.New = append(p.plan.New, p.news[i])
	}
	return p.plan
}

// choose takes the items that the board does not have yet, and gives each an id: its own where that
// is one and free.
func (p *planner) choose(board []Existing, newID func() string) {
	taken := make(map[string]bool, len(board))
	for _, t := range board {
		taken[strings.ToLower(t.ID)] = true
		if t.Broken {
			p.point(t.ID, target{t.ID, true, -1}) // it may be what an earlier import made
		}
		if t.ExternalRef != "" {
			p.point(t.ExternalRef, target{t.ID, t.Status == document.StatusClosed, -1})
		}
	}
	for _, item := range p.plan.Source.Items {
		if known, ok := p.targets[item.Ref]; ok && known.item < 0 {
			p.plan.Done++
			continue
		}
		id := item.Ref
		for !document.ValidID(id) || taken[strings.ToLower(id)] {
			id = newID()
		}
		if id != item.Ref {
			p.plan.Tally.add(Changed, "id", "a new one; external-ref has the old one")
		}
		taken[strings.ToLower(id)] = true
		p.point(item.Ref, target{id, item.Ticket.Status == document.StatusClosed, len(p.items)})
		item.edges = slices.Clone(item.edges)
		p.items = append(p.items, item)
		p.news = append(p.news, New{ID: id, Item: item})
	}
	p.parents = make([]int, len(p.items))
	p.blockers = make([][]int, len(p.items))
}

// point says what an id of theirs stands for; the first one that is written so wins in lower case.
func (p *planner) point(ref string, to target) {
	p.targets[ref] = to
	if folded := strings.ToLower(ref); folded != ref {
		if _, found := p.targets[folded]; !found {
			p.targets[folded] = to
		}
	}
}

func (p *planner) find(ref string) (target, bool) {
	to, ok := p.targets[ref]
	if !ok {
		to, ok = p.targets[strings.ToLower(ref)]
	}
	return to, ok
}

// leave keeps an edge of an item that no rule here allows.
func (p *planner) leave(i int, kind, to, why string) {
	p.news[i].Item.edges = append(p.news[i].Item.edges, edge{kind, to, why})
	p.plan.Tally.add(Changed, kind+" "+why, "kept, no edge")
}

const (
	childOf   = "parent-child"
	waitsFor  = "blocks"
	missing   = "to an item that is not there"
	itself    = "to itself"
	inCycle   = "in a dependency cycle"
	closedOne = "to a closed parent"
	ownChild  = "to its own descendant"
)

// resolveParents leaves no parent that is missing, in a cycle of parents, or closed above a child
// that is not.
func (p *planner) resolveParents() {
	for i := range p.items {
		p.parents[i] = -1
		ref := p.items[i].Parent
		if ref == "" {
			continue
		}
		to, ok := p.find(ref)
		switch {
		case !ok:
			p.leave(i, childOf, ref, missing)
		case to.item == i:
			p.leave(i, childOf, ref, itself)
		case to.closed && p.items[i].Ticket.Status != document.StatusClosed:
			p.leave(i, childOf, ref, closedOne)
			p.items[i].Links = append(p.items[i].Links, ref)
		default:
			p.parents[i] = to.item
			p.news[i].Parent = to.id
		}
	}
	const unseen, onPath, done = 0, 1, 2
	state := make([]int, len(p.items))
	for start := range p.items {
		var path []int
		for i := start; i >= 0 && state[i] != done; i = p.parents[i] {
			if state[i] == onPath {
				last := path[len(path)-1]
				p.leave(last, childOf, p.items[last].Parent, inCycle)
				p.parents[last], p.news[last].Parent = -1, ""
				break
			}
			state[i] = onPath
			path = append(path, i)
		}
		for _, i := range path {
			state[i] = done
		}
	}
}

// resolveBlockers leaves no blocker that is missing, named twice, or a descendant, which is closed
// before its ancestor anyway.
func (p *planner) resolveBlockers() {
	enter, leave := p.tree()
	for i := range p.items {
		seen := map[string]bool{}
		for _, ref := range p.items[i].BlockedBy {
			to, ok := p.find(ref)
			switch {
			case !ok:
				p.leave(i, waitsFor, ref, missing)
			case to.item == i:
				p.leave(i, waitsFor, ref, itself)
			case seen[to.id]:
			case to.item < 0:
				p.news[i].BlockedBy = append(p.news[i].BlockedBy, to.id)
			case enter[i] < enter[to.item] && leave[to.item] <= leave[i]:
				p.leave(i, waitsFor, ref, ownChild)
			default:
				p.blockers[i] = append(p.blockers[i], to.item)
			}
			seen[to.id] = true
		}
	}
}

// tree numbers the items so that a descendant's numbers lie within its ancestor's.
func (p *planner) tree() (enter, leave []int) {
	children := make([][]int, len(p.items))
	var stack []int
	for i, parent := range p.parents {
		if parent >= 0 {
			children[parent] = append(children[parent], i)
		} else {
			stack = append(stack, i)
		}
	}
	enter, leave = make([]int, len(p.items)), make([]int, len(p.items))
	next := make([]int, len(p.items))
	clock := 0
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		if enter[i] == 0 {
			clock++
			enter[i] = clock
		}
		if next[i] < len(children[i]) {
			next[i]++
			stack = append(stack, children[i][next[i]-1])
			continue
		}
		leave[i] = clock
		stack = stack[:len(stack)-1]
	}
	return enter, leave
}

func (p *planner) resolveLinks() {
	for i := range p.items {
		seen := map[string]bool{}
		for _, ref := range p.items[i].Links {
			switch to, ok := p.find(ref); {
			case !ok:
				if !slices.ContainsFunc(p.news[i].Item.edges,
					func(e edge) bool { return e.To == ref }) {
					p.leave(i, "related", ref, missing)
				}
			case to.item != i && !seen[to.id]:
				seen[to.id] = true
				p.news[i].Links = append(p.news[i].Links, to.id)
			}
		}
	}
}

// order lists the items with parents and blockers first, otherwise as they were read.
func (p *planner) order() []int {
	order := make([]int, 0, len(p.items))
	seen := make([]bool, len(p.items))
	next := make([]int, len(p.items))
	var stack []int
	visit := func(i int) {
		if i >= 0 && !seen[i] {
			seen[i] = true
			stack = append(stack, i)
		}
	}
	for start := range p.items {
		visit(start)
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			n := next[i]
			next[i]++
			switch {
			case n == 0:
				visit(p.parents[i])
			case n <= len(p.blockers[i]):
				visit(p.blockers[i][n-1])
			default:
				order = append(order, i)
				stack = stack[:len(stack)-1]
			}
		}
	}
	return order
}
