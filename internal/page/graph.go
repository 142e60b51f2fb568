package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxGraph is how many tickets the graph of a whole board draws, maxFocus that of one ticket;
	// around one, so many are counted.
	maxGraph  = 150
	maxFocus  = 40
	maxAround = 1000
	// graphWidth is up to where parts that do not hang together are drawn beside each other, in
	// pixels.
	graphWidth = 1300
)

// graph is a drawing of who waits for whom.
type graph struct {
	Width, Height int
	Nodes         []graphNode
	Edges         []graphEdge
	// tickets with dependencies that are not drawn; around one ticket, at least so many
	Left  int
	Free  int // tickets without any
	Label string
	Arrow string // the id of its arrow head on the page
}

type graphNode struct {
	ID, Title, Short, Line, State string
	X, Y                          int
	Focus                         bool
	Waits                         []waitView // for the same in words
}

type graphEdge struct {
	From, To, Path string
	Kind           string // "", "parent", "cycle", "done"
}

// openTicket reports whether a ticket is there and not closed.
func (b *Board) openTicket(id string) bool {
	t := b.links.byID[id]
	return t != nil && !t.Column.closed()
}

func (c Column) closed() bool { return c == Done || c == DoneToday }

// boardGraph draws the tickets that wait or are waited for: what is worked on and what can be
// started first, then what these release, as much as fits.
func (b *Board) boardGraph() graph {
	r := b.links
	var roots []*Ticket
	wanted := make(map[string]bool)
	free := 0
	for i := range b.Tickets {
		t := &b.Tickets[i]
		if t.Column.closed() {
			continue
		}
		open := slices.ContainsFunc(r.blocks[t.ID],
			func(id string) bool { return b.openTicket(id) })
		if !open && len(t.waitsOn()) == 0 {
			free++
			continue
		}
		wanted[t.ID] = true
		for _, id := range t.waitsOn() {
			// What is closed long since explains nothing any more; what is missing does.
			if other, found := b.Ticket(id); !found || other.Column != Done {
				wanted[id] = true
			}
		}
		roots = append(roots, t)
	}
	slices.SortStableFunc(roots, func(x, y *Ticket) int {
		return cmp.Or(cmp.Compare(startRank(x), startRank(y)),
			cmp.Compare(len(r.blocks[y.ID]), len(r.blocks[x.ID])),
			cmp.Compare(x.Priority, y.Priority))
	})
	var starts []string
	for _, t := range roots[:min(len(roots), maxGraph/3)] {
		starts = append(starts, t.ID)
	}
	chosen := make(map[string]bool)
	walk(starts, maxGraph, chosen, func(id string) []string {
		var near []string
		for _, other := range slices.Concat(r.blocks[id], r.blockers[id]) {
			if wanted[other] {
				near = append(near, other)
			}
		}
		return near
	})
	for _, t := range roots { // those that hang together with none of the first
		if len(chosen) < maxGraph {
			chosen[t.ID] = true
		}
	}
	g := b.draw(chosen, r, "")
	g.Left, g.Free = len(wanted)-len(chosen), free
	g.Label = fmt.Sprintf("Dependencies of %s", counted(len(chosen), "ticket"))
	return g
}

// startRank orders the tickets from which a board is drawn.
func startRank(t *Ticket) int {
	switch t.Column {
	case InProgress:
		return 0
	case Ready:
		return 1
	}
	return 2
}

// focusGraph draws all that one ticket waits for and all that wait for it.
func (b *Board) focusGraph(id string) graph {
	r := b.links
	chosen := make(map[string]bool)
	all := make(map[string]bool)
	for _, follow := range []map[string][]string{r.blockers, r.blocks} {
		near := func(at string) []string {
			if t, _ := b.Ticket(at); at != id && t.Column.closed() {
				return nil // what is behind a closed one holds nobody up
			}
			return follow[at]
		}
		walk([]string{id}, len(all)+maxAround, all, near)
		walk([]string{id}, min(len(chosen)+maxFocus/2, maxFocus), chosen, near)
	}
	g := b.draw(chosen, r, id)
	g.Left = len(all) - len(chosen)
	g.Label = "What " + id + " waits for, and what waits for it"
	return g
}

