package importer

// Waiting is between events, as the board's rules have it: the start of an item waits for the start
// of its parent and the close of its blockers, its close for its start and the close of its
// children. Item i starts at event 2i and closes at 2i+1. Items that are closed are taken as open:
// a reopen must not bring a cycle back.

// steps bounds the search for cycles. Beyond it, which takes a hostile source, edges that may close
// one are left out unseen.
const steps = 20_000_000

// breakCycles leaves out the blockers that would create a dependency cycle, in the order in which
// they were read.
func (p *planner) breakCycles() {
	parts := components(2*len(p.items), p.waits(nil))
	size := map[int]int{}
	for _, part := range parts {
		size[part]++
	}
	// Only within a component of several events can an edge close a cycle: the others are taken as
	// they are, the doubtful ones one by one.
	kept := make([][]int, len(p.items))
	doubtful := make([][]int, len(p.items))
	for i, blockers := range p.blockers {
		for _, b := range blockers {
			if parts[2*i] == parts[2*b+1] && size[parts[2*i]] > 1 {
				doubtful[i] = append(doubtful[i], b)
			} else {
				kept[i] = append(kept[i], b)
			}
		}
	}
	p.blockers = kept
	search := searcher{left: steps, seen: make([]int, 2*len(p.items))}
	within := p.waits(parts)
	for i, blockers := range doubtful {
		for _, b := range blockers {
			if search.reaches(within, 2*b+1, 2*i) {
				p.leave(i, waitsFor, p.items[b].Ref, inCycle)
			} else {
				p.blockers[i] = append(p.blockers[i], b)
			}
		}
	}
	for i, blockers := range p.blockers {
		for _, b := range blockers {
			p.news[i].BlockedBy = append(p.news[i].BlockedBy, p.news[b].ID)
		}
	}
}

// waits returns what an event waits for, within its component if there are any.
func (p *planner) waits(parts []int) func(event int, visit func(int)) {
	children := make([][]int, len(p.items))
	for i, parent := range p.parents {
		if parent >= 0 {
			children[parent] = append(children[parent], i)
		}
	}
	return func(event int, visit func(int)) {
		each := func(to int) {
			if parts == nil || parts[event] == parts[to] {
				visit(to)
			}
		}
		i := event / 2
		if event%2 == 1 {
			each(2 * i)
			for _, c := range children[i] {
				each(2*c + 1)
			}
			return
		}
		if p.parents[i] >= 0 {
			each(2 * p.parents[i])
		}
		for _, b := range p.blockers[i] {
			each(2*b + 1)
		}
	}
}

// searcher looks for paths, with one budget of steps for all searches.
type searcher struct {
	left  int
	seen  []int // the search that saw an event last
	round int
}

// reaches reports whether there is a path, or no step is left to tell.
func (s *searcher) reaches(waits func(int, func(int)), from, to int) bool {
	s.round++
	queue := []int{from}
	s.seen[from] = s.round
	found := false
	for len(queue) > 0 && !found {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if s.left--; s.left < 0 || at == to {
			return true
		}
		waits(at, func(next int) {
			if s.left--; s.seen[next] != s.round {
				s.seen[next] = s.round
				queue = append(queue, next)
			}
		})
	}
	return false
}

// components numbers the strongly connected components of n events (Tarjan's algorithm, with a
// stack of its own: a chain may be long).
func components(n int, waits func(int, func(int))) []int {
	var (
		part  = make([]int, n)
		low   = make([]int, n)
		index = make([]int, n)
		next  = make([][]int, n)
		stack []int
		calls []int
		clock int
		parts int
	)
	open := func(v int) {
		clock++
		index[v], low[v] = clock, clock
		stack = append(stack, v)
		calls = append(calls, v)
		waits(v, func(w int) { next[v] = append(next[v], w) })
	}
	for start := range n {
		if index[start] != 0 {
			continue
		}
		open(start)
		for len(calls) > 0 {
			v := calls[len(calls)-1]
			if len(next[v]) > 0 {
				w := next[v][0]
				next[v] = next[v][1:]
				switch {
				case index[w] == 0:
					open(w)
				case part[w] == 0:
					low[v] = min(low[v], index[w])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				caller := calls[len(calls)-1]
				low[caller] = min(low[caller], low[v])
			}
			if low[v] == index[v] {
				parts++
				for {
					w := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					part[w] = parts
					if w == v {
						break
					}
				}
			}
		}
	}
	return part
}
