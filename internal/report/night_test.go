package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/report"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

var nightLong = flag.Duration("night", 2*time.Second,
	"how `long` eight servers work, and are killed, before their night is told")

// night is a board on which real server processes work, and what they were answered.
type night struct {
	t       *testing.T
	program string
	dir     string
	began   time.Time

	mu      sync.Mutex
	ids     []string
	done    map[deed]int   // changes that were answered
	refused map[string]int // by agent
	kills   int
}

// deed is a kind of change: who changed which ticket by which tool.
type deed struct{ agent, tool, id string }

func newNight(t *testing.T, tickets int) *night {
	n := &night{t: t, program: servertest.Program(t), dir: filepath.Join(t.TempDir(), ".tickets"),
		done: map[deed]int{}, refused: map[string]int{}}
	n.must(os.Mkdir(n.dir, 0o755))
	for i := range tickets {
		id := fmt.Sprintf("n%03d", i)
		text := fmt.Sprintf("---\nid: %s\nstatus: open # of the first hour\ncreated: 2026-01-04T05:22:09Z\npriority: %d\n---\n# Ticket %d\n\nWords.\n", id, 1+i%4, i)
		n.must(os.WriteFile(filepath.Join(n.dir, id+".md"), []byte(text), 0o644))
		n.ids = append(n.ids, id)
	}
	n.began = time.Now()
	return n
}

func (n *night) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *night) start(agent string) *client.Client {
	n.t.Helper()
	c, err := client.Start(n.t.Context(), n.program, []string{"--dir", n.dir, "--agent", agent},
		client.Environment())
	n.must(err)
	return c
}

// worker is one agent: a server process and the ticket it holds.
type worker struct {
	*night
	agent string
	c     *client.Client
	holds string
}

// step makes one call and notes what was answered. It reports whether the server still lives.
func (w *worker) step() bool {
	w.mu.Lock()
	id := w.ids[rand.N(len(w.ids))]
	w.mu.Unlock()
	tool, args := "note", map[string]any{"id": id, "text": fmt.Sprint("note ", rand.Uint32())}
	switch p := rand.N(10); {
	case p < 4 && w.holds == "":
		tool, args = "start", map[string]any{"id": id}
	case p < 3:
		tool, args = "close", map[string]any{"id": w.holds, "reason": "done by " + w.agent}
	case p == 3:
		tool, args = "release", map[string]any{"id": w.holds, "reason": "later"}
	case p == 4:
		tool, args = "update", map[string]any{"id": id, "priority": 1 + rand.N(4),
			"description": fmt.Sprint("Words ", rand.Uint32())}
	case p == 5:
		tool, args = "reopen", map[string]any{"id": id, "reason": "not quite"}
	case p == 6 && rand.N(4) == 0:
		tool, args = "create", map[string]any{"title": fmt.Sprint("Found ", rand.Uint32())}
	}
	r, err := w.c.Call(tool, args)
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var answer struct {
		ID           string
		Journaled    *bool
		AlreadyYours bool `json:"already_yours"`
	}
	switch {
	case r.Code != "":
		w.refused[w.agent]++
		return true
	case r.IsError:
		w.t.Errorf("%s %v: %s", tool, args, r.Text)
		return true
	}
	if err := json.Unmarshal(r.Structured, &answer); err != nil || answer.Journaled != nil {
		w.t.Errorf("%s %v: %s, %v", tool, args, r.Structured, err)
	}
	if !answer.AlreadyYours {
		w.done[deed{w.agent, tool, answer.ID}]++
	}
	switch tool {
	case "start":
		w.holds = answer.ID
	case "close", "release":
		w.holds = ""
	case "create":
		w.ids = append(w.ids, answer.ID)
	}
	return true
}

