package tools_test

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// searched lays a board to search and asks for it.
func searched(t *testing.T) func(args map[string]any) reply {
	w := testWorld(t)
	for i, one := range []struct{ id, title, note string }{
		{"ab-1111", "Fix the parser", "It stumbles over tabs"},
		{"ab-2222", "Parsers of dates", "see ab-1111"},
		{"cd-3333", "Write the manual", "About the parser, and how to fix one"},
		{"cd-4444", "Café menu", "Straße and ﬁle"},
		{"ef-5555", "", "a title that is not there"},
	} {
		w.lay(one.id, spec.Ticket{Status: spec.Open, Title: one.title, Type: "task", Priority: 2,
			Notes:   []string{one.note},
			Created: began.Unix() + int64(i)}, style{})
	}
	s := w.session("me")
	return func(args map[string]any) reply { return call(t, s.board, "list", args) }
}

// TestSearch: all words, in any order, in id, title or body; the best match first.
func TestSearch(t *testing.T) {
	list := searched(t)
	for query, want := range map[string]string{
		"fix parser": "ab-1111 cd-3333",
		"parser fix": "ab-1111 cd-3333",
		// a word of the title, a part of one, the body
		"PARSER":            "ab-1111 ab-2222 cd-3333",
		"ab-1111":           "ab-1111 ab-2222",
		"#ab-1111,":         "ab-1111 ab-2222",
		"cd-":               "cd-3333 cd-4444",
		"cafe\u0301":        "cd-4444", // the accent as a character of its own
		"CAFÉ":              "cd-4444",
		"strasse":           "cd-4444",
		"STRASSE file":      "cd-4444",
		`"fix" (tabs)`:      "ab-1111",
		"parser tabs dates": "",
		"   ":               "ab-1111 ab-2222 cd-3333 cd-4444 ef-5555",
	} {
		if got := strings.Join(list(map[string]any{"query": query}).ids("tickets"),
			" "); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

// TestSearchIsNeverStale: what a hand writes is found by its new words and not by its old ones, in
// files of every form and of more than a reader takes at once.
func TestSearchIsNeverStale(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	w := testWorld(t)
	const n = 200
	text := func(i, version int) string {
		front := []string{"status: open", "status: 'open' # by hand", "status: open\ntags: [x,  y]"}[i%3]
		long := ""
		if i%50 == 0 {
			long = strings.Repeat("filler\n", 5000)
		}
		return fmt.Sprintf("---\n%s\n---\n# T\n\n%sword%d of Version%d é\n", front, long, i, version)
	}
	s := w.session("me")
	for version := range 3 {
		for i := range n {
			w.write(fmt.Sprintf("t%03d.md", i), text(i, version))
		}
		for query, want := range map[string]float64{
			fmt.Sprintf("version%d", version):               n,
			fmt.Sprintf("version%d", version-1):             0,
			fmt.Sprintf("WORD%d version%d", n-1, version):   1,
			fmt.Sprintf("word%d version%d", n-1, version-1): 0,
			"word50 É": 1,
		} {
			r := call(t, s.board, "list", map[string]any{"query": query, "limit": n})
			more, _ := r.fields["more"].(float64)
			if got := float64(len(r.ids("tickets"))) + more; got != want {
				t.Errorf("version %d, %q: %v tickets, want %v: %.100s", version, query, got, want,
					r.text)
			}
		}
	}
}

// TestSearchNearest: a query that nothing matches names what comes closest, also what the other
// filters left out.
func TestSearchNearest(t *testing.T) {
	list := searched(t)
	for _, tt := range []struct {
		args map[string]any
		want []string
	}{
		// those with most words, in that order
		{map[string]any{"query": "fix parser tomorrow"}, []string{"ab-1111", "ab-2222"}},
		{map[string]any{"query": "manaul"}, []string{"cd-3333"}}, // a typo
		{map[string]any{"query": "the manual", "status": "closed"}, []string{"cd-3333", "ab-1111"}},
		{map[string]any{"query": "zzzz"}, nil},
	} {
		r := list(tt.args)
		got := r.ids("nearest")
		if len(r.ids("tickets")) != 0 || !slices.Equal(got, tt.want) {
			t.Errorf("%v: nearest %v, want %v", tt.args, got, tt.want)
		}
	}
}

func TestSort(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open priority=3; b open priority=1; c open; d open priority=1")
	s := w.session("me")
	for sort, want := range map[string]string{
		"created": "a b c d", "newest": "d c b a", "priority": "b d c a", "best": "a b c d",
	} {
		var got []string
		args := map[string]any{"sort": sort, "limit": 1}
		for more := true; more; {
			r := call(t, s.board, "list", args)
			got = append(got, r.ids("tickets")...)
			args["cursor"] = r.str("next_cursor")
			more = args["cursor"] != ""
		}
		if strings.Join(got, " ") != want {
			t.Errorf("by %s: %v, want %s", sort, got, want)
		}
	}
	cursor := call(t, s.board, "list", map[string]any{"limit": 1}).str("next_cursor")
	if r := call(t, s.board, "list", map[string]any{"sort": "newest",
		"cursor": cursor}); r.code != "invalid" {
		t.Errorf("the cursor of another order: %s", r.text)
	}
	for _, place := range []string{"", "a", "00000", "000000000000000 ", "00000000000000z a", "00000 a"} {
		cursor := base64.RawURLEncoding.EncodeToString([]byte("after:created:" + place))
		if r := call(t, s.board, "list", map[string]any{"cursor": cursor}); r.code != "invalid" {
			t.Errorf("the cursor %q: %s", place, r.text)
		}
	}
}

// TestSameTitle: create names what bears the same title beside it and is not closed.
func TestSameTitle(t *testing.T) {
	w := testWorld(t)
	w.layBoard("p open; a open title=Fix_the_Café; b closed title=Fix_the_Café; c open parent=p title=Fix_the_Café; d in_progress by=you title=fix__the_CAFÉ")
	s := w.session("me")
	for _, tt := range []struct {
		args map[string]any
		want string // part of the message, "" = nothing is said
	}{
		{map[string]any{"title": "fix the cafe\u0301"}, "same title as a (open), d (in_progress)"},
		{map[string]any{"title": "FIX THE CAFÉ", "parent": "p"}, "same title as c (open)"},
		{map[string]any{"title": "Fix the Café now"}, ""},
	} {
		r := call(t, s.board, "create", tt.args)
		if said := strings.Contains(r.text, "same title as"); r.code != "" ||
			said != (tt.want != "") || !strings.Contains(r.text, tt.want) {
			t.Errorf("create %v: %s", tt.args, r.text)
		}
	}
}

// TestSearchKeepsNoBodies: a search takes a few bytes a ticket and a buffer a processor, however many
// bodies there are. All that it allocates is counted, also what is free again at its end.
func TestSearchKeepsNoBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for name, line := range map[string]string{"ASCII": "Some text.\n", "a letter of others": "Some é text.\n",
		"no ASCII": "漢字かな交じり文 Ünïcödé\n"} {
		t.Run(name, func(t *testing.T) { searchKeepsNoBodies(t, line) })
	}
}

func searchKeepsNoBodies(t *testing.T, line string) {
	w := testWorld(t)
	const n, size = 500, 64 << 10
	body := strings.Repeat(line, size/len(line))
	for i := range n {
		w.write(fmt.Sprintf("t%03d.md", i), "---\nstatus: open\n---\n# T\n"+body)
	}
	s := w.session("me")
	search := func() {
		r := call(t, s.board, "list", map[string]any{"query": "missing"})
		if got := len(r.ids("tickets")); got != 0 {
			t.Fatalf("%d tickets found", got)
		}
	}
	search()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	search()
	runtime.ReadMemStats(&after)
	took := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d KiB and %s for %d bodies of %d KiB", took>>10, time.Since(began), n, size>>10)
	if most := uint64(1<<20 + runtime.GOMAXPROCS(0)*4*size); took > most {
		t.Errorf("a search takes %d KiB, at most %d", took>>10, most>>10)
	}
}
