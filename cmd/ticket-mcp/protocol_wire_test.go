package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// Each file of testdata/wire is a talk on one connection, line by line as it goes over the wire:
// what the client sends, and what the server answers to each request before the next one is sent.
// What differs from run to run is masked: times, session keys, the program's version, and ids of
// new tickets, which the client's lines may name as ID1, ID2. What stands elsewhere in the
// repository is left out: the instructions, and of tools/list all but the names.
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
	var created []string
	for _, f := range transcript.Files {
		if f.Name == "server" {
			continue
		}
		got.Files = append(got.Files, f)
		if f.Name != "client" {
			continue
		}
		said := ""
		for line := range strings.Lines(string(f.Data)) {
			line = strings.TrimSuffix(line, "\n")
			for i, id := range created {
				line = strings.ReplaceAll(line, fmt.Sprintf("ID%d", i+1), id)
			}
			w.Send(line)
			var asked struct{ ID json.RawMessage }
			if err := json.Unmarshal([]byte(line), &asked); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if asked.ID == nil {
				continue
			}
			m := w.Answer(string(asked.ID))
			if id := createdBy(m); id != "" {
				created = append(created, id)
			}
			said += masked(t, m, created) + "\n"
		}
		got.Files = append(got.Files, txtar.File{Name: "server", Data: []byte(said)})
	}
	if rest, status := w.End(); len(rest) > 0 || status != 0 || w.Stderr.String() != "" {
		t.Errorf("answers that nobody asked for: %v, status %d", rest, status)
	}
	return got
}

// createdBy is the id of the ticket that an answer says was created.
func createdBy(m servertest.Message) string {
	var result struct {
		StructuredContent struct{ ID, Message string }
	}
	// What is of another shape has created nothing.
	if json.Unmarshal(m.Result, &result) == nil &&
		strings.HasPrefix(result.StructuredContent.Message, "created ") {
		return result.StructuredContent.ID
	}
	return ""
}

var programVersion = regexp.MustCompile(`("name":"ticket-mcp"[^{}]*"version":")[^"]*`)

func masked(t *testing.T, m servertest.Message, created []string) string {
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
	for i, id := range created {
		line = strings.ReplaceAll(line, id, fmt.Sprintf("ID%d", i+1))
	}
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
