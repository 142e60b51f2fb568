package tools

import (
	"strconv"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// cycles finds tickets that wait for each other: cycles, one finding each, without which none would
// be left. Linear in the tickets and what they wait for.
func cycles(tickets []document.Ticket) []Finding {
	g := graphOf(tickets)
	for e := range g.next {
		if g.waitsFor[e] == 0 {
			g.remove(int32(e))
		}
	}
	var found []Finding
	var way []int32           // each waits for the next
	at := make(map[int32]int) // where an event stands on the way
	// of each event, the first that it waits for and that may be left
	turn := make([]int32, len(g.next))
	for first := range g.next {
		if !g.gone[first] {
			way, at[int32(first)] = append(way, int32(first)), 0
		}
		for len(way) > 0 {
			e := way[len(way)-1]
			for g.gone[g.next[e][turn[e]]] { // one is left, or e would be gone
				turn[e]++
			}
			next := g.next[e][turn[e]]
			from, closes := at[next]
			if !closes {
				at[next] = len(way)
				way = append(way, next)
				continue
			}
			found = append(found, g.finding(way[from:]))
			for _, e := range way[from:] {
				g.remove(e)
			}
			for len(way) > 0 && g.gone[way[len(way)-1]] {
				delete(at, way[len(way)-1])
				way = way[:len(way)-1]
			}
		}
	}
	return found
}

// graph is what the function waits gives, for all tickets at once: the start of the n-th ticket is
// event 2n, its close 2n+1.
type graph struct {
	tickets  []document.Ticket
	next     [][]int32 // what each event waits for; of closed tickets nothing
	behind   [][]int32 // and which wait for it
	waitsFor []int     // for how many that are not gone
	gone     []bool    // for want of anything to wait for, or as one of a cycle that was found
}

func graphOf(tickets []document.Ticket) *graph {
	n := 2 * len(tickets)
	g := &graph{tickets, make([][]int32, n), make([][]int32, n), make([]int, n), make([]bool, n)}
	number := make(map[string]int, len(tickets)) // what is missing or closed waits for nothing
	for i, t := range tickets {
		if t.Status != document.StatusClosed {
			number[t.ID] = i
		}
	}
	edge := func(from, to int) {
		g.next[from] = append(g.next[from], int32(to))
		g.behind[to] = append(g.behind[to], int32(from))
		g.waitsFor[from]++
	}
	for i, t := range tickets {
		if t.Status == document.StatusClosed {
			continue
		}
		start, end := 2*i, 2*i+1
		edge(end, start)
		if parent, there := number[t.Parent]; there {
			edge(start, 2*parent)
			edge(2*parent+1, end)
		}
		for _, b := range t.BlockedBy {
			if blocker, there := number[b.ID]; there {
				edge(start, 2*blocker+1)
			}
		}
	}
	return g
}

// remove takes an event away, and all that then wait for nothing.
func (g *graph) remove(event int32) {
	if g.gone[event] {
		return
	}
	g.gone[event] = true
	for free := []int32{event}; len(free) > 0; {
		e := free[len(free)-1]
		free = free[:len(free)-1]
		for _, waiting := range g.behind[e] {
			if g.waitsFor[waiting]--; g.waitsFor[waiting] == 0 && !g.gone[waiting] {
				g.gone[waiting] = true
				free = append(free, waiting)
			}
		}
	}
}

func (g *graph) finding(cycle []int32) Finding {
	var ids []string
	for _, e := range cycle {
		if id := g.tickets[e/2].ID; len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	if last := len(ids) - 1; last > 0 && ids[last] == ids[0] {
		ids = ids[:last]
	}
	return Finding{ID: ids[0], Kind: waitCycle,
		What: "these wait for each other: " + pathText(append(ids, ids[0])) +
			"; unblock one of them"}
}

// pathText names the tickets along a path, of a long one its ends.
func pathText(ids []string) string {
	const ends = 10
	if more := len(ids) - 2*ends; more > 1 {
		short := append([]string{}, ids[:ends]...)
		short = append(short, "("+strconv.Itoa(more)+" more)")
		ids = append(short, ids[len(ids)-ends:]...)
	}
	return strings.Join(ids, " -> ")
}