// workAll lets agents work until the end; each that is killed is followed by another.
func (n *night) workAll(agents int, end time.Time, kill bool) {
	var group sync.WaitGroup
	for i := range agents {
		group.Go(func() {
			for life := 0; time.Now().Before(end) && !n.t.Failed(); life++ {
				w := worker{night: n, agent: fmt.Sprintf("agent-%d-%d", i, life)}
				w.c = n.start(w.agent)
				if kill {
					time.AfterFunc(time.Duration(200+rand.N(800))*time.Millisecond,
						func() { _ = w.c.Cmd.Process.Kill() })
				}
				for time.Now().Before(end) && w.step() {
				}
				if err := w.c.Close(); err != nil && kill {
					n.mu.Lock()
					n.kills++
					n.mu.Unlock()
				}
			}
		})
	}
	group.Wait()
}

// noteAll lets an agent note something on each of these tickets.
func (n *night) noteAll(agent string, ids []string) {
	n.t.Helper()
	c := n.start(agent)
	for _, id := range ids {
		r, err := c.Call("note", map[string]any{"id": id, "text": "by " + agent})
		if n.must(err); r.IsError {
			n.t.Fatal(r.Text)
		}
		n.done[deed{agent, "note", id}]++
	}
	n.must(c.Close())
}

// rows reads all journals, ticket by ticket.
func (n *night) rows() map[string][]journal.Row {
	n.t.Helper()
	j := journal.Of(n.dir)
	files, err := j.Files()
	n.must(err)
	rows := make(map[string][]journal.Row)
	for _, f := range files {
		n.must(j.Ticket(f.Ticket, true, func(r journal.Row) bool {
			rows[f.Ticket] = append(rows[f.Ticket], r)
			return true
		}))
	}
	return rows
}

func (n *night) text(id string) []byte {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, id+".md"))
	n.must(err)
	return text
}

// command runs the program as a person does and decodes what it prints.
func (n *night) command(into any, args ...string) {
	n.t.Helper()
	cmd := exec.Command(n.program, append([]string{"--dir", n.dir}, args...)...)
	cmd.Env = append(client.Environment(), "USER=Ada")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if stderr.Len() > 0 {
		n.t.Fatalf("%v: %v, %s", args, err, stderr.String())
	}
	n.must(json.Unmarshal(out, into))
}

// TestNight: what eight processes did, some of them killed, is told to the last change: by the
// rows, which lead from each ticket as it was to the ticket as it is, by history, and by the
// report.
func TestNight(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := newNight(t, 100)
	// Each ticket has a row from before, so that one whose row is lost is missed; and a refusal is
	// counted once there is a journal.
	n.noteAll("first", n.ids)
	n.began = time.Now()
	n.workAll(8, n.began.Add(*nightLong), true)
	rows := n.rows()
	outside := n.checkRows(rows)
	n.checkHistory(rows)
	n.checkReport(rows)
	changes := 0
	for _, count := range n.done {
		changes += count
	}
	t.Logf("%d answered changes, %d kills, %d changes without a row", changes, n.kills, outside)
	if changes < 100 || n.kills < 8 {
		t.Errorf("only %d changes and %d kills", changes, n.kills)
	}
}

// checkRows: every answered change has its row; a killed process may have made one more, and one of
// them without a row.
func (n *night) checkRows(rows map[string][]journal.Row) (outside int) {
	n.t.Helper()
	seen := map[deed]int{}
	for id, all := range rows {
		text := n.text(id)
		for i, r := range slices.Backward(all) {
			if r.After != journal.HashOf(text) {
				n.t.Errorf("%s: row %d of %d left another text than the next one found", id, i,
					len(all))
				break
			}
			if r.IsOutside() {
				outside++
				break // what it found is not kept
			}
			var err error
			if text, err = r.Restore(text); err != nil {
				n.t.Errorf("%s: %v", r.ID(), err)
				break
			}
		}
		for _, r := range all {
			if !r.IsOutside() {
				name, _, _ := strings.Cut(r.Actor, "@")
				seen[deed{name, r.Tool, id}]++
			}
		}
	}
	more := 0
	for d := range maps.Keys(n.done) {
		if seen[d] < n.done[d] {
			n.t.Errorf("%v was answered %d times and has %d rows", d, n.done[d], seen[d])
		}
	}
	for d, count := range seen {
		more += count - n.done[d]
	}
	if more+outside > n.kills {
		n.t.Errorf("%d rows and %d changes without a row that nobody was answered, after %d kills",
			more, outside, n.kills)
	}
	return outside
}

