package page

import (
	"cmp"
	"slices"
)

// Layered layout of a directed graph, after Sugiyama: edges of cycles are set apart, every node
// stands in the layer behind its last predecessor, an edge over several layers is led through
// places of its own, the order in the layers is improved by barycentres, and the places are drawn
// together as far as the order allows. Each step is linear in what it visits, but for the sorting;
// the number of sweeps is fixed.

// size of what is laid out, in pixels. Layers run from left to right.
const (
	nodeWidth   = 216.0
	nodeHeight  = 46.0
	layerGap    = 64.0
	rowGap      = 14.0
	bendHeight  = 4.0 // of an edge's own place between nodes
	bendGap     = 6.0
	orderSweeps = 6
	placeSweeps = 8
	// maxBends bounds the places of long edges, of which there can be edges times layers; edges
	// beyond it are drawn straight.
	maxBends = 3000
)

// edge is from a node to one that waits for it.
type edge struct{ from, to int }

// point is a place on the plane.
type point struct{ x, y float64 }

// layout is where everything stands.
type layout struct {
	width, height float64
	nodes         []point // upper left corners
	// for each edge the places between its ends; empty for one to the next layer
	bends    [][]point
	backward []bool // for each edge: it closes a cycle
}

// packed lays n nodes out, what hangs together apart from the rest: the parts stand beside each
// other while there is width, the high ones first.
func packed(n int, edges []edge, width float64) layout {
	parts, partOf, place := components(n, edges)
	inner := make([][]edge, len(parts))
	at := make([]int, len(edges)) // the edge's index in its part
	for i, e := range edges {
		p := partOf[e.from]
		at[i] = len(inner[p])
		inner[p] = append(inner[p], edge{place[e.from], place[e.to]})
	}
	layouts := make([]layout, len(parts))
	order := make([]int, len(parts))
	for p := range parts {
		layouts[p] = layered(len(parts[p]), inner[p])
		order[p] = p
		width = max(width, layouts[p].width)
	}
	slices.SortStableFunc(order,
		func(a, b int) int { return cmp.Compare(layouts[b].height, layouts[a].height) })
	corner := make([]point, len(parts))
	all := layout{nodes: make([]point, n), bends: make([][]point, len(edges)),
		backward: make([]bool, len(edges))}
	var x, y, shelf float64
	for _, p := range order {
		l := layouts[p]
		if x > 0 && x+l.width > width {
			x, y, shelf = 0, y+shelf, 0
		}
		corner[p] = point{x, y}
		x += l.width + layerGap/2
		shelf = max(shelf, l.height)
		all.width, all.height = max(all.width, corner[p].x+l.width), max(all.height, y+l.height)
	}
	for v := range n {
		p := partOf[v]
		all.nodes[v] = layouts[p].nodes[place[v]].add(corner[p])
	}
	for i, e := range edges {
		p := partOf[e.from]
		all.backward[i] = layouts[p].backward[at[i]]
		for _, bend := range layouts[p].bends[at[i]] {
			all.bends[i] = append(all.bends[i], bend.add(corner[p]))
		}
	}
	return all
}

func (p point) add(o point) point { return point{p.x + o.x, p.y + o.y} }

// components are the parts of a graph between which there is no edge: the nodes of each, and for
// each node its part and its place there.
func components(n int, edges []edge) (parts [][]int, partOf, place []int) {
	near := make([][]int, n)
	for _, e := range edges {
		near[e.from] = append(near[e.from], e.to)
		near[e.to] = append(near[e.to], e.from)
	}
	partOf, place = make([]int, n), make([]int, n)
	seen := make([]bool, n)
	for root := range n {
		if seen[root] {
			continue
		}
		seen[root] = true
		part := []int{root}
		for i := 0; i < len(part); i++ {
			for _, v := range near[part[i]] {
				if !seen[v] {
					seen[v] = true
					part = append(part, v)
				}
			}
		}
		slices.Sort(part) // the order given is the first guess of the layout
		for i, v := range part {
			partOf[v], place[v] = len(parts), i
		}
		parts = append(parts, part)
	}
	return parts, partOf, place
}

