package race

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Verdicts are pure: from what was answered and what the files hold at the end to the promises that
// were broken, one line each.

// call is a tool call of a race.
type call struct {
	tool   string // start, close, reopen or block
	ticket string
	other  string // the blocker of a block
}

func (c call) String() string {
	if c.other != "" {
		return fmt.Sprintf("%s(%s, %s)", c.tool, c.ticket, c.other)
	}
	return fmt.Sprintf("%s(%s)", c.tool, c.ticket)
}

// reply is what a server said to a call. Neither code nor fault: it said that it was done.
type reply struct {
	call
	process   int
	code      string // of the refusal, if it is one
	text      string
	claim     string // of a start that was done
	fault     string // why there is no answer, or one that is no refusal and no success
	sent, got time.Time
}

func (r reply) done() bool { return r.code == "" && r.fault == "" }

func (r reply) String() string {
	switch {
	case r.fault != "":
		return fmt.Sprintf("%v by process %d: %s", r.call, r.process, r.fault)
	case r.code != "":
		return fmt.Sprintf("%v by process %d: refused, %s", r.call, r.process, r.text)
	}
	return fmt.Sprintf("%v by process %d: done", r.call, r.process)
}

// state is what the ticket files hold, by id.
type state map[string]document.Ticket

// shows reports whether what a call does can be seen in the file of its ticket.
func (b state) shows(r reply) bool {
	t := b[r.ticket]
	switch r.tool {
	case "start":
		return t.Status == document.StatusInProgress && t.ClaimedBy == r.claim
	case "close":
		return t.Status == document.StatusClosed
	case "reopen":
		return t.Status == document.StatusOpen
	case "block":
		return t.BlockedByID(r.other)
	}
	return false
}

// lost are the calls that were answered with success and cannot be seen in the files.
func lost(replies []reply, final state) []reply {
	var gone []reply
	for _, r := range replies {
		if r.done() && !final.shows(r) {
			gone = append(gone, r)
		}
	}
	return gone
}

// judgeUpdates: every block of one ticket by another blocker is done, and the file names all of
// them and nothing else.
func judgeUpdates(replies []reply, final state) []string {
	var broken []string
	asked := make(map[string]bool)
	for _, r := range replies {
		asked[r.other] = true
		switch {
		case !r.done():
			broken = append(broken, "not done: "+r.String())
		case !final.shows(r):
			broken = append(broken, "lost: "+r.String()+", but the file does not show it")
		}
	}
	seen := make(map[string]bool)
	for id, t := range final {
		for _, blocker := range t.BlockedBy {
			if !asked[blocker.ID] || seen[blocker.ID] {
				broken = append(broken,
					fmt.Sprintf("%s names the blocker %s, which nobody asked for, or twice", id,
						blocker.ID))
			}
			seen[blocker.ID] = true
		}
	}
	return broken
}

// judgeStarts: of many starts of one ticket one is done, all others are refused as claimed, and the
// claim is the winner's.
func judgeStarts(replies []reply, final state) []string {
	var broken, winners []string
	for _, r := range replies {
		switch {
		case r.done():
			winners = append(winners, fmt.Sprintf("process %d as %s", r.process, r.claim))
			if !final.shows(r) {
				t := final[r.ticket]
				broken = append(broken, fmt.Sprintf("lost: %v, but the file says %s, claimed by %q",
					r, t.Status, t.ClaimedBy))
			}
		case r.code != string(ticketfs.Claimed):
			broken = append(broken, "should be claimed: "+r.String())
		}
	}
	if len(winners) != 1 {
		broken = append(broken, fmt.Sprintf("%v has %d winners: %s", replies[0].call, len(winners),
			strings.Join(winners, ", ")))
	}
	return broken
}

// judgeOrders: the answers and the files are those of one order in which the calls, each on a
// ticket of its own, came one after the other. Each of orders is such an order's answers: a code
// for each call, "" for done. The file of a call that was done shows it, that of a refused one is
// as before.
func judgeOrders(replies []reply, before, final state, orders [][]string) []string {
	for _, codes := range orders {
		fits := true
		for i, r := range replies {
			same := reflect.DeepEqual(before[r.ticket], final[r.ticket])
			fits = fits && r.fault == "" && r.code == codes[i] &&
				(r.done() && final.shows(r) || !r.done() && same)
		}
		if fits {
			return nil
		}
	}
	var answers []string
	for _, r := range replies {
		answers = append(answers, r.String())
	}
	why := rulesBroken(final)
	if len(why) == 0 {
		why = []string{"no order of the calls explains the answers and the files"}
	}
	return []string{fmt.Sprintf("%s. answers: %s. files: %s", strings.Join(why, "; "),
		strings.Join(answers, "; "), final)}
}

// rulesBroken are the rules between tickets that the files break.
func rulesBroken(final state) []string {
	var broken []string
	for _, id := range final.ids() {
		t := final[id]
		if final[t.Parent].Status == document.StatusClosed && t.Status != document.StatusClosed {
			broken = append(broken, fmt.Sprintf("%s is closed and its child %s is %s", t.Parent, id,
				t.Status))
		}
		if around := final.cycle(id); around != nil && slices.Min(around) == id {
			broken = append(broken, "these wait for each other: "+strings.Join(append(around, id),
				" -> "))
		}
	}
	return broken
}

// cycle is a way from a ticket along its blockers back to it, nil if there is none.
func (b state) cycle(id string) []string {
	before := map[string]string{}
	for queue := []string{id}; len(queue) > 0; queue = queue[1:] {
		for _, next := range b[queue[0]].BlockedBy {
			if _, seen := before[next.ID]; seen {
				continue
			}
			before[next.ID] = queue[0]
			if next.ID != id {
				queue = append(queue, next.ID)
				continue
			}
			way := []string{before[id]}
			for way[0] != id {
				way = slices.Insert(way, 0, before[way[0]])
			}
			return way
		}
	}
	return nil
}

func (b state) ids() []string {
	var ids []string
	for id := range b {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (b state) String() string {
	var parts []string
	for _, id := range b.ids() {
		part := fmt.Sprintf("%s %s", id, b[id].Status)
		for i, blocker := range b[id].BlockedBy {
			part += []string{" blocked by ", ", "}[min(i, 1)] + blocker.ID
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