// checkHistory: the tool, asked page by page, tells each row once, in the order of time.
func (n *night) checkHistory(rows map[string][]journal.Row) {
	n.t.Helper()
	c := n.start("reader")
	defer func() { n.must(c.Close()) }()
	told := map[string]int{}
	last, since := "", "1h"
	for {
		r, err := c.Call("history", map[string]any{"since": since, "limit": 100})
		n.must(err)
		var page struct {
			Rows []struct{ Row, Time string }
			More int
			Next string
		}
		n.must(json.Unmarshal(r.Structured, &page))
		for _, row := range page.Rows {
			if told[row.Row]++; row.Time < last {
				n.t.Errorf("%s of %s is told after %s", row.Row, row.Time, last)
			}
			last = row.Time
		}
		if since = page.Next; page.More == 0 {
			break
		}
	}
	delete(told, "") // outside rows have no name
	for id, all := range rows {
		for _, r := range all {
			if !r.IsOutside() && told[r.ID()] != 1 {
				n.t.Errorf("%s: row %s was told %d times", id, r.ID(), told[r.ID()])
			}
			delete(told, r.ID())
		}
	}
	if len(told) > 0 {
		n.t.Errorf("told, but not there: %v", told)
	}
}

// checkReport: its numbers are those of the files and of the rows, and they add up.
func (n *night) checkReport(rows map[string][]journal.Row) {
	n.t.Helper()
	var r report.Report
	n.command(&r, "report", "--json", "--since", n.began.Format(time.RFC3339Nano))
	files, err := filepath.Glob(filepath.Join(n.dir, "*.md"))
	n.must(err)
	now, then, moves := map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range files {
		id := strings.TrimSuffix(filepath.Base(f), ".md")
		d, err := document.Parse(id, n.text(id))
		n.must(err)
		now[string(d.Ticket().Status)]++
		if id[0] == 'n' {
			then["open"]++
		}
	}
	want := maps.Clone(then)
	for move, count := range r.Moves {
		from, to, _ := strings.Cut(move, " -> ")
		want[from] -= count
		want[to] += count
		moves[to] += count
	}
	delete(want, "none")
	if !maps.Equal(r.Now, now) || !maps.Equal(r.Then, then) || len(r.Unclear) > 0 ||
		len(r.Unread) > 0 {
		n.t.Errorf("then %v, now %v, unclear %v, unread %v; the files say %v, %v", r.Then, r.Now,
			r.Unclear, r.Unread, then, now)
	}
	for status, count := range now {
		if want[status] != count {
			n.t.Errorf("%s: %v then, %v: makes %d, not %d", status, r.Then, r.Moves, want[status],
				count)
		}
	}
	closed, byRows := 0, 0
	for _, a := range r.Agents {
		closed += a.Closed
		name, _, _ := strings.Cut(a.Name, "@")
		if told := n.refused[name]; a.Refused != told && a.Refused != told+1 { // the last one may not have been answered
			n.t.Errorf("%s was refused %d times, the report says %d", name, told, a.Refused)
		}
	}
	for _, all := range rows {
		for _, row := range all {
			if row.Tool == "close" && !row.Time.Before(n.began) {
				byRows++
			}
		}
	}
	if closed != byRows {
		n.t.Errorf("the agents closed %d, by the rows %d", closed, byRows)
	}
}

