package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// Each file of testdata/wire is a talk on one connection, line by line as it goes over the wire:
// what the client sends, and what the server answers to each request before the next one is sent.
// What differs from run to run is masked: times, session keys, cursors, the program's version, and
// ids of new tickets and of tasks, which the client's lines may name as ID1, ID2 and TASK1. What
// stands elsewhere in the repository is left out: the instructions, and of tools/list all but the
// names. What comes a moment later is asked for again: "client, until it has ended".
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			want, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := talk(t, want)
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(got))); diff != "" {
				t.Errorf("%s (-want +got; -update writes it again):\n%s", file, diff)
			}
		})
	}
}

// talk sends the client's lines of a transcript to a server on a board of the transcript's tickets,
// and returns the transcript with what the server said.
func talk(t *testing.T, transcript *txtar.Archive) *txtar.Archive {
	t.Helper()
	dir := servertest.OpenTickets(t)
	for _, f := range transcript.Files {
		if name, found := strings.CutPrefix(f.Name, ".tickets/"); found {
			if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := servertest.Start(t, servertest.On(t, dir))
	got := &txtar.Archive{Comment: transcript.Comment}
	var made names
	for _, f := range transcript.Files {
		if f.Name == "server" {
			continue
		}
		got.Files = append(got.Files, f)
		name, until, _ := strings.Cut(f.Name, ", ")
		if name != "client" {
			continue
		}
		said := ""
		for line := range strings.Lines(string(f.Data)) {
			line = made.meant(strings.TrimSuffix(line, "\n"))
			var asked struct{ ID json.RawMessage }
			if err := json.Unmarshal([]byte(line), &asked); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			w.Send(line)
			if asked.ID == nil {
				continue
			}
			m := w.Answer(string(asked.ID))
			for began := time.Now(); until != "" && time.Since(began) < servertest.Soon &&
				strings.Contains(m.Line, `"status":"working"`); {
				w.Send(line)
				m = w.Answer(string(asked.ID))
			}
			made.note(m)
			said += made.hidden(masked(t, m)) + "\n"
		}
		got.Files = append(got.Files, txtar.File{Name: "server", Data: []byte(said)})
	}
	if rest, status := w.End(); len(rest) > 0 || status != 0 || w.Stderr.String() != "" {
		t.Errorf("answers that nobody asked for: %v, status %d", rest, status)
	}
	return got
}

// names are what ids that the server chose are called in a transcript.
type names struct{ tickets, tasks []string }

// note learns the ids of the ticket and of the task that an answer says were made.
func (n *names) note(m servertest.Message) {
	var result struct {
		ResultType, TaskID string
		StructuredContent  struct{ ID, Message string }
	}
	// What is of another shape has made nothing.
	if json.Unmarshal(m.Result, &result) != nil {
		return
	}
	if strings.HasPrefix(result.StructuredContent.Message, "created ") {
		n.tickets = append(n.tickets, result.StructuredContent.ID)
	}
	if result.ResultType == "task" {
		n.tasks = append(n.tasks, result.TaskID)
	}
}

// replacer is for a line, from names to ids or back.
func (n *names) replacer(back bool) *strings.Replacer {
	var pairs []string
	for _, kind := range []struct {
		name string
		ids  []string
	}{{"ID", n.tickets}, {"TASK", n.tasks}} {
		for i, id := range kind.ids {
			pair := []string{fmt.Sprintf("%s%d", kind.name, i+1), id}
			if back {
				slices.Reverse(pair)
			}
			pairs = append(pairs, pair...)
		}
	}
	return strings.NewReplacer(pairs...)
}

func (n *names) meant(line string) string { return n.replacer(false).Replace(line) }

func (n *names) hidden(line string) string { return n.replacer(true).Replace(line) }

var programVersion = regexp.MustCompile(`("name":"ticket-mcp"[^{}]*"version":")[^"]*`)

var (
	// ttl is how long what has ended is kept, from its beginning on.
	ttl         = regexp.MustCompile(`("ttlMs":)[1-9][0-9]*`)
	waitCursors = regexp.MustCompile(`("cursor":"|cursor: )[\w-]+`)
)

func masked(t *testing.T, m servertest.Message) string {
	t.Helper()
	line := m.Line
	var result struct{ Tools, Instructions json.RawMessage }
	if m.Result != nil {
		if err := json.Unmarshal(m.Result, &result); err != nil {
			t.Fatal(err)
		}
	}
	if result.Instructions != nil {
		line = strings.Replace(line, string(result.Instructions), `"..."`, 1)
	}
	if result.Tools != nil {
		var tools []struct{ Name string }
		if err := json.Unmarshal(result.Tools, &tools); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range tools {
			names = append(names, tool.Name)
		}
		line = strings.Replace(line, string(result.Tools),
			fmt.Sprintf("[%s, ...]", strings.Join(names, ", ")), 1)
	}
	if strings.Contains(line, `"status":"completed"`) ||
		strings.Contains(line, `"status":"cancelled"`) {
		line = ttl.ReplaceAllString(line, "${1}TTL")
	}
	line = waitCursors.ReplaceAllString(line, "${1}CURSOR")
	line = keys.ReplaceAllString(line, "@KEY")
	line = programVersion.ReplaceAllString(line, "${1}VERSION")
	return times.ReplaceAllStringFunc(line, func(stamp string) string {
		if at, err := time.Parse(time.RFC3339, stamp); err != nil ||
			time.Since(at).Abs() > time.Hour {
			return stamp // of a fixture
		}
		return "TIME"
	})
}
