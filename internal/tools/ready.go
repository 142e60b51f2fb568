package tools

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type readyIn struct {
	Limit  int     `json:"limit"`
	Type   string  `json:"type"`
	Parent *string `json:"parent"`
	Tag    string  `json:"tag"`
}

// readyAnswer lists what start would accept from this session.
type readyAnswer struct {
	Tickets  []row `json:"tickets"`
	More     int   `json:"more,omitempty"`
	Problems []row `json:"problems,omitempty"`
	// MoreProblems are files that cannot be read beyond those that Problems names.
	MoreProblems int    `json:"more_problems,omitempty"`
	Message      string `json:"message"`
	place
}

func (a readyAnswer) Text() string {
	lines := []string{a.Message}
	for _, r := range a.Tickets {
		lines = append(lines, r.line())
	}
	for _, r := range a.Problems {
		lines = append(lines, "malformed: "+r.line())
	}
	if a.MoreProblems > 0 {
		lines = append(lines, fmt.Sprintf("+%d more malformed: see repair", a.MoreProblems))
	}
	return joinLines(append(lines, a.place.Text())...)
}

// problem names a file that cannot be read; of many only the first and their number.
func (a *readyAnswer) problem(p row) {
	const most = 5
	if len(a.Problems) < most {
		a.Problems = append(a.Problems, p)
	} else {
		a.MoreProblems++
	}
}

// rowBudget is how many bytes the rows of an answer may take, when the caller did not say how many
// there shall be.
func rowBudget(limit int) int {
	if limit > 0 {
		return math.MaxInt
	}
	return 5000
}

// size is about what a row takes, as text or in JSON, whichever is longer.
func (r row) size() int {
	const names = 110 // of the fields, quoted
	return len(r.line()) + names
}

// defaultLimit is how many tickets list and ready name when no limit is given.
const defaultLimit = 20

// ready lists the tickets that can be started now, the next one first; if there is none, why.
func (c *call) ready(_ context.Context, in readyIn) (Answer, error) {
	parent, err := parentFilter(in.Parent)
	if err != nil {
		return nil, err
	}
	wanted := readyQuery{typ: in.Type, parent: parent, tags: c.lane(in.Tag),
		limit: cmp.Or(in.Limit, defaultLimit)}
	l, err := c.readyList(wanted)
	if err != nil {
		return nil, err
	}
	a := readyAnswer{Tickets: []row{}, place: c.place(nil)}
	for _, p := range l.problems {
		a.problem(p)
	}
	budget := rowBudget(in.Limit)
	for _, next := range l.candidates {
		r := next.row()
		if budget -= r.size(); budget < 0 && len(a.Tickets) > 0 {
			break
		}
		a.Tickets = append(a.Tickets, r)
	}
	a.More = l.total - len(a.Tickets)
	switch {
	case len(a.Tickets) == 0:
		a.Message = "nothing is ready: " + l.why() + c.outsideLane(wanted)
	case a.More > 0:
		a.Message = fmt.Sprintf("%s ready, +%d more", counted(len(a.Tickets), "ticket"), a.More)
	default:
		a.Message = counted(len(a.Tickets), "ticket") + " ready"
	}
	if len(a.Tickets) > 0 && l.inGrace > 0 {
		a.Message += fmt.Sprintf("; %d more in %s, unless its holder, which just died, comes back",
			l.inGrace, seconds(l.graceEnds))
	}
	if holds := l.onHold(); len(a.Tickets) > 0 && holds != "" {
		a.Message += "; " + holds
	}
	return a, nil
}

// parentFilter is the parent that a list is narrowed to, "" if none was given.
func parentFilter(parent *string) (string, error) {
	if parent == nil {
		return "", nil
	}
	if !document.ValidID(*parent) {
		return "", invalidID("parent", *parent)
	}
	return *parent, nil
}

// instead names ready tickets for a caller who was refused one.
func (c *call) instead() string {
	const most = 3
	l, err := c.readyList(readyQuery{tags: c.lane(""), limit: most})
	if err != nil || len(l.candidates) == 0 {
		return "see ready for others"
	}
	var ids []string
	for _, next := range l.candidates {
		ids = append(ids, next.ticket.ID)
	}
	return "ready instead: " + strings.Join(ids, ", ")
}
