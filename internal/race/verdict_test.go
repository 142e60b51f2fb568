package race

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// The tables show that the verdicts do catch what they are for: each promise is broken here in
// every way it can be.

func blocked(id string, status document.Status, by ...string) document.Ticket {
	t := document.Ticket{ID: id, Status: status}
	for _, b := range by {
		t.BlockedBy = append(t.BlockedBy, document.Blocker{ID: b})
	}
	return t
}

func boardOf(tickets ...document.Ticket) state {
	b := make(state)
	for _, t := range tickets {
		b[t.ID] = t
	}
	return b
}

// checkVerdict wants a line for each text of want, and no others.
func checkVerdict(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d broken promises, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("broken promise %q does not say %q", got[i], want[i])
		}
	}
}

func TestJudgeUpdates(t *testing.T) {
	done := func(blocker string) reply { return reply{call: call{"block", "t", blocker}} }
	for _, test := range []struct {
		name    string
		replies []reply
		final   state
		want    []string
	}{
		{"all found", []reply{done("x"), done("y")}, boardOf(blocked("t", statusOpen, "y", "x")),
			nil},
		{"one lost", []reply{done("x"), done("y")}, boardOf(blocked("t", statusOpen, "y")),
			[]string{"lost: block(t, x)"}},
		{"all lost", []reply{done("x"), done("y")}, boardOf(blocked("t", statusOpen)),
			[]string{"lost: block(t, x)", "lost: block(t, y)"}},
		{"file gone", []reply{done("x")}, state{}, []string{"lost: block(t, x)"}},
		{"refused", []reply{done("x"), {call: call{"block", "t", "y"}, code: "busy",
			text: "busy: held"}},
			boardOf(blocked("t", statusOpen,
				"x")), []string{"not done: block(t, y) by process 0: refused, busy: held"}},
		{"no answer", []reply{{call: call{"block", "t", "y"}, fault: "EOF"}},
			boardOf(blocked("t", statusOpen,
				"y")), []string{"not done: block(t, y) by process 0: EOF"}},
		{"written twice", []reply{done("x")}, boardOf(blocked("t", statusOpen, "x", "x")),
			[]string{"t names the blocker x"}},
		{"nobody's", []reply{done("x")}, boardOf(blocked("t", statusOpen, "x", "z")),
			[]string{"t names the blocker z"}},
	} {
		t.Run(test.name, func(t *testing.T) { checkVerdict(t, judgeUpdates(test.replies, test.final), test.want...) })
	}
}

func TestJudgeStarts(t *testing.T) {
	start := call{"start", "t", ""}
	won := func(claim string) reply { return reply{call: start, claim: claim} }
	refused := func(code string) reply { return reply{call: start, code: code, text: code + ": no"} }
	held := func(claim string) state {
		return boardOf(document.Ticket{ID: "t", Status: statusInProgress, ClaimedBy: claim})
	}
	for _, test := range []struct {
		name    string
		replies []reply
		final   state
		want    []string
	}{
		{"one winner", []reply{refused("claimed"), won("p@1"), refused("claimed")}, held("p@1"),
			nil},
		{"two winners", []reply{won("p@1"), won("q@2")}, held("q@2"),
			[]string{`but the file says in_progress, claimed by "q@2"`, "2 winners"}},
		{"two winners of one name", []reply{won("p@1"), won("p@1")}, held("p@1"),
			[]string{"2 winners"}},
		{"no winner", []reply{refused("claimed"), refused("claimed")}, held("p@1"),
			[]string{"start(t) has 0 winners"}},
		{"another refusal", []reply{won("p@1"), refused("busy")}, held("p@1"),
			[]string{"should be claimed: start(t) by process 0: refused, busy: no"}},
		{"no answer", []reply{won("p@1"), {call: start, fault: "EOF"}}, held("p@1"),
			[]string{"should be claimed: start(t) by process 0: EOF"}},
		{"another claim", []reply{won("p@1"), refused("claimed")}, held("q@2"),
			[]string{`claimed by "q@2"`}},
		{"not written", []reply{won("p@1"), refused("claimed")}, boardOf(blocked("t", statusOpen)),
			[]string{"the file says open"}},
	} {
		t.Run(test.name, func(t *testing.T) { checkVerdict(t, judgeStarts(test.replies, test.final), test.want...) })
	}
}

