package history_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// A checker is worth something only if it rejects what is wrong. The histories here are made by
// hand, in one line each:
//
//	board    "a open blocked=b,c; b closed; p in_progress by=A parent=q notes=A:x"
//	history  "A start a 1-2; B start a 3-4 claimed; A close a 5-; A dies 6-7; B start a 8-9 from=A"
//
// Sessions are capital letters. A call ends with its times, from question to answer ("5-": no
// answer), and the answer: nothing for done, a code, from=A for taken over, already. start without
// an id says what it got: "A start next got=a 1-2". What show saw is written like a board: "A show
// a open blocked=b 1-2".
var handMade = []struct {
	name, before, history, after string

	want string // part of a complaint; "" if there must be none
}{
	{"one after the other", "a open; b open",
		"A start a 1-2; A note a text=x 3-4; A close a 5-6; B block b on=a 7-8",
		"a closed closed-by=A notes=A:x; b open blocked=a", ""},
	{"at once", "a open; b open; c open",
		"A block a on=b 1-4; B block a on=c 2-3; A show a open blocked=b,c 5-6", "a open blocked=b,c; b open; c open", ""},
	{"lost update", "a open; b open; c open", "A block a on=b 1-2; B block a on=c 3-4",
		"a open blocked=c; b open; c open", "no order"},
	{"lost update, at once", "a open; b open; c open", "A block a on=b 1-4; B block a on=c 2-3",
		"a open blocked=b; b open; c open", "no order"},
	{"lost note", "a open", "A note a text=x 1-4; B note a text=y 2-3", "a open notes=B:y",
		"lost: note"},
	{"note twice", "a open", "A note a text=x 1-2", "a open notes=A:x,A:x", "2 times"},
	{"note of nobody", "a open", "A note a text=x 1-2", "a open notes=A:x,A:y", "nobody sent"},
	{"note in another's name", "a open", "A note a text=x 1-2", "a open notes=B:x", "nobody sent"},
	{"notes in the wrong order", "a open", "A note a text=x 1-2; B note a text=y 3-4",
		"a open notes=B:y,A:x", "wrong order"},
	{"notes at once", "a open", "A note a text=x 1-4; B note a text=y 2-3", "a open notes=B:y,A:x",
		""},
	{"note without an answer", "a open", "A note a text=x 1-", "a open notes=A:x", ""},
	{"note that never came", "a open", "A note a text=x 1-", "a open", ""},

	{"two winners", "a open", "A start a 1-4; B start a 2-3", "a in_progress by=A", "two callers"},
	{"two winners, one forgotten", "a open", "A start a 1-4; B start a 2-3; B close a 5-6 claimed",
		"a in_progress by=A", "no order"},
	{"two winners without an id", "a open", "A start next got=a 1-4; B start next got=a 2-3",
		"a in_progress by=A", "two callers"},
	{"one winner", "a open", "A start a 1-4; B start a 2-3 claimed", "a in_progress by=A", ""},
	{"a loser without a winner", "a open", "B start a 2-3 claimed", "a open", "no order"},
	{"a loser before the winner", "a open", "B start a 1-2 claimed; A start a 3-4",
		"a in_progress by=A", "no order"},
	{"taken over from the living", "a open", "A start a 1-2; B start a 3-4 from=A",
		"a in_progress by=B", "two callers"},
	{"taken over from the living before it knew", "a open", "A start a 1-4; B start a 2-3 from=A",
		"a in_progress by=B", "no order"},
	{"taken over", "a open", "A start a 1-2; A dies 3-4; B start a 5-10000000009 from=A",
		"a in_progress by=B", ""},
	{"taken over during death", "a open",
		"A start a 1-2; A dies 3-6; B start a 4-10000000009 from=A", "a in_progress by=B", ""},
	{"taken over before death", "a open", "A start a 1-2; B start a 3-4 from=A; A dies 5-6",
		"a in_progress by=B", "no order"},
	{"refused while its owner may come back", "a open",
		"A start a 1-2; A dies 3-4; B start a 5-6 claimed; B start a 7-10000000009 from=A", "a in_progress by=B", ""},
	{"taken over at once", "a open", "A start a 1-2; A dies 3-4; B start a 5-6 from=A",
		"a in_progress by=B", "only just died"},
	{"given to another without an id at once", "a open",
		"A start a 1-2; A dies 3-4; B start next got=a from=A 5-6", "a in_progress by=B", "only just died"},
	{"closed for a dead one", "a open", "A start a 1-2; A dies 3-4; B close a 5-6",
		"a closed closed-by=B", ""},
	{"closed for a living one", "a open", "A start a 1-2; B close a 3-4", "a closed", "no order"},
	{"a close without an answer", "a open",
		"A start a 1-2; A close a 3-; A dies 4-5; B start a 6-7 wrong_status", "a closed closed-by=A", ""},
	{"a close that never came", "a open",
		"A start a 1-2; A close a 3-; A dies 4-5; B start a 6-10000000009 from=A", "a in_progress by=B", ""},
	{"effect after death", "a open",
		"A start a 1-; A dies 2-3; B start a 4-5; B release a 6-7; B show a in_progress by=A 8-9", "a open", "no order"},
	{"a start that got anything", "a open; b open",
		"A start next 1-; A dies 2-3; B start b 4-10000000009 from=A", "a open; b in_progress by=B", ""},

	{"an agent each", "a open; b open", "A/x start a 1-4; A/y start b 2-3",
		"a in_progress by=A/x; b in_progress by=A/y", ""},
	{"two agents of one session", "a open", "A/x start a 1-2; A/y start a 3-4",
		"a in_progress by=A/y", "two callers"},
	{"the session taken for its agent", "a open", "A/x start a 1-2; A/y start a already 3-4",
		"a in_progress by=A/x", "no order"},
	{"another agent's claim", "a open", "A/x start a 1-2; A/y start a 3-4 claimed",
		"a in_progress by=A/x", ""},
	{"closed for another agent", "a open", "A/x start a 1-2; A/y close a 3-4", "a closed",
		"no order"},
	{"closed by the session of the agent", "a open", "A/x start a 1-2; A close a 3-4",
		"a closed closed-by=A", ""},
	{"closed by an agent of the session", "a open", "A start a 1-2; A/x close a 3-4",
		"a closed closed-by=A", ""},
	{"a claim in another agent's name", "a open", "A/x start a 1-2", "a in_progress by=A/y",
		"no order"},

	{"dropped", "a open", "A close a as=dropped 1-2", "a closed closed-by=A as=dropped", ""},
	{"dropped, then started", "a open", "A close a as=dropped 1-2; B start a 3-4",
		"a in_progress by=B", "no order"},
	{"dropped while another held it", "a open", "B start a 1-2; A close a as=dropped 3-4",
		"a closed closed-by=A as=dropped", "no order"},
	{"dropped against a start", "a open", "A close a as=dropped 1-4 claimed; B start a 2-3",
		"a in_progress by=B", ""},
	{"dropped above an open child", "p open; a open parent=p", "A close p as=dropped 1-2",
		"p closed closed-by=A as=dropped; a open parent=p", "closed before its children"},
	{"the resolution is lost", "a open", "A close a as=dropped 1-2", "a closed closed-by=A",
		"no order"},
	{"started on hold", "a open", "A update a hold=x 1-2; B start a 3-4",
		"a in_progress by=B hold=x", "no order"},
	{"started below a hold", "a open parent=p; p open",
		"A start p 1-2; A update p hold=x 3-4; B start a 5-6",
		"a in_progress by=B parent=p; p in_progress by=A hold=x", "on hold"},
	{"held against a start", "a open", "A update a hold=x 1-4; B start a 2-3",
		"a in_progress by=B hold=x", ""},
	{"held in vain", "a open", "A start a 1-2 on_hold", "a open", "nothing was on hold"},
	{"the hold is lost", "a open", "A start a 1-2; A release a hold=x 3-4", "a open", "no order"},

	{"stale read", "a open", "A start a 1-2; B show a open 3-4", "a in_progress by=A", "no order"},
	{"read at once", "a open", "A start a 1-4; B show a open 2-3", "a in_progress by=A", ""},
	{"read, then stale", "a open",
		"A start a 1-9; B show a in_progress by=A 2-3; B show a open 4-5", "a in_progress by=A", "no order"},
	{"a change of nobody", "a open", "A show a open 1-2", "a closed", "no order"},
	{"a ticket vanished", "a open; b open", "A start a 1-2", "a in_progress by=A", "b is missing"},

	{"cycle", "a open; b open", "A block a on=b 1-4; B block b on=a 2-3",
		"a open blocked=b; b open blocked=a", "cycle of waiting"},
	{"cycle that passed", "a open; b open",
		"A block a on=b 1-4; B block b on=a 2-3; A unblock a on=b 7-8", "a open; b open blocked=a", "cycle of waiting"},
	{"no cycle", "a open; b open", "A block a on=b 1-4; B block b on=a 2-3 cycle",
		"a open blocked=b; b open", ""},
	{"cycle through a parent", "a open; p open", "A block p on=a 1-4; B update a parent=p 2-3",
		"a open parent=p; p open blocked=a", "cycle of waiting"},
	{"closed parent", "p open; a closed parent=p", "A start p 1-2; A close p 3-6; B reopen a 4-5",
		"p closed; a open parent=p", "closed parent"},
	{"closed parent that passed", "p open; a closed parent=p",
		"A start p 1-2; A close p 3-6; B reopen a 4-5; A reopen p 8-9", "p open; a open parent=p", "p was closed while its child a was not"},
	{"closed parent, refused", "p open; a closed parent=p",
		"A start p 1-2; A close p 3-6; B reopen a 4-5 parent_status", "p closed closed-by=A; a closed parent=p", ""},
	{"closed before its child", "p open; a open parent=p",
		"A start p 1-2; A start a 3-4; A close p 5-6; A close a 7-8", "p closed; a closed parent=p", "closed before its children"},
	{"child of a closed one", "p closed", "A create a parent=p 1-2", "p closed; a open parent=p",
		"below a closed parent"},
	{"moved below a closed one", "p closed; a open",
		"A update a parent=p 1-2; A update a parent= 3-4", "p closed; a open", "below a closed parent"},

	{"start before the blocker", "a open blocked=b; b open",
		"A start a 1-2; A start b 3-4; A close b 5-6", "a in_progress by=A blocked=b; b closed", "started before"},
	{"start before a blocker above", "a open parent=p; p open blocked=b; b closed",
		"A start p 1-2; A reopen b 3-4; A start a 5-6",
		"a in_progress by=A parent=p; p in_progress by=A blocked=b; b open", "started before"},
	{"start during the close of the blocker", "a open blocked=b; b open",
		"A start b 1-2; A close b 3-6; B start a 4-5", "a in_progress by=B blocked=b; b closed closed-by=A", ""},
	{"start before the parent", "a open parent=p; p open", "A start a 1-2; A start p 3-4",
		"a in_progress by=A parent=p; p in_progress by=A", "started before"},
	{"start during unblock", "a open blocked=b; b open", "A unblock a on=b 1-4; B start a 2-3",
		"a in_progress by=B; b open", ""},
	{"wrongly blocked", "a open blocked=b; b closed", "A start a 1-2 blocked",
		"a open blocked=b; b closed", "wrongly refused"},
	{"rightly blocked", "a open blocked=b; b closed", "A start a 1-4 blocked; B reopen b 2-3",
		"a open blocked=b; b open", ""},
	{"wrongly open children", "p open; a closed parent=p",
		"A start p 1-2; A close p 3-4 open_children", "p in_progress by=A; a closed parent=p", "wrongly refused"},
	{"wrong parent status", "a closed parent=p; p open", "A reopen a 1-2 parent_status",
		"a closed parent=p; p open", "wrongly refused"},
	{"nothing ready", "a open blocked=b; b open", "A start next 1-2 not_found",
		"a open blocked=b; b open", "b was ready all the time"},
	{"truly nothing ready", "a open blocked=b; b open", "B start b 1-4; A start next 2-3 not_found",
		"a open blocked=b; b in_progress by=B", ""},
	{"not found", "a open", "A start a 1-2 not_found", "a open", "wrongly refused"},
	{"busy", "a open", "A start a 1-2 busy", "a open", "busy"},
	{"a file that cannot be read", "a open", "A start a 1-2", "a malformed", "cannot be read"},
}

