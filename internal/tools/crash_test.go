package tools_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// crashCalls change several tickets at once. A death at any step leaves a legal board, and the same
// call again finishes it.
var crashCalls = map[string]struct {
	tool, args string
	finished   func(files map[string]document.Ticket) error
}{
	"plan": {"plan", `{"plan":"p","tickets":[
		{"name":"leaf","title":"Leaf","parent":"mid","blocked_by":["first"]},{"name":"mid","title":"Mid","parent":"top"},
		{"name":"top","title":"Top","type":"epic"},{"name":"first","title":"First","parent":"mid"}]}`,
		func(files map[string]document.Ticket) error {
			refs := map[string]int{}
			for _, t := range files {
				refs[t.PlanRef]++
			}
			for _, name := range []string{"leaf", "mid", "top", "first"} {
				if refs["p/"+name] != 1 {
					return fmt.Errorf("%d tickets are %s", refs["p/"+name], name)
				}
			}
			return nil
		}},
	"drop": {"close", `{"id":"a","resolution":"dropped","children":true}`,
		func(files map[string]document.Ticket) error {
			for _, id := range []string{"a", "b", "c", "d"} {
				if files[id].Status != document.StatusClosed {
					return fmt.Errorf("%s is %s", id, files[id].Status)
				}
			}
			return nil
		}},
}

func crashBoardOf(dir string) *tools.Board {
	return &tools.Board{
		Store: ticketfs.NewStore(board.Where{Start: dir}, 20*time.Second),
		Session: session.New("crash",
			time.Now), Agent: "crash", Now: time.Now, WorkDir: filepath.Dir(dir),
	}
}

// TestCrashChild is another process of TestCrashSeveral: it dies at the n-th step of a call, 0 for
// never, and says how many it made.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv("CRASH_DIR")
	if dir == "" {
		t.Skip("a part of another test")
	}
	at, err := strconv.Atoi(os.Getenv("CRASH_AT"))
	must(t, err)
	steps := 0
	durable.Step = func(string) {
		if steps++; steps == at {
			p, err := os.FindProcess(os.Getpid())
			must(t, err)
			_ = p.Kill()
			select {}
		}
	}
	c := crashCalls[os.Getenv("CRASH_CALL")]
	_, err = crashBoardOf(dir).Call(t.Context(), c.tool, json.RawMessage(c.args))
	must(t, err)
	fmt.Println("steps", steps)
}

func TestCrashSeveral(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each step")
	}
	for name, c := range crashCalls {
		t.Run(name, func(t *testing.T) {
			partial := 0
			for at := 1; ; at++ {
				dir := filepath.Join(t.TempDir(), board.FolderName)
				must(t, os.Mkdir(dir, 0o777))
				for id, parent := range map[string]string{"a": "", "b": "a", "c": "b", "d": "a"} {
					text := fmt.Sprintf("---\nid: %s\nstatus: open\nparent: %s\n---\n# %s\n", id,
						parent, id)
					must(t, os.WriteFile(filepath.Join(dir, id+".md"), []byte(text), 0o666))
				}
				cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
				cmd.Env = append(os.Environ(), "CRASH_DIR="+dir, "CRASH_CALL="+name,
					fmt.Sprintf("CRASH_AT=%d", at))
				out, err := cmd.CombinedOutput()
				if err == nil && strings.Contains(string(out), "steps ") {
					if at < 10 || partial == 0 {
						t.Errorf("%d steps, at %d of which a part was there", at, partial)
					}
					t.Logf("killed at each of %d steps; a part of the tickets was there at %d of them", at-1, partial)
					return
				}
				before := readAll(t, dir)
				if n := done(name, before); 0 < n && n < 4 {
					partial++
				}
				if faults := legal(before); len(faults) > 0 {
					t.Errorf("step %d: %q", at, faults)
				}
				b := crashBoardOf(dir)
				if name == "plan" || before["a"].Status != document.StatusClosed {
					if _, err := b.Call(t.Context(), c.tool, json.RawMessage(c.args)); err != nil {
						t.Fatalf("step %d: the same call again: %v", at, err)
					}
				}
				after := readAll(t, dir)
				if err := c.finished(after); err != nil || len(legal(after)) > 0 {
					t.Fatalf("step %d: %v %q", at, err, legal(after))
				}
			}
		})
	}
}

func readAll(t *testing.T, dir string) map[string]document.Ticket {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.md"))
	must(t, err)
	files := make(map[string]document.Ticket)
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), ".") {
			continue
		}
		text, err := os.ReadFile(path)
		must(t, err)
		id := strings.TrimSuffix(filepath.Base(path), ".md")
		d, err := document.Parse(id, text)
		must(t, err)
		files[id] = d.Ticket()
	}
	return files
}

// done counts the tickets that a call has changed or made.
func done(call string, files map[string]document.Ticket) (n int) {
	for _, t := range files {
		if call == "plan" && t.PlanRef != "" || call == "drop" &&
			t.Status == document.StatusClosed {
			n++
		}
	}
	return n
}

// legal returns how the rules between tickets are broken: what a ticket names is there, and no
// closed parent has an open child.
func legal(files map[string]document.Ticket) (faults []string) {
	for id, ticket := range files {
		named := []string{}
		if ticket.Parent != "" {
			named = append(named, ticket.Parent)
		}
		for _, b := range ticket.BlockedBy {
			named = append(named, b.ID)
		}
		if i := slices.IndexFunc(named,
			func(id string) bool { _, there := files[id]; return !there }); i >= 0 {
			faults = append(faults, fmt.Sprintf("%s names %s, which is not there", id, named[i]))
		}
		if parent := files[ticket.Parent]; ticket.Status != document.StatusClosed &&
			parent.Status == document.StatusClosed {
			faults = append(faults, fmt.Sprintf("%s is %s below %s, which is closed", id,
				ticket.Status, ticket.Parent))
		}
	}
	return faults
}

// What files that appear in another order leave is found.
func TestLegalCatches(t *testing.T) {
	open, closed := document.StatusOpen, document.StatusClosed
	for name, files := range map[string]map[string]document.Ticket{
		"a child before its parent": {"leaf": {Status: open, Parent: "mid"}},
		"one that waits for nothing": {"leaf": {Status: open,
			BlockedBy: []document.Blocker{{ID: "first"}}}},
		"the root closed first": {"a": {Status: closed}, "b": {Status: open, Parent: "a"}},
	} {
		if len(legal(files)) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}