func TestJudgeOrders(t *testing.T) {
	pair, ring, family, waiting := blockRing(0, "a", "b"), blockRing(0, "a", "b",
		"c"), closeAndReopen(0), startAndReopen(0)
	const a, b, c, p, k, w, x = "ring-0-a", "ring-0-b", "ring-0-c", "parent-0", "child-0", "waiting-0", "blocker-0"
	child := func(status document.Status) document.Ticket {
		return document.Ticket{ID: k, Status: status, Parent: p}
	}
	started := blocked(w, statusInProgress, x)
	started.ClaimedBy = "p@1"
	const noOrder = "no order of the calls explains"
	for _, test := range []struct {
		name  string
		round round
		codes []string // of the answers: "" for done, "!" for none
		final state
		want  string // "" when the promise was kept
	}{
		{"block, first done", pair, []string{"", "cycle"},
			boardOf(blocked(a, statusOpen, b), blocked(b, statusOpen)), ""},
		{"block, second done", pair, []string{"cycle", ""},
			boardOf(blocked(a, statusOpen), blocked(b, statusOpen, a)), ""},
		{"block, both done", pair, []string{"", ""},
			boardOf(blocked(a, statusOpen, b),
				blocked(b, statusOpen,
					a)), "these wait for each other: ring-0-a -> ring-0-b -> ring-0-a"},
		{"block, both refused", pair, []string{"cycle", "cycle"},
			boardOf(blocked(a, statusOpen), blocked(b, statusOpen)), noOrder},
		{"block, done and not written", pair, []string{"", "cycle"},
			boardOf(blocked(a, statusOpen), blocked(b, statusOpen)), noOrder},
		{"block, refused and written", pair, []string{"", "cycle"},
			boardOf(blocked(a, statusOpen, b), blocked(b, statusOpen, a)), "wait for each other"},
		{"block, another refusal", pair, []string{"", "busy"},
			boardOf(blocked(a, statusOpen, b),
				blocked(b, statusOpen)), "block(ring-0-b, ring-0-a) by process 0: refused, busy"},
		{"block, no answer", pair, []string{"", "!"},
			boardOf(blocked(a, statusOpen, b),
				blocked(b, statusOpen)), "block(ring-0-b, ring-0-a) by process 0: EOF"},
		{"block, a file gone", pair, []string{"", "cycle"}, boardOf(blocked(a, statusOpen, b)),
			noOrder},

		{"ring, last refused", ring, []string{"", "", "cycle"},
			boardOf(blocked(a, statusOpen, b), blocked(b, statusOpen, c),
				blocked(c, statusOpen)), ""},
		{"ring, all done", ring, []string{"", "", ""},
			boardOf(blocked(a, statusOpen, b), blocked(b, statusOpen, c),
				blocked(c, statusOpen, a)), "ring-0-a -> ring-0-b -> ring-0-c -> ring-0-a"},
		{"ring, two refused", ring, []string{"", "cycle", "cycle"},
			boardOf(blocked(a, statusOpen, b), blocked(b, statusOpen),
				blocked(c, statusOpen)), noOrder},

		{"close first", family, []string{"", "parent_status"},
			boardOf(blocked(p, statusClosed), child(statusClosed)), ""},
		{"reopen first", family, []string{"open_children", ""},
			boardOf(blocked(p, statusInProgress), child(statusOpen)), ""},
		{"close and reopen", family, []string{"", ""},
			boardOf(blocked(p, statusClosed),
				child(statusOpen)), "parent-0 is closed and its child child-0 is open"},
		{"close and reopen, close lost", family, []string{"", ""},
			boardOf(blocked(p, statusInProgress), child(statusOpen)), noOrder},
		{"neither close nor reopen", family, []string{"open_children", "parent_status"},
			boardOf(blocked(p, statusInProgress), child(statusClosed)), noOrder},

		{"start first", waiting, []string{"", ""}, boardOf(started, blocked(x, statusOpen)), ""},
		{"blocker first", waiting, []string{"blocked", ""},
			boardOf(blocked(w, statusOpen, x), blocked(x, statusOpen)), ""},
		{"start refused, blocker closed", waiting, []string{"blocked", "wrong_status"},
			boardOf(blocked(w, statusOpen, x), blocked(x, statusClosed)), noOrder},
		{"start lost", waiting, []string{"", ""},
			boardOf(blocked(w, statusOpen, x), blocked(x, statusOpen)), noOrder},
		{"start refused and written", waiting, []string{"blocked", ""},
			boardOf(started, blocked(x, statusOpen)), noOrder},
	} {
		t.Run(test.name, func(t *testing.T) {
			var replies []reply
			for i, lane := range test.round.lanes {
				r := reply{call: lane[0], claim: "p@1"}
				switch code := test.codes[i]; code {
				case "":
				case "!":
					r.fault = "EOF"
				default:
					r.code, r.text = code, code+": no"
				}
				replies = append(replies, r)
			}
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			checkVerdict(t, test.round.judge(replies, boardOf(test.round.tickets...), test.final),
				want...)
		})
	}
}

func TestOverlapping(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	lane := func(begin, end int) []reply {
		return []reply{{sent: at(begin), got: at(begin)}, {sent: at(end), got: at(end)}}
	}
	for _, test := range []struct {
		name  string
		lanes [][]reply
		want  bool
	}{
		{"at once", [][]reply{lane(1, 5), lane(2, 9), lane(4, 5)}, true},
		{"two of three", [][]reply{lane(1, 3), lane(2, 9), lane(4, 5)}, false},
		{"one after the other", [][]reply{lane(1, 3), lane(3, 5)}, false},
	} {
		if got := overlapping(test.lanes); got != test.want {
			t.Errorf("%s: overlapping is %v", test.name, got)
		}
	}
}

func TestReport(t *testing.T) {
	good := Result{name: "good", rounds: 2, done: 3, fewestWinners: 1, mostWinners: 2,
		spent: time.Second, waits: []time.Duration{3e6, 1e6, 2e6}}
	bad := good
	bad.name, bad.lost, bad.broken = "bad", 1, []string{"a was lost"}
	var text bytes.Buffer
	if !Report(&text, Options{}, []Result{good}, time.Second) ||
		!strings.Contains(text.String(), "every promise was kept") ||
		strings.Contains(text.String(), "BROKEN") {
		t.Errorf("kept promises are reported as:\n%s", &text)
	}
	for _, want := range []string{" 1 to 2 ", " 2.0 ms "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, &text)
		}
	}
	text.Reset()
	if Report(&text, Options{}, []Result{good, bad}, time.Second) ||
		!strings.Contains(text.String(), "BROKEN bad: a was lost\n") ||
		strings.Contains(text.String(), "kept") {
		t.Errorf("a broken promise is reported as:\n%s", &text)
	}
}