func TestCheckers(t *testing.T) {
	for _, tt := range handMade {
		t.Run(tt.name, func(t *testing.T) {
			h := parseHistory(t, tt.before, tt.history, tt.after)
			_, order := h.disorder(orderTime)
			why := slices.Concat(h.rulesBroken(), h.notesBroken(), h.busy(), order)
			if tt.want == "" && len(why) > 0 {
				t.Errorf("rejected: %s", strings.Join(why, "\n"))
			}
			if tt.want != "" && !slices.ContainsFunc(why,
				func(line string) bool { return strings.Contains(line, tt.want) }) {
				t.Errorf("not rejected for %q, but: %q", tt.want, why)
			}
		})
	}
}

func parseHistory(t *testing.T, before, calls, after string) history {
	t.Helper()
	var h history
	h.before, _, _ = parseBoard(before)
	h.after, h.notes, h.broken = parseBoard(after)
	for line := range strings.SplitSeq(calls, ";") {
		h.entries = append(h.entries, parseEntry(t, strings.Fields(line)))
	}
	return h
}

func parseBoard(line string) (board map[string]spec.Ticket, notes map[string][]string, broken []string) {
	board, notes = map[string]spec.Ticket{}, map[string][]string{}
	for one := range strings.SplitSeq(line, ";") {
		words := strings.Fields(one)
		if words[1] == "malformed" {
			broken = append(broken, words[0]+" cannot be read")
			continue
		}
		ticket, lines := parseTicket(words[0], words[1:])
		board[words[0]], notes[words[0]] = ticket, lines
	}
	return board, notes, broken
}