// layered lays n nodes out in layers.
func layered(n int, edges []edge) layout {
	g := newLayering(n, edges)
	g.split()
	g.arrange()
	g.place()
	return g.result()
}

// layering is the work on one graph. The places of edges are nodes n and above.
type layering struct {
	n        int
	edges    []edge
	backward []bool
	layer    []int   // of each node
	chains   [][]int // for each edge its places
	next     [][]int // neighbours in the layer to the right
	prev     [][]int
	rows     [][]int // layers, each from top to bottom
	y        []float64
}

func newLayering(n int, edges []edge) *layering {
	g := &layering{n: n, edges: edges, backward: backEdges(n, edges)}
	g.layer = longestPaths(n, edges, g.backward)
	return g
}

// backEdges marks edges without which there is no cycle.
func backEdges(n int, edges []edge) []bool {
	out := make([][]int, n) // edges by their start
	for i, e := range edges {
		out[e.from] = append(out[e.from], i)
	}
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, n)
	at := make([]int, n) // the next edge to follow
	back := make([]bool, len(edges))
	for root := range n {
		stack := []int{root}
		for len(stack) > 0 {
			v := stack[len(stack)-1]
			if state[v] == done {
				stack = stack[:len(stack)-1]
				continue
			}
			state[v] = open
			if at[v] == len(out[v]) {
				state[v] = done
				stack = stack[:len(stack)-1]
				continue
			}
			i := out[v][at[v]]
			at[v]++
			switch to := edges[i].to; state[to] {
			case open:
				back[i] = true
			case unseen:
				stack = append(stack, to)
			}
		}
	}
	return back
}

// longestPaths gives each node the length of the longest way to it.
func longestPaths(n int, edges []edge, skip []bool) []int {
	out := make([][]int, n)
	waits := make([]int, n)
	for i, e := range edges {
		if !skip[i] {
			out[e.from] = append(out[e.from], e.to)
			waits[e.to]++
		}
	}
	layer := make([]int, n)
	var queue []int
	for v := range n {
		if waits[v] == 0 {
			queue = append(queue, v)
		}
	}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, to := range out[v] {
			layer[to] = max(layer[to], layer[v]+1)
			if waits[to]--; waits[to] == 0 {
				queue = append(queue, to)
			}
		}
	}
	return layer
}

// split gives edges over several layers a place in each layer between, and knows the neighbours
// then.
func (g *layering) split() {
	g.chains = make([][]int, len(g.edges))
	bends := 0
	connect := func(from, to int) {
		for len(g.next) <= max(from, to) {
			g.next, g.prev = append(g.next, nil), append(g.prev, nil)
		}
		g.next[from] = append(g.next[from], to)
		g.prev[to] = append(g.prev[to], from)
	}
	for i, e := range g.edges {
		if g.backward[i] {
			continue
		}
		last := e.from
		if span := g.layer[e.to] - g.layer[e.from] - 1; bends+span <= maxBends {
			bends += span
			for l := g.layer[e.from] + 1; l < g.layer[e.to]; l++ {
				v := len(g.layer)
				g.layer = append(g.layer, l)
				g.chains[i] = append(g.chains[i], v)
				connect(last, v)
				last = v
			}
			connect(last, e.to)
		}
	}
	for len(g.next) < len(g.layer) {
		g.next, g.prev = append(g.next, nil), append(g.prev, nil)
	}
	for v, l := range g.layer {
		for len(g.rows) <= l {
			g.rows = append(g.rows, nil)
		}
		g.rows[l] = append(g.rows[l], v)
	}
}

// arrange sorts the layers by the mean place of the neighbours, forwards and back.
func (g *layering) arrange() {
	at := make([]float64, len(g.layer))
	note := func(row []int) {
		for i, v := range row {
			at[v] = float64(i)
		}
	}
	for _, row := range g.rows {
		note(row)
	}
	for sweep := range orderSweeps {
		neighbours := g.prev
		if sweep%2 == 1 {
			neighbours = g.next
		}
		for i := range g.rows {
			row := g.rows[i]
			if sweep%2 == 1 {
				row = g.rows[len(g.rows)-1-i]
			}
			want := make(map[int]float64, len(row))
			for _, v := range row {
				want[v] = mean(neighbours[v], at)
			}
			slices.SortStableFunc(row, func(a, b int) int { return cmp.Compare(want[a], want[b]) })
			note(row)
		}
	}
}

