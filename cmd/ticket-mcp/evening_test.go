package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// What an evening may cost the agents that work it.
const (
	mostCalls  = 45
	mostTokens = 5500 // of structured answers and arguments, four bytes each
)

// evening plays testdata/evening.txt against server processes.
type evening struct {
	t        *testing.T
	dir      string
	sessions map[string]*client.Client
	ids      map[string]string // by the names of the plan
	calls    int
	bytes    int
}

// TestEvening: a realistic evening is worked without a call that is refused, and within its budget.
func TestEvening(t *testing.T) {
	if testing.Short() {
		t.Skip("a dead session's ticket is kept for ten seconds")
	}
	t.Parallel()
	e := &evening{t: t, dir: servertest.OpenTickets(t), sessions: make(map[string]*client.Client),
		ids: make(map[string]string)}
	file, err := os.Open("testdata/evening.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	program := servertest.Program(t)
	if !filepath.IsAbs(program) {
		t.Fatalf("%s is not absolute", program)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			e.play(line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for name, id := range e.ids {
		if text, err := os.ReadFile(filepath.Join(e.dir, id+".md")); err != nil ||
			!strings.Contains(string(text), "\nstatus: closed\n") {
			t.Errorf("%s is not closed (%v):\n%s", name, err, text)
		}
	}
	tokens := e.bytes / 4
	t.Logf("%d calls, %d tokens", e.calls, tokens)
	if e.calls > mostCalls || tokens > mostTokens {
		t.Errorf("%d calls and %d tokens, at most %d and %d", e.calls, tokens, mostCalls,
			mostTokens)
	}
}

func (e *evening) play(line string) {
	e.t.Helper()
	if action, found := strings.CutPrefix(line, "! "); found {
		e.act(action)
		return
	}
	line, nothingNext := strings.CutSuffix(line, " !next")
	keep := ""
	if at := strings.LastIndex(line, "} ="); at >= 0 {
		line, keep = line[:at+1], line[at+3:]
	}
	who, rest, _ := strings.Cut(line, " ")
	tool, arguments, _ := strings.Cut(rest, " ")
	for name, id := range e.ids {
		arguments = strings.ReplaceAll(arguments, `"$`+name+`"`, `"`+id+`"`)
	}
	r, err := e.session(who).Call(tool, json.RawMessage(arguments))
	if err != nil || r.IsError {
		e.t.Fatalf("%s %s %s: %s (%v)", who, tool, arguments, r.Text, err)
	}
	e.calls++
	e.bytes += len(arguments) + len(r.Structured)
	var answer struct {
		ID      string
		Tickets []struct{ Name, ID string }
		Next    json.RawMessage
		Reason  string `json:"next_reason"`
	}
	if err := json.Unmarshal(r.Structured, &answer); err != nil {
		e.t.Fatal(err)
	}
	if tool == "plan" {
		for _, t := range answer.Tickets {
			e.ids[t.Name] = t.ID
		}
	}
	if keep != "" {
		e.ids[keep] = answer.ID
	}
	if wants := strings.Contains(arguments, `"next":true`); wants &&
		(string(answer.Next) == "null") != nothingNext {
		e.t.Fatalf("%s %s %s: next is %s, %s", who, tool, arguments, answer.Next, answer.Reason)
	}
	e.t.Logf("%s %s %.100s\n%s", who, tool, arguments, r.Text)
}

func (e *evening) session(name string) *client.Client {
	e.t.Helper()
	if c := e.sessions[name]; c != nil {
		return c
	}
	env := append(os.Environ(), "TICKET_MCP_AGENT="+name, "TICKET_MCP_SESSION="+name)
	// Agents work in the repository: answers need not name the board.
	c, err := client.Server{Program: servertest.Program(e.t), Env: env,
		Dir: filepath.Dir(e.dir), Stderr: os.Stderr}.Start(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Close() }) // one that was killed has no good end
	e.sessions[name] = c
	return c
}

// act is what happens beside the agents.
func (e *evening) act(action string) {
	e.t.Helper()
	words := strings.Split(action, " ")
	quoted := strings.Split(action, `"`)
	switch words[0] {
	case "kill":
		if err := e.sessions[words[1]].Cmd.Process.Kill(); err != nil {
			e.t.Fatal(err)
		}
	case "edit":
		path := filepath.Join(e.dir, e.ids[words[1]]+".md")
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(strings.Replace(string(text), quoted[1], quoted[3], 1)),
				0o666)
		}
		if err != nil {
			e.t.Fatal(err)
		}
	case "answer":
		cmd := exec.Command(servertest.Program(e.t), "answer", e.ids[words[1]], quoted[1])
		cmd.Dir, cmd.Env = filepath.Dir(e.dir), append(os.Environ(), "USER=Grace")
		if out, err := cmd.CombinedOutput(); err != nil {
			e.t.Fatalf("%v\n%s", err, out)
		}
	case "outlive":
		// The first look begins the ten seconds; nobody calls meanwhile.
		cmd := exec.Command(servertest.Program(e.t), "ready")
		cmd.Dir = filepath.Dir(e.dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			e.t.Fatalf("%v\n%s", err, out)
		}
		time.Sleep(10*time.Second + 500*time.Millisecond)
	default:
		e.t.Fatal(fmt.Errorf("unknown action %q", action))
	}
}
