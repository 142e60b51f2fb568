package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

const readmePath = "../../README.md"

// between returns the part of the README between two markers, and a function that puts another in
// its place.
func between(t *testing.T, name string) (part string, replace func(string) error) {
	t.Helper()
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, found := strings.Cut(string(text), begin)
	part, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("README.md has no part %q", name)
	}
	return part, func(part string) error {
		return os.WriteFile(readmePath, []byte(before+begin+part+end+after), 0o666)
	}
}

// TestReadmeDialogue runs the dialogue in the README and compares: what stands there is what is
// answered, but for times, new ids and session keys. With -update it is written again.
func TestReadmeDialogue(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for id, rest := range map[string]string{
		"d5login": "type: feature\npriority: 1\n---\n# Log in with a passkey\n\n## Acceptance Criteria\n\n- [ ] works without a password\n",
		"d5audit": "blocked-by: [d5login]\ntype: task\npriority: 2\n---\n# Audit the log-in\n",
	} {
		content := "---\nschema_version: 1\nid: " + id +
			"\nstatus: open\ncreated: 2026-01-04T05:22:09Z\n" + rest
		if err := os.WriteFile(filepath.Join(dir, id+".md"), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.Start(t.Context(), "ticket-mcp", []string{"--dir", dir, "--agent", "planner"},
		nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	var got bytes.Buffer
	fmt.Fprintln(&got, "```")
	created := ""
	for _, step := range [][2]string{
		{"ready", `{}`},
		{"start", `{}`},
		{"note", `{"id":"d5login","text":"the library wants a newer Go"}`},
		{"create", `{"title":"Update Go","type":"chore","priority":1}`},
		{"block", `{"id":"d5audit","blocked_by":"NEW"}`},
		{"block", `{"id":"NEW","blocked_by":"d5audit"}`},
		{"update", `{"id":"d5login","tick":["works without a password"]}`},
		{"close", `{"id":"d5login","reason":"passkeys work"}`},
		{"start", `{"id":"NEW"}`},
		{"close", `{"id":"NEW","reason":"on the newest"}`},
	} {
		arguments := strings.ReplaceAll(step[1], "NEW", created)
		r, err := c.Call(step[0], jsonText(arguments))
		if err != nil {
			t.Fatal(err)
		}
		if step[0] == "create" {
			created = strings.TrimPrefix(strings.SplitN(r.Text, "\n", 2)[0], "created ")
		}
		text := regexp.MustCompile(`(?m)^board: .*\n?`).ReplaceAllString(r.Text, "")
		fmt.Fprintf(&got, "> %s %s\n%s\n", step[0], arguments, strings.TrimRight(text, "\n"))
	}
	fmt.Fprintln(&got, "```")
	want, replace := between(t, "dialogue")
	if *update {
		if err := replace(got.String()); err != nil {
			t.Fatal(err)
		}
		return
	}
	masked := func(text string) string {
		return newIDs.ReplaceAllString(keys.ReplaceAllString(times.ReplaceAllString(text, "TIME"),
			"@KEY"), "NEW")
	}
	if diff := cmp.Diff(masked(want), masked(got.String())); diff != "" {
		t.Errorf("the README shows another dialogue (-README +run); go test -run ReadmeDialogue -update writes it:\n%s", diff)
	}
}

// jsonText is arguments that are JSON already.
type jsonText string

func (j jsonText) MarshalJSON() ([]byte, error) { return []byte(j), nil }

// elsewhere are commands of the README that neither CI nor a script runs as they stand, and where
// what they do is tested.
var elsewhere = map[string]string{
	"go install ./cmd/ticket-mcp": "go build in every test run makes the same program",
}

// TestReadmeCommands: every command in a shell block of the README is run by CI, or named above
// with what stands in for it.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	var run []string
	for line := range strings.Lines(string(ci)) {
		if command, found := strings.CutPrefix(strings.TrimSpace(line), "step "); found {
			run = append(run, command)
		}
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.Lines(block[1]) {
			command := strings.TrimSpace(line)
			commands++
			if !slices.Contains(run, command) && elsewhere[command] == "" {
				t.Errorf("nothing runs %q", command)
			}
		}
	}
	if commands < 4 {
		t.Errorf("only %d commands found", commands)
	}
	if n := bytes.Count(readme, []byte("\n")); n > 200 {
		t.Errorf("the README has %d lines", n)
	}
}
