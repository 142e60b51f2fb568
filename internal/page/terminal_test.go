package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
)

var colours = regexp.MustCompile(`\x1b\[[0-9;]+m`)

// TestPrintFits: whatever stands in tickets, no line is wider than the terminal, none more than its
// height, and nothing is printed that a terminal obeys but for colours.
func TestPrintFits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	now := time.Now()
	small, smallText := sample(now)
	bad, badText := hostileBoard(now)
	for name, c := range map[string]struct {
		board *Board
		text  func(string) (Text, error)
	}{"small": {small, smallText}, "hostile": {bad, badText}, "large": {crowd(10_000, now),
		smallText}, "empty": {(&Board{Name: "empty", At: now}).prepare(), smallText}} {
		for _, look := range []Look{{Width: 20}, {Width: 59, Height: 10},
			{Width: 80, Height: 24, Colour: true}, {Width: 95}, {Width: 96}, {Width: 120,
				Height: 40, Colour: true}, {Width: 250, Colour: true}} {
			text := c.board.Print(look, c.text)
			if look.Colour == (colours.FindString(text) == "") {
				t.Errorf("%s %+v: colours are wrong", name, look)
			}
			text = colours.ReplaceAllString(text, "")
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			if look.Height > 0 && len(lines) > look.Height {
				t.Errorf("%s %+v: %d lines", name, look, len(lines))
			}
			for _, l := range lines {
				if w := uniseg.StringWidth(l); w > look.Width {
					t.Errorf("%s %+v: %d wide: %q", name, look, w, l)
				}
				if strings.ContainsFunc(l,
					func(r rune) bool { return r < ' ' || r == 0x7f || isBidi(r) }) {
					t.Errorf("%s %+v: control characters in %q", name, look, l)
				}
			}
		}
	}
}

// TestPrint shows what is printed.
func TestPrint(t *testing.T) {
	b, text := sample(time.Date(2026, 11, 26, 14, 32, 10, 0, time.UTC))
	want := `
webshop  3 working, 1 abandoned  14:32:10
needs a person dc21k0 Payment provider: for Grace: Stripe or Adyen? Fees differ for EU cards.

Ready 3               In progress 3         Waiting 3             On hold 2             Done today 2
────────────────────  ────────────────────  ────────────────────  ────────────────────  ────────────────────
Retry webhooks with   Log in with a         Release 2.0 to        Payment provider      Session cookie
back-off              passkey               everybody             dc21k0 P1 task        expires too early
dc20hr P1 feature     d5logi P0 60% #auth   dc2rel P1 task        for Grace: Stripe or  dc20aa P1 bug
                      ● planner 18 min      waits for d5audi,     Adyen? Fees differ    ✓ builder 1 h 12 min
Update Go to 1.26     “the library wants a  dc21aa, d5pool        for EU cards.         ago
dc20j2 P2 chore       newer Go”
`
	got := "\n" + strings.Join(strings.Split(b.Print(Look{Width: 108}, text), "\n")[:11], "\n") +
		"\n"
	if got != want {
		t.Errorf("got:%s\nwant:%s", got, want)
	}
}

func TestTree(t *testing.T) {
	b, _ := sample(time.Now())
	for _, c := range []struct{ id, want string }{
		{"", `
dc2rel Release 2.0 to everybody (waiting)
├─ d5audi Audit the log-in (waiting)
│  ├─ d5logi Log in with a passkey (in progress, planner)
│  ├─ dc20j2 Update Go to 1.26 (ready)
│  └─ dc20aa Session cookie expires too early (done today)
├─ dc21aa Refund flow (waiting)
│  └─ dc21k0 Payment provider (on hold)
└─ d5pool Pool the connections to the database (in progress, reviewer)
4 tickets without any dependency
`},
		{"d5audi", `
d5audi Audit the log-in (waiting)
├─ d5logi Log in with a passkey (in progress, planner)
├─ dc20j2 Update Go to 1.26 (ready)
└─ dc20aa Session cookie expires too early (done today)

waiting for it:
└─ dc2rel Release 2.0 to everybody (waiting)
`},
	} {
		var out strings.Builder
		if err := b.Tree(&out, c.id, Look{Width: 100}); err != nil {
			t.Fatal(err)
		}
		if got := "\n" + out.String(); got != c.want {
			t.Errorf("%q: got:%s\nwant:%s", c.id, got, c.want)
		}
	}
}

// TestTreesEnd: of chains, of cycles, and where everything waits for everything before it.
func TestTreesEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for name, blockers := range map[string]func(i int) []int{
		"chain": func(i int) []int { return []int{i - 1} },
		"cycle": func(i int) []int { return []int{(i + 299) % 300} },
		"all": func(i int) []int {
			var list []int
			for j := range i {
				list = append(list, j)
			}
			return list
		},
	} {
		b := &Board{}
		for i := range 300 {
			ticket := Ticket{ID: fmt.Sprintf("t%03d", i), Title: hostile[i%len(hostile)],
				Column: Waiting}
			for _, j := range blockers(i) {
				ticket.Blockers = append(ticket.Blockers, fmt.Sprintf("t%03d", max(j, -1)))
			}
			b.Tickets = append(b.Tickets, ticket)
		}
		b.prepare()
		for _, id := range []string{"", "t150"} {
			var out strings.Builder
			if err := b.Tree(&out, id, Look{Width: 80}); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if len(lines) < 2 || len(lines) > maxLines+2 {
				t.Errorf("%s %s: %d lines", name, id, len(lines))
			}
			for _, l := range lines {
				if uniseg.StringWidth(l) > 80 || strings.ContainsRune(l, 0x1b) {
					t.Errorf("%s %s: %q", name, id, l)
				}
			}
		}
	}
}

func TestMermaidAndDot(t *testing.T) {
	b := (&Board{Tickets: []Ticket{
		{ID: "a", Title: `a "quoted" <title> with \ and #1`, Column: Ready},
		{ID: "b", Title: "B", Column: Waiting, Blockers: []string{"a", "gone"}},
		{ID: "c", Title: "free", Column: Ready},
	}}).prepare()
	var mermaid, dot strings.Builder
	if err := b.Mermaid(&mermaid, ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Dot(&dot, "a"); err != nil {
		t.Fatal(err)
	}
	wantMermaid := `graph LR
  t1["a<br/>a #quot;quoted#quot; #lt;title#gt; with #92; and #35;1"]:::ready
  t2["b<br/>B"]:::waiting
  t3["gone<br/>missing"]:::missing
  t1 --> t2
  t3 --> t2
  classDef ready stroke:#2563eb,stroke-width:2px
  classDef progress stroke:#15803d,stroke-width:2px
  classDef waiting stroke:#7048c6,stroke-width:2px
  classDef hold stroke:#b45309,stroke-width:2px
  classDef today stroke:#0f766e
  classDef done stroke:#64748b
  classDef missing stroke:#c02626,stroke-dasharray:4
`
	wantDot := `digraph tickets {
  rankdir=LR;
  node [shape=box, style=rounded];
  t1 [label="a\na \"quoted\" <title> with \\ and #1", class="ready"];
  t2 [label="b\nB", class="waiting"];
  t1 -> t2;
}
`
	if mermaid.String() != wantMermaid || dot.String() != wantDot {
		t.Errorf("got:\n%s\n%s\nwant:\n%s\n%s", mermaid.String(), dot.String(), wantMermaid,
			wantDot)
	}
}
