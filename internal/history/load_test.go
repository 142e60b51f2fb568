package history_test

import (
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// family is a board of n open tickets: a quarter are epics, half are their children, and some of
// the others are blocked.
func family(n int) map[string]spec.Ticket {
	board := map[string]spec.Ticket{}
	for i := range n {
		t := spec.Ticket{Status: spec.Open, Title: "Ticket " + ticketID(i), Type: "task",
			Priority: 1 + i%4}
		epics := n / 4
		switch {
		case i < epics:
			t.Type = "epic"
		case i < 3*epics:
			t.Parent = ticketID(i % epics)
		case i%2 == 0:
			t.BlockedBy = []string{ticketID(i - 1)}
		}
		board[ticketID(i)] = t
	}
	return board
}

// loose is a board of n open tickets that have nothing to do with each other.
func loose(n int) map[string]spec.Ticket {
	board := map[string]spec.Ticket{}
	for i := range n {
		board[ticketID(i)] = spec.Ticket{Status: spec.Open, Title: "Ticket " + ticketID(i),
			Type: "task", Priority: 2}
	}
	return board
}

// filler is a board of n tickets of the past.
func filler(n int) map[string]spec.Ticket {
	board := map[string]spec.Ticket{}
	for i := range n {
		board[fmt.Sprint(fillerID, i)] = spec.Ticket{Status: spec.Closed, Title: "The past",
			Type: "task", Priority: 2}
	}
	return board
}

const fillerID = "past-"

func ticketID(i int) string { return fmt.Sprintf("t%02d", i) }

// anything is a call of any kind, mostly one that has a chance.
func anything(h *hand) spec.UserInput {
	i := h.IntN(len(h.ids))
	u := spec.UserInput{ID: h.ids[i]}
	text := fmt.Sprintf("%s-%d", h.name, h.sent)
	held := func() {
		if id := h.held.any(h.Rand); id != "" && h.IntN(4) > 0 {
			u.ID = id
		}
	}
	// Blocks are among few pairs, so that they are often there already, or would close a cycle.
	blocker := h.ids[(i+1+5*h.IntN(2))%16]
	switch n := h.IntN(100); {
	case n < 16:
		u.Verb, u.Takeover = spec.Start, h.IntN(3) == 0
	case n < 26:
		u = spec.UserInput{Verb: spec.StartNext}
	case n < 42:
		u.Verb = spec.Close
		held()
		if h.IntN(2) == 0 {
			u.Reason = "done by " + text
		}
	case n < 48:
		u.Verb = spec.Release
		held()
		if h.IntN(2) == 0 {
			u.Reason = text
		}
	case n < 58:
		u.Verb = spec.Reopen
		if h.IntN(2) == 0 {
			u.Reason = text
		}
	case n < 70:
		u.Verb, u.Text = spec.Note, text
	case n < 78:
		u.Verb = spec.Update
		h.fields(&u, text)
	case n < 84:
		u.Verb, u.Blocker = spec.Block, blocker
	case n < 90:
		u.Verb, u.Blocker = spec.Unblock, blocker
	case n < 98:
		u.Verb = look
	default:
		u = spec.UserInput{Verb: spec.Create, Title: &text, BlockedBy: []string{u.ID}}
		if parent := ticketID(h.IntN(4)); h.IntN(2) == 0 {
			u.Parent = &parent
		}
	}
	return u
}

// fields chooses what an update changes.
func (h *hand) fields(u *spec.UserInput, text string) {
	switch h.IntN(5) {
	case 0:
		title := "Ticket " + text
		u.Title = &title
	case 1:
		u.Priority = new(int)
		*u.Priority = 1 + h.IntN(4)
	case 2:
		u.Assignee = &text
	case 3:
		kind := []string{"bug", "feature", "task", "chore"}[h.IntN(4)]
		u.Type = &kind
	default:
		parent := ""
		if h.IntN(2) == 0 {
			parent = ticketID(h.IntN(4))
		}
		u.Parent = &parent
	}
}

// The loads by which broken programs are caught. Each is small: what is rare is found by many
// rounds, not by long ones.
var (
	drops = play{name: "drops", board: family(8), sessions: 4, lanes: 2, calls: 80, lives: 1,
		choose: ending, together: true,
		conversations: 1, agents: []string{"one", "two"}}
	crowd = play{name: "crowd", board: loose(2), sessions: 6, lanes: 1, calls: 30, lives: 1,
		choose: writing}
	claims = play{name: "claims", board: loose(2), sessions: 6, lanes: 1, calls: 30, lives: 1,
		choose: claiming}
	dialect = play{name: "dialect", board: chain(loose(3)), blockerKey: document.KeyDeps,
		sessions: 4, lanes: 1, calls: 30, lives: 1, choose: claiming}
	rings = play{name: "rings", board: loose(4), sessions: 4, lanes: 1, calls: 60, lives: 1,
		choose: relating, together: true}
	families = play{name: "families", board: child(loose(2)), sessions: 4, lanes: 1, calls: 60,
		lives: 1, choose: finishing, together: true}
	worktrees = play{name: "worktrees", board: loose(2), sessions: 4, lanes: 1, calls: 30,
		lives: 1, choose: claiming, worktrees: true}
	vandalized = play{name: "vandalized", board: loose(2), sessions: 6, lanes: 1, calls: 30,
		lives: 1, choose: writing, unlink: true}
)

// chain makes each ticket of a board wait for the one before.
func chain(board map[string]spec.Ticket) map[string]spec.Ticket {
	for i := 1; i < len(board); i++ {
		t := board[ticketID(i)]
		t.BlockedBy = []string{ticketID(i - 1)}
		board[ticketID(i)] = t
	}
	return board
}

// ending has tickets dropped with all below them, held and finished, while others start them; a
// close may start the next.
func ending(h *hand) spec.UserInput {
	mine := h.held.any(h.Rand)
	switch n := h.IntN(20); {
	case n < 4:
		return spec.UserInput{Verb: spec.StartNext}
	case n < 7:
		return spec.UserInput{Verb: spec.Start, ID: h.any()}
	case n < 11:
		return spec.UserInput{Verb: spec.Close, ID: h.any(), Resolution: spec.Dropped,
			Children: h.IntN(3) > 0, Next: h.IntN(4) == 0}
	case n < 14 && mine != "":
		return spec.UserInput{Verb: spec.Close, ID: mine, Next: h.IntN(2) == 0}
	case n < 15 && mine != "":
		return spec.UserInput{Verb: spec.Release, ID: mine, Hold: new(h.name)}
	case n < 16:
		return spec.UserInput{Verb: spec.Update, ID: h.any(),
			Hold: new([]string{"", "", h.name}[h.IntN(3)])}
	}
	return spec.UserInput{Verb: spec.Reopen, ID: h.any()}
}

// child makes the second ticket of a board the child of the first.
func child(board map[string]spec.Ticket) map[string]spec.Ticket {
	t := board[ticketID(1)]
	t.Parent = ticketID(0)
	board[ticketID(1)] = t
	return board
}

// any is one of the tickets of the hand's board.
func (h *hand) any() string { return h.ids[h.IntN(len(h.ids))] }

// writing is mostly notes, the calls that take the ticket's lock alone.
func writing(h *hand) spec.UserInput {
	if h.IntN(3) > 0 {
		return spec.UserInput{Verb: spec.Note, ID: h.any(),
			Text: fmt.Sprintf("%s-%d", h.name, h.sent)}
	}
	return spec.UserInput{Verb: []spec.Verb{spec.Start, spec.Release, look}[h.IntN(3)], ID: h.any()}
}

// claiming is to want what others have.
func claiming(h *hand) spec.UserInput {
	id := h.held.any(h.Rand)
	switch {
	case id != "" && h.IntN(2) == 0:
		return spec.UserInput{Verb: []spec.Verb{spec.Release, spec.Close}[h.IntN(2)], ID: id}
	case h.IntN(3) == 0:
		return spec.UserInput{Verb: spec.Reopen, ID: h.any()}
	}
	return spec.UserInput{Verb: spec.Start, ID: h.any(), Takeover: h.IntN(2) == 0}
}

// relating makes the tickets of a pair wait for each other, and takes it back.
func relating(h *hand) spec.UserInput {
	n := h.IntN(len(h.ids))
	return spec.UserInput{Verb: []spec.Verb{spec.Block, spec.Unblock}[h.IntN(2)], ID: ticketID(n),
		Blocker: ticketID(n ^ 1)}
}

// finishing closes a parent while its child is opened again.
func finishing(h *hand) spec.UserInput {
	if id := h.held.any(h.Rand); id != "" && h.IntN(2) == 0 {
		return spec.UserInput{Verb: spec.Close, ID: id}
	}
	return spec.UserInput{Verb: []spec.Verb{spec.Start, spec.Close, spec.Reopen}[h.IntN(3)],
		ID: h.any()}
}