// walk adds the starts and what is reached from them to chosen, nearest first, until it has so
// many.
func walk(starts []string, most int, chosen map[string]bool, near func(string) []string) {
	queue := starts
	for _, id := range starts {
		chosen[id] = true
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range near(at) {
			if len(chosen) >= most {
				return
			}
			if !chosen[next] {
				chosen[next] = true
				queue = append(queue, next)
			}
		}
	}
}

// draw lays the chosen tickets out.
func (b *Board) draw(chosen map[string]bool, r links, focus string) graph {
	var ids []string
	for id := range chosen {
		ids = append(ids, id)
	}
	// The order is the first guess of the layout, and what stays where there is no reason to move.
	slices.SortFunc(ids, func(x, y string) int {
		a, _ := b.Ticket(x)
		c, _ := b.Ticket(y)
		return cmp.Or(cmp.Compare(startRank(&a), startRank(&c)),
			cmp.Compare(a.Priority, c.Priority), cmp.Compare(x, y))
	})
	index := make(map[string]int, len(ids))
	for i, id := range ids {
		index[id] = i
	}
	var edges []edge
	for i, id := range ids {
		for _, blocker := range r.blockers[id] {
			if from, drawn := index[blocker]; drawn {
				edges = append(edges, edge{from, i})
			}
		}
	}
	l := packed(len(ids), edges, graphWidth)
	g := graph{Arrow: "arrow" + focus, Width: int(l.width + 0.5), Height: int(l.height + 0.5)}
	for i, id := range ids {
		g.Nodes = append(g.Nodes, b.node(id, l.nodes[i], id == focus))
	}
	for i, e := range edges {
		g.Edges = append(g.Edges, b.drawEdge(ids[e.from], ids[e.to], l, i, e))
	}
	return g
}

func (b *Board) node(id string, at point, focus bool) graphNode {
	const titleWidth, idWidth = 24, 29
	n := graphNode{ID: id, X: int(at.x), Y: int(at.y), Focus: focus}
	t, found := b.Ticket(id)
	if !found {
		n.Title, n.Short, n.State, n.Line = "missing", "missing", "missing", line(id, idWidth)
		return n
	}
	n.Title = line(t.Title, maxTitle)
	n.Short = cmp.Or(line(t.Title, titleWidth), "(no title)")
	n.State = t.Column.Key()
	state := t.Column.String()
	if t.Holder != nil && t.Column == InProgress {
		state = line(t.Holder.Name, maxTitle)
	}
	n.Line = line(id+" · "+state, idWidth)
	for _, w := range t.Waits {
		n.Waits = append(n.Waits, b.waitView(w))
	}
	return n
}

func (b *Board) drawEdge(from, to string, l layout, i int, e edge) graphEdge {
	g := graphEdge{From: from, To: to}
	source, found := b.Ticket(from)
	target, _ := b.Ticket(to)
	switch {
	case l.backward[i]:
		g.Kind = "cycle"
	case found && source.Column.closed():
		g.Kind = "done"
	case !slices.Contains(target.Blockers, from):
		g.Kind = "parent"
	}
	start := point{l.nodes[e.from].x + nodeWidth, l.nodes[e.from].y + nodeHeight/2}
	end := point{l.nodes[e.to].x - 2, l.nodes[e.to].y + nodeHeight/2}
	var d strings.Builder
	fmt.Fprintf(&d, "M%.0f %.0f", start.x, start.y)
	at := start
	curve := func(to point) {
		half := (to.x - at.x) / 2
		if to.x < at.x { // back, around both
			half = nodeWidth / 2
		}
		fmt.Fprintf(&d, "C%.0f %.0f %.0f %.0f %.0f %.0f", at.x+half, at.y, to.x-half, to.y, to.x,
			to.y)
		at = to
	}
	for _, bend := range l.bends[i] {
		curve(bend)
		at = point{bend.x + nodeWidth, bend.y}
		fmt.Fprintf(&d, "H%.0f", at.x)
	}
	curve(end)
	g.Path = d.String()
	return g
}
