package race

import (
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// scenario is one kind of race: rounds of calls that are made at the same moment, on tickets made
// for the round.
type scenario struct {
	name   string
	rounds int
	round  func(n int) round
}

// round is one race. Each lane is the calls that one process makes, one after the other; the lanes
// run at once.
type round struct {
	tickets []document.Ticket // before the race
	lanes   [][]call
	judge   func(replies []reply, before, final state) []string
}

// scenarios are the races, for a number of processes, of updates by each of them, and of rounds.
func scenarios(processes, updates, rounds int) []scenario {
	return []scenario{
		{fmt.Sprintf("%d processes update one ticket", processes), 1,
			func(int) round { return updateOne(processes, updates) }},
		{fmt.Sprintf("%d processes start one ticket", processes), (rounds + 2) / 3,
			func(n int) round { return startOne(n, processes) }},
		{"block a by b, block b by a", rounds, func(n int) round { return blockRing(n, "a", "b") }},
		{"a ring of three blocks", rounds,
			func(n int) round { return blockRing(n, "x", "y", "z") }},
		{"close parent, reopen child", rounds, closeAndReopen},
		{"start, reopen the blocker", rounds, startAndReopen},
	}
}

const (
	statusOpen       = document.StatusOpen
	statusInProgress = document.StatusInProgress
	statusClosed     = document.StatusClosed
)

// updateOne: every process blocks the same ticket by tickets that no other process names. No rule
// is against any of it.
func updateOne(processes, updates int) round {
	const target = "update"
	r := round{
		tickets: []document.Ticket{{ID: target, Status: statusOpen}},
		judge:   func(replies []reply, _, final state) []string { return judgeUpdates(replies, final) },
	}
	for p := range processes {
		var lane []call
		for u := range updates {
			blocker := fmt.Sprintf("blocker-%d-%d", p, u)
			r.tickets = append(r.tickets, document.Ticket{ID: blocker, Status: statusOpen})
			lane = append(lane, call{"block", target, blocker})
		}
		r.lanes = append(r.lanes, lane)
	}
	return r
}

// startOne: every process starts the same open ticket.
func startOne(n, processes int) round {
	id := fmt.Sprintf("start-%d", n)
	r := round{
		tickets: []document.Ticket{{ID: id, Status: statusOpen}},
		judge:   func(replies []reply, _, final state) []string { return judgeStarts(replies, final) },
	}
	for range processes {
		r.lanes = append(r.lanes, []call{{"start", id, ""}})
	}
	return r
}

// blockRing: each ticket is blocked by the next one and the last by the first. In every order the
// last block to come would close the ring and is refused; nothing is against the others.
func blockRing(n int, names ...string) round {
	var ids []string
	for _, name := range names {
		ids = append(ids, fmt.Sprintf("ring-%d-%s", n, name))
	}
	var r round
	var orders [][]string
	for i, id := range ids {
		r.tickets = append(r.tickets, document.Ticket{ID: id, Status: statusOpen})
		r.lanes = append(r.lanes, []call{{"block", id, ids[(i+1)%len(ids)]}})
		codes := make([]string, len(ids))
		codes[i] = string(ticketfs.Cycle)
		orders = append(orders, codes)
	}
	r.judge = explainedBy(orders...)
	return r
}

// closeAndReopen: a started parent is closed while its closed child is reopened. Whichever comes
// first forbids the other.
func closeAndReopen(n int) round {
	parent, child := fmt.Sprintf("parent-%d", n), fmt.Sprintf("child-%d", n)
	return round{
		tickets: []document.Ticket{{ID: parent, Status: statusInProgress},
			{ID: child, Status: statusClosed, Parent: parent}},
		lanes: [][]call{{{"close", parent, ""}}, {{"reopen", child, ""}}},
		judge: explainedBy([]string{"", string(ticketfs.ParentStatus)},
			[]string{string(ticketfs.OpenChildren), ""}),
	}
}

// startAndReopen: a ticket is started while its closed blocker is reopened. The start is done if it
// comes first; nothing is against the reopen in either order.
func startAndReopen(n int) round {
	id, blocker := fmt.Sprintf("waiting-%d", n), fmt.Sprintf("blocker-%d", n)
	return round{
		tickets: []document.Ticket{{ID: id, Status: statusOpen,
			BlockedBy: []document.Blocker{{ID: blocker}}}, {ID: blocker, Status: statusClosed}},
		lanes: [][]call{{{"start", id, ""}}, {{"reopen", blocker, ""}}},
		judge: explainedBy([]string{"", ""}, []string{string(ticketfs.Blocked), ""}),
	}
}

func explainedBy(orders ...[]string) func(replies []reply, before, final state) []string {
	return func(replies []reply, before, final state) []string {
		return judgeOrders(replies, before, final, orders)
	}
}
