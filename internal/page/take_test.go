package page

import (
	"bufio"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// newBoard makes a board of these files, and the tools on it for an agent of a process of its own.
func newBoard(t *testing.T, files map[string]string) (*Taker, *tools.Board) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop", ".tickets")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for id, text := range files {
		if err := os.WriteFile(filepath.Join(dir, id+".md"), []byte("---\nid: "+id+"\n"+text),
			0o666); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *ticketfs.Store { return ticketfs.NewStore(board.Where{Start: dir}, time.Minute) }
	agent := &tools.Board{Store: open(), Session: session.New("", time.Now), Agent: "builder",
		Now: time.Now}
	t.Cleanup(func() {
		if err := agent.Session.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewTaker(&tools.Board{Store: open()}), agent
}

func call(t *testing.T, b *tools.Board, tool string, arguments map[string]any) {
	t.Helper()
	text, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Call(context.Background(), tool, text); err != nil {
		t.Fatal(err)
	}
}

// TestTake: each ticket stands in the column where it belongs, with what its card says.
func TestTake(t *testing.T) {
	now := time.Now().UTC()
	taker, agent := newBoard(t, map[string]string{
		"free":    "status: open\npriority: 1\n---\n# Free\n",
		"work":    "status: open\ntags: [api, ui]\n---\n# Work\n\n- [x] a\n- [ ] b\n",
		"legal":   "status: in_progress\nclaimed-by: Ada-Lovelace@person\n---\n# Legal\n",
		"other":   "status: in_progress\nclaimed-by: bob\n---\n# By another program\n",
		"blocked": "status: open\nblocked-by: [free, gone]\n---\n# Blocked\n",
		"epic":    "status: open\n---\n# Epic\n",
		"child":   "status: open\nparent: epic\n---\n# Child\n",
		"asked":   "status: open\nhold: \"for Grace: which one?\"\n---\n# Asked\n",
		"later": "status: open\nhold: the sale\nhold-until: " +
			now.Add(time.Hour).Format(time.RFC3339) + "\n---\n# Later\n",
		"now": "status: open\nhold: the sale\nhold-until: " +
			now.Add(-time.Hour).Format(time.RFC3339) + "\n---\n# The date has come\n",
		"old": "status: closed\nclosed: 2020-01-01T00:00:00Z\n---\n# Old\n",
		"today": "status: closed\nclosed: " + now.Format(time.RFC3339) +
			"\nclosed-by: Ada\nclose-reason: tests pass\n---\n# Today\n",
		"deps":     "status: open\ndeps: [old]\n---\n# In the other dialect\n",
		"nonsense": "status: unheard-of\n---\n# Nonsense\n",
	})
	call(t, agent, "start", map[string]any{"id": "work"})
	call(t, agent, "note", map[string]any{"id": "work", "text": "half of it"})
	b, err := taker.Board()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]string)
	for _, c := range append(slices.Clone(Columns), Done) {
		for _, ticket := range b.inColumn(c) {
			got[c.Key()] = append(got[c.Key()], ticket.ID)
		}
		slices.Sort(got[c.Key()])
	}
	for column, want := range map[string]string{
		"ready": "deps epic free now", "progress": "legal other work", "waiting": "blocked child", "hold": "asked later", "today": "today", "done": "old",
	} {
		if got := strings.Join(got[column], " "); got != want {
			t.Errorf("%s has %q, want %q", column, got, want)
		}
	}
	if len(b.Broken) != 1 || b.Broken[0].ID != "nonsense" {
		t.Errorf("broken files: %v", b.Broken)
	}
	text := b.Print(Look{Width: 250}, taker.Text)
	for _, want := range []string{"● builder", "“half of it”", "50%", "■ Ada Lovelace",
		"○ bob, liveness unknown", "waits for free, gone", "waits for epic", "needs a person asked"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if len(b.Changes) != 2 || b.Changes[0].What != "noted on" || b.Changes[0].Who != "builder" ||
		b.Changes[0].Detail != "half of it" || b.Changes[1].What != "started" {
		t.Errorf("changes: %+v", b.Changes)
	}
	r, err := taker.Report(context.Background())
	if err != nil || len(r.Agents) != 1 || r.Agents[0].Taken != 1 || r.Now["in_progress"] != 3 {
		t.Errorf("report: %+v, %v", r, err)
	}
	ids, err := taker.Find(context.Background(), "half of")
	if err != nil || len(ids) != 1 || ids[0] != "work" {
		t.Errorf("found %v, %v", ids, err)
	}
	if c := b.ticketChanges("work"); len(c) != 2 {
		t.Errorf("changes of the ticket: %+v", c)
	}
}

// TestLivePageFollowsFiles: what an agent does, or an editor, is told to a page within a second.
func TestLivePageFollowsFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	taker, agent := newBoard(t, map[string]string{"work": "status: open\n---\n# Work\n"})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- taker.Serve(ctx, 0, func(url string) error { urls <- url; return nil })
	}()
	request, err := http.NewRequestWithContext(ctx, "GET", <-urls+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	versions := make(chan string, 100)
	go func() {
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if version, found := strings.CutPrefix(lines.Text(), "data: "); found {
				versions <- version
			}
		}
	}()
	told := func(what string, change func()) {
		t.Helper()
		for settled := false; !settled; { // what was told before is no news
			select {
			case <-versions:
			case <-time.After(500 * time.Millisecond):
				settled = true
			}
		}
		began := time.Now()
		change()
		select {
		case <-versions:
			if took := time.Since(began); took > restAtMost/2 {
				t.Errorf("%s was told after %s", what, took)
			}
		case <-ctx.Done():
			t.Fatalf("%s was not told", what)
		}
	}
	told("a start", func() { call(t, agent, "start", map[string]any{"id": "work"}) })
	told("a note", func() { call(t, agent, "note", map[string]any{"id": "work", "text": "half of it"}) })
	folder, err := taker.Tickets.Store.Open()
	if err != nil {
		t.Fatal(err)
	}
	told("an editor's change", func() {
		if err := os.WriteFile(filepath.Join(folder.Dir(), "more.md"),
			[]byte("---\nid: more\nstatus: open\n---\n# More\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestWaitMissesNothing: whenever a ticket changes, beside a picture or while Wait looks, rests or
// sleeps, the next pictures show it soon, and long before one is taken in any case.
func TestWaitMissesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	taker, agent := newBoard(t, nil)
	times := 15
	if longtest.Wanted() {
		times = 200
	}
	for i := range times {
		var made sync.WaitGroup
		made.Go(func() {
			time.Sleep(rand.N(rest * 5 / 4))
			call(t, agent, "create", map[string]any{"title": "x"})
		})
		began, shown := time.Now(), false
		for !shown {
			b, err := taker.Board()
			if err != nil {
				t.Fatal(err)
			}
			shown = len(b.Tickets) == i+1 || !taker.Wait(t.Context())
		}
		if took := time.Since(began); took > restAtMost/2 {
			t.Fatalf("change %d was shown after %s", i, took)
		}
		made.Wait()
	}
}

// TestWaitSleeps: as long as nothing changes, and until it is told to end.
func TestWaitSleeps(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	taker, _ := newBoard(t, map[string]string{"a": "status: open\n---\n# A\n"})
	if _, err := taker.Board(); err != nil {
		t.Fatal(err)
	}
	taker.Wait(t.Context()) // it may tell of what the picture has seen
	ctx, cancel := context.WithTimeout(t.Context(), 5*rest)
	defer cancel()
	if taker.Wait(ctx) || ctx.Err() == nil {
		t.Error("it returned without a change")
	}
}
