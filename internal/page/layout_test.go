package page

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLayout: whatever the graph, nothing lies on another, arrows lead to the right, and only those
// that close a cycle back.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "nodes")
		edges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) edge {
			return edge{rapid.IntRange(0, n-1).Draw(t, "from"),
				rapid.IntRange(0, n-1).Draw(t, "to")}
		}), 0, 80).Draw(t, "edges")
		l := packed(n, edges, graphWidth)
		for a := range n {
			p := l.nodes[a]
			if p.x < 0 || p.y < 0 || p.x+nodeWidth > l.width || p.y+nodeHeight > l.height {
				t.Fatalf("node %d at %v is outside of %g x %g", a, p, l.width, l.height)
			}
			for b := range a {
				q := l.nodes[b]
				if p.x < q.x+nodeWidth && q.x < p.x+nodeWidth && p.y < q.y+nodeHeight-0.01 &&
					q.y < p.y+nodeHeight-0.01 {
					t.Fatalf("nodes %d at %v and %d at %v overlap", a, p, b, q)
				}
			}
		}
		for i, e := range edges {
			if !l.backward[i] && l.nodes[e.to].x < l.nodes[e.from].x+nodeWidth {
				t.Fatalf("edge %v leads back and closes no cycle", e)
			}
		}
		if cyclic(n, edges) != anyTrue(l.backward) {
			t.Fatalf("cycle: %v; edges drawn as closing one: %v", cyclic(n, edges), l.backward)
		}
	})
}

func anyTrue(list []bool) bool {
	for _, b := range list {
		if b {
			return true
		}
	}
	return false
}

// cyclic removes nodes that nothing leads to until none is left.
func cyclic(n int, edges []edge) bool {
	gone := make([]bool, n)
	for {
		removed := false
		for v := range n {
			into := false
			for _, e := range edges {
				into = into || e.to == v && !gone[e.from]
			}
			if !gone[v] && !into {
				gone[v], removed = true, true
			}
		}
		if !removed {
			for _, g := range gone {
				if !g {
					return true
				}
			}
			return false
		}
	}
}

// TestLayoutOfLargeGraphs: the work grows with the graph, not with its square.
func TestLayoutOfLargeGraphs(t *testing.T) {
	const n = 10_000
	chain, fan, dense := []edge{}, []edge{}, []edge{}
	for i := 1; i < n; i++ {
		chain = append(chain, edge{i - 1, i})
		fan = append(fan, edge{0, i})
		dense = append(dense, edge{i - 1, i}, edge{i / 2, i}, edge{i / 3, i})
	}
	for name, edges := range map[string][]edge{"chain": chain, "fan": fan, "dense": dense} {
		began := time.Now()
		l := packed(n, edges, graphWidth)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %s", name, took)
		}
		bends := 0
		for _, b := range l.bends {
			bends += len(b)
		}
		if bends > maxBends {
			t.Errorf("%s: %d places of long edges", name, bends)
		}
	}
}

// TestFocusGraphIsBounded: around one ticket of a large board.
func TestFocusGraphIsBounded(t *testing.T) {
	b := &Board{}
	for i := range 5000 {
		ticket := Ticket{ID: fmt.Sprintf("t%04d", i), Column: Waiting}
		if i > 0 {
			ticket.Blockers = []string{fmt.Sprintf("t%04d", i-1)}
		}
		b.Tickets = append(b.Tickets, ticket)
	}
	g := b.prepare().focusGraph("t2500")
	if len(g.Nodes) > maxFocus || len(g.Nodes) < maxFocus/2 || g.Left < 100 {
		t.Errorf("%d drawn, %d more", len(g.Nodes), g.Left)
	}
}