// mean is that of the neighbours' places; without neighbours, no wish: a node stays near the top,
// where work that is free stands.
func mean(neighbours []int, at []float64) float64 {
	if len(neighbours) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range neighbours {
		sum += at[v]
	}
	return sum / float64(len(neighbours))
}

// place draws neighbours together. In each layer it takes the places nearest to the wished ones
// that keep the order.
func (g *layering) place() {
	g.y = make([]float64, len(g.layer))
	for _, row := range g.rows {
		y := 0.0
		for _, v := range row {
			g.y[v] = y + g.height(v)/2
			y += g.height(v) + rowGap
		}
	}
	for sweep := range placeSweeps {
		for i := range g.rows {
			row := g.rows[i]
			if sweep%2 == 1 {
				row = g.rows[len(g.rows)-1-i]
			}
			g.relax(row)
		}
	}
}

func (g *layering) height(v int) float64 {
	if v < g.n {
		return nodeHeight
	}
	return bendHeight
}

// gap is the room between two that stand one below the other.
func (g *layering) gap(a, b int) float64 {
	if a >= g.n && b >= g.n {
		return bendGap
	}
	return rowGap
}

// relax moves a layer's nodes to the mean of their neighbours, by isotonic regression: with the
// distances that have to be kept taken off, the wished places must not fall from one node to the
// next, so neighbours that would are pooled into one mean.
func (g *layering) relax(row []int) {
	type pool struct {
		sum    float64
		weight float64
		nodes  int
	}
	offset := make([]float64, len(row))
	var pools []pool
	for i, v := range row {
		if i > 0 {
			offset[i] = offset[i-1] + g.height(row[i-1])/2 + g.height(v)/2 + g.gap(row[i-1], v)
		}
		wish, weight := g.y[v], 0.1 // who has no neighbours gives way
		if near := len(g.prev[v]) + len(g.next[v]); near > 0 {
			wish, weight = 0, 1
			for _, u := range g.prev[v] {
				wish += g.y[u]
			}
			for _, u := range g.next[v] {
				wish += g.y[u]
			}
			wish /= float64(near)
			if v >= g.n {
				weight = 3 // edges are better straight
			}
		}
		pools = append(pools, pool{(wish - offset[i]) * weight, weight, 1})
		for len(pools) > 1 {
			last, before := pools[len(pools)-1], pools[len(pools)-2]
			if before.sum/before.weight <= last.sum/last.weight {
				break
			}
			pools = pools[:len(pools)-1]
			pools[len(pools)-1] = pool{before.sum + last.sum, before.weight + last.weight,
				before.nodes + last.nodes}
		}
	}
	i := 0
	for _, p := range pools {
		for range p.nodes {
			g.y[row[i]] = p.sum/p.weight + offset[i]
			i++
		}
	}
}

func (g *layering) result() layout {
	const margin = 8
	l := layout{nodes: make([]point, g.n), bends: make([][]point, len(g.edges)),
		backward: g.backward}
	if g.n == 0 {
		return l
	}
	top, bottom := g.y[0], g.y[0]
	for v, y := range g.y {
		top = min(top, y-g.height(v)/2)
		bottom = max(bottom, y+g.height(v)/2)
	}
	x := func(v int) float64 { return margin + float64(g.layer[v])*(nodeWidth+layerGap) }
	for v := range g.n {
		l.nodes[v] = point{x(v), g.y[v] - nodeHeight/2 - top + margin}
	}
	for i, chain := range g.chains {
		for _, v := range chain {
			l.bends[i] = append(l.bends[i], point{x(v), g.y[v] - top + margin})
		}
	}
	l.width = 2*margin + float64(len(g.rows))*(nodeWidth+layerGap) - layerGap
	l.height = 2*margin + bottom - top
	return l
}
