package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// corpus is a folder of tickets that another program wrote for a real project. It is not part of
// the repository.
const corpus = "../../../shared/corpus"

// corpusServer copies the corpus into a board, adds a ticket to be blocked by, and starts a server
// on it.
func corpusServer(t *testing.T) (dir string, tickets map[string]document.Ticket, c *client.Client) {
	t.Helper()
	if _, err := os.Stat(corpus); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no corpus of real tickets at", corpus)
	}
	dir = filepath.Join(t.TempDir(), ".tickets")
	if err := os.CopyFS(dir, os.DirFS(corpus)); err != nil {
		t.Fatal(err)
	}
	tickets = make(map[string]document.Ticket)
	for name, f := range filesOf(t, dir) {
		id := strings.TrimSuffix(name, ".md")
		d, err := document.Parse(id, []byte(f.content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tickets[id] = d.Ticket()
	}
	if err := os.WriteFile(filepath.Join(dir, corpusBlocker+".md"),
		[]byte("---\nstatus: open\n---\n# A blocker\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := client.Start(t.Context(), "ticket-mcp", []string{"--dir", dir}, client.Environment())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir, tickets, c
}

const corpusBlocker = "corpus-blocker"

func filesOf(t *testing.T, dir string) map[string]ticketVersion {
	t.Helper()
	files, err := ticketFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// startable reports whether a ticket is open, and nothing that it names is in the way.
func startable(tickets map[string]document.Ticket, t document.Ticket) bool {
	if t.Status != document.StatusOpen || t.Parent != "" &&
		tickets[t.Parent].Status != document.StatusInProgress {
		return false
	}
	return !slices.ContainsFunc(t.BlockedBy, func(b document.Blocker) bool {
		return tickets[b.ID].Status != document.StatusClosed
	})
}

// Each change of a real ticket changes the lines of the fields it names and nothing else, in this
// ticket and in no other; after the last one the ticket has its first bytes again, but for the
// notes that close and reopen make.
func TestCorpusChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("changes every ticket of the corpus")
	}
	dir, tickets, c := corpusServer(t)
	changed := 0
	for _, id := range slices.Sorted(maps.Keys(tickets)) {
		if !startable(tickets, tickets[id]) {
			continue
		}
		changed++
		blocked := map[string]string{"id": id, "blocked_by": corpusBlocker}
		first := filesOf(t, dir)
		before := first
		for _, step := range []struct {
			tool      string
			arguments map[string]string
			keys      []string // of the lines that may change
			want      string   // of the lines that are new
		}{
			{"block", blocked, []string{"blocked-by"}, corpusBlocker},
			{"unblock", blocked, []string{"blocked-by"}, "blocked-by: "},
			{"start", map[string]string{"id": id}, []string{"status", "claimed-by", "claimed-at"},
				"status: in_progress"},
			{"close", map[string]string{"id": id},
				[]string{"status", "claimed-by", "claimed-at", "closed",
					"closed-by"}, "status: closed"},
			{"reopen", map[string]string{"id": id}, []string{"status", "closed", "closed-by"},
				"status: open"},
		} {
			r, err := c.Call(step.tool, step.arguments)
			if err != nil || r.IsError {
				t.Fatalf("%s %s: %s %v", step.tool, id, r.Text, err)
			}
			after := filesOf(t, dir)
			was, is := withoutRemarks(before[id+".md"].content), withoutRemarks(after[id+".md"].content)
			if diff := cmp.Diff(without(was, step.keys), without(is, step.keys)); diff != "" {
				t.Errorf("%s %s changed other lines than %v (-before +after):\n%s", step.tool, id,
					step.keys, diff)
			}
			if was == is || !strings.Contains(is, step.want) {
				t.Errorf("%s %s: no %q in the file", step.tool, id, step.want)
			}
			others := maps.Clone(after)
			others[id+".md"] = before[id+".md"]
			if diff := cmp.Diff(before, others, cmp.AllowUnexported(ticketVersion{})); diff != "" {
				t.Errorf("%s %s wrote other files (-before +after):\n%s", step.tool, id, diff)
			}
			before = after
		}
		if diff := cmp.Diff(withoutRemarks(first[id+".md"].content),
			withoutRemarks(before[id+".md"].content)); diff != "" {
			t.Errorf("%s is not as it was (-first +last):\n%s", id, diff)
		}
	}
	if changed < 10 {
		t.Errorf("only %d tickets could be started: this shows little", changed)
	}
	t.Logf("%d tickets, %d changed", len(tickets), changed)
}

// remarks are the notes that close and reopen make by themselves, with the section that they make
// for them.
var remarks = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^- \S+Z ticket-mcp@[0-9a-f]{12}: (closed with open boxes|it had been closed).*\n?`),
	regexp.MustCompile(`\n+## Notes\n\s*\z`),
}

func withoutRemarks(content string) string {
	for _, r := range remarks {
		content = r.ReplaceAllString(content, "\n")
	}
	return strings.TrimRight(content, "\n") + "\n"
}

// without leaves out the lines of some keys of the front matter, and what is written below them.
func without(content string, keys []string) string {
	var b strings.Builder
	fences, skip := 0, false
	for line := range strings.Lines(content) {
		if strings.TrimRight(line, "\r\n") == "---" {
			fences++
		}
		if fences == 1 {
			key, _, found := strings.Cut(line, ":")
			if found && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "-") {
				skip = slices.Contains(keys, key)
			}
			if skip {
				continue
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// What a closed ticket refuses writes nothing, anywhere: not a byte, not a time.
func TestCorpusRefusals(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	dir, tickets, c := corpusServer(t)
	closed := 0
	before := filesOf(t, dir)
	for _, id := range slices.Sorted(maps.Keys(tickets)) {
		if tickets[id].Status != document.StatusClosed {
			continue
		}
		closed++
		for _, tool := range []string{"start", "close", "block", "unblock"} {
			arguments := map[string]string{"id": id}
			if strings.HasSuffix(tool, "block") {
				arguments["blocked_by"] = corpusBlocker
			}
			r, err := c.Call(tool, arguments)
			if err != nil || !r.IsError || r.Code != string(ticketfs.WrongStatus) {
				t.Errorf("%s %s: %s %v", tool, id, r.Text, err)
			}
			if diff := cmp.Diff(before, filesOf(t, dir),
				cmp.AllowUnexported(ticketVersion{})); diff != "" {
				t.Fatalf("the refused %s %s wrote (-before +after):\n%s", tool, id, diff)
			}
		}
	}
	if closed < 10 {
		t.Errorf("only %d tickets are closed: this shows little", closed)
	}
	t.Logf("%d tickets, %d closed", len(tickets), closed)
}