// TestUndoOfAnHour: the undo of all that one agent did restores exactly the tickets that nobody
// else changed since, to the byte but for claims, which are not given back.
func TestUndoOfAnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := newNight(t, 300)
	n.workAll(3, time.Now().Add(time.Second), false)
	before := map[string][]byte{}
	for _, id := range n.ids {
		before[id] = n.text(id)
	}
	n.done = map[deed]int{}
	began := time.Now()
	owl := worker{night: n, agent: "owl"}
	owl.c = n.start(owl.agent)
	var group sync.WaitGroup
	group.Go(func() { n.workAll(1, began.Add(time.Second), false) })
	// On a busy machine a second is not enough for tickets that can be restored.
	for steps := 0; (time.Since(began) < time.Second || steps < 60) && owl.step(); steps++ {
	}
	group.Wait()
	n.must(owl.c.Close())
	edited := n.ids[0]
	n.must(os.WriteFile(filepath.Join(n.dir, edited+".md"), append(n.text(edited), "by hand\n"...),
		0o644))

	var lately []string
	for d := range n.done {
		if d.agent == "owl" && len(lately) < 3 {
			lately = append(lately, d.id)
		}
	}
	n.noteAll("late", lately)
	others, owls := map[string]bool{edited: true}, map[string]bool{}
	for d := range n.done {
		if d.agent == "owl" {
			owls[d.id] = true
		} else {
			others[d.id] = true
		}
	}
	after, last := map[string][]byte{}, map[string]bool{}
	rows := n.rows()
	for _, id := range n.ids {
		after[id] = n.text(id)
		last[id] = owls[id] && owlIsLast(rows[id], began)
	}
	var undone struct {
		Tickets []struct{ ID, Refused string }
	}
	n.command(&undone, "undo", "--by", "owl", "--since", began.Format(time.RFC3339Nano), "--yes",
		"--json")
	reported, restored := map[string]bool{}, 0
	for _, ticket := range undone.Tickets {
		reported[ticket.ID] = ticket.Refused == ""
	}
	for _, id := range n.ids {
		mine, told := reported[id]
		want := after[id]
		switch {
		case last[id] && others[id]:
			want = nil // what somebody left whom the owl followed
		case last[id]:
			want = n.restored(before[id], after[id])
			restored++
		}
		if told != owls[id] || mine != last[id] || owls[id] && !others[id] && !last[id] {
			t.Errorf("%s: owl %v, last %v, others %v; undo says told %v, undone %v", id, owls[id],
				last[id], others[id], told, mine)
		}
		if now := n.text(id); want != nil && !bytes.Equal(now, want) {
			t.Errorf("%s: owl %v, others %v: it is\n%s\nwant\n%s\nit was\n%s\nand then\n%s", id,
				owls[id], others[id], now, want, before[id], after[id])
		}
	}
	t.Logf("%d tickets of %d that the owl changed were restored", restored, len(owls))
	if restored < 5 {
		t.Error("the night was too quiet")
	}
}

// owlIsLast reports whether nobody changed a ticket behind the owl, nor between its changes.
func owlIsLast(rows []journal.Row, began time.Time) bool {
	first := slices.IndexFunc(rows,
		func(r journal.Row) bool { return r.Time.After(began) && strings.HasPrefix(r.Actor, "owl@") })
	return !slices.ContainsFunc(rows[first:],
		func(r journal.Row) bool { return !strings.HasPrefix(r.Actor, "owl@") })
}

// restored is what a ticket must be once the owl's changes are undone; nil for one that the owl
// created.
func (n *night) restored(before, after []byte) []byte {
	n.t.Helper()
	if before == nil {
		return nil
	}
	claim := func(text []byte) string {
		lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool {
			return !strings.HasPrefix(line, "claimed-") && !strings.HasPrefix(line, "status: ")
		})
		return strings.Join(lines, "\n")
	}
	if !strings.Contains(claim(before), "status: in_progress") || claim(before) == claim(after) {
		return before
	}
	var kept []string
	for line := range strings.Lines(string(before)) {
		if !strings.HasPrefix(line, "claimed-") {
			kept = append(kept, strings.Replace(line, "status: in_progress", "status: open", 1))
		}
	}
	return []byte(strings.Join(kept, ""))
}