func parseTicket(id string, words []string) (ticket spec.Ticket, notes []string) {
	ticket = spec.Ticket{Status: spec.Status(words[0]), Title: id, Type: "task", Priority: 2}
	for _, word := range words[1:] {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "by":
			ticket.Holder, ticket.Agent, _ = strings.Cut(value, "/")
		case "parent":
			ticket.Parent = value
		case "closed-by":
			ticket.ClosedBy = value
		case "as":
			ticket.Resolution = spec.Resolution(value)
		case "hold":
			ticket.Hold = value
		case "blocked":
			ticket.BlockedBy = strings.Split(value, ",")
		case "notes":
			for note := range strings.SplitSeq(value, ",") {
				notes = append(notes, "2026-01-04T05:30:01Z agent@"+strings.Replace(note, ":", ": ",
					1))
			}
		}
	}
	return ticket, notes
}

func parseEntry(t *testing.T, words []string) entry {
	t.Helper()
	e := entry{op: spec.UserInput{Verb: spec.Verb(words[1])}, lane: int(words[0][0] - 'A')}
	e.session, e.op.Agent, _ = strings.Cut(words[0], "/") // A/x is the agent x of the session A
	words = words[2:]
	switch {
	case e.op.Verb == death:
	case words[0] == "next":
		e.op.Verb, words = spec.StartNext, words[1:]
	case e.op.Verb == spec.Create:
		e.result.ID, e.op.Title, words = words[0], &words[0], words[1:]
	case e.op.Verb == look:
		e.op.ID = words[0]
		end := len(words) - 1
		ticket, _ := parseTicket(words[0], words[1:end])
		e.seen, words = &ticket, words[end:]
	default:
		e.op.ID, e.result.ID, words = words[0], words[0], words[1:]
	}
	for _, word := range words {
		key, value, isArgument := strings.Cut(word, "=")
		from, to, isTime := strings.Cut(word, "-")
		switch {
		case isArgument && key == "on":
			e.op.Blocker = value
		case isArgument && key == "text":
			e.op.Text = value
		case isArgument && key == "parent":
			e.op.Parent = &value
		case isArgument && key == "hold":
			e.op.Hold = &value
		case isArgument && key == "as":
			e.op.Resolution = spec.Resolution(value)
		case isArgument && key == "got":
			e.result.ID = value
		case isArgument && key == "from":
			e.result.TakenOver, e.result.From = true, value
		case isTime:
			e.sent, _ = strconv.ParseInt(from, 10, 64)
			if e.got, _ = strconv.ParseInt(to, 10, 64); to == "" {
				e.got, e.result = never, spec.Result{}
			}
		case word == "already":
			e.result.AlreadyYours = true
		default:
			e.result = spec.Result{Code: spec.Code(word)}
		}
	}
	if e.got == 0 {
		t.Fatalf("no times: %q", words)
	}
	return e
}
