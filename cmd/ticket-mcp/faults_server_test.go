package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
)

// Whole servers under faults; see internal/ticketfs/crash_test.go for what is shown there, and for
// the longer run.

// faultServer starts a server on a board, under another program if one is named, with its
// arguments.
func faultServer(t *testing.T, dir string, under ...string) *client.Client {
	t.Helper()
	program, err := exec.LookPath("ticket-mcp") // this test binary, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	line := append(under, program, "--dir", dir)
	c, err := client.Start(t.Context(), line[0], line[1:],
		append(os.Environ(), "GORACE=atexit_sleep_ms=0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.Cmd.ProcessState == nil {
			_ = c.Close()
		}
	})
	return c
}

// faultBoard makes a board with tickets.
func faultBoard(t *testing.T, ids ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), ".tickets")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		faultTicket(t, dir, id, 2)
	}
	return dir
}

func faultTicket(t *testing.T, dir, id string, priority int) {
	t.Helper()
	text := fmt.Sprintf("---\nid: %s\nstatus: open\ncreated: 2026-01-04T05:22:09Z\npriority: %d\n---\n# A ticket\n\n%s", id, priority, strings.Repeat("A line.\n", 500))
	if err := os.WriteFile(filepath.Join(dir, id+".md"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func faultCall(t *testing.T, c *client.Client, tool string,
	arguments map[string]any) client.Result {
	t.Helper()
	r, err := c.Call(tool, arguments)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What ready and list of a server that runs for long say is what a new one says, whatever another
// server or program did before.
func TestFaultReadyIsNeverStale(t *testing.T) {
	if testing.Short() {
		t.Skip("makes changes beside a large board, and a new server for each")
	}
	const watched = 600 // more than the number from which a folder is watched
	for tickets, rounds := range map[int]int{12: 15, watched: 8} {
		ids := make([]string, tickets)
		for i := range ids {
			ids[i] = fmt.Sprintf("v%04d", i)
		}
		dir := faultBoard(t, ids...)
		asked, other := faultServer(t, dir), faultServer(t, dir)
		if longtest.Wanted() {
			rounds *= 30
		}
		for round := range rounds {
			id, second := ids[rand.N(12)], ids[rand.N(12)]
			what := []string{"in place", "removed", "update", "block", "unblock", "create",
				"note"}[rand.N(7)]
			switch what {
			case "in place":
				faultTicket(t, dir, id, 1+rand.N(4))
			case "removed":
				_ = os.Remove(filepath.Join(dir, id+".md"))
			case "update":
				faultCall(t, other, what, map[string]any{"id": id, "priority": 1 + rand.N(4)})
			case "block", "unblock":
				faultCall(t, other, what, map[string]any{"id": id, "blocked_by": second})
			case "create":
				faultCall(t, other, what, map[string]any{"title": "a new one", "parent": id,
					"priority": 1})
			case "note":
				faultCall(t, other, what, map[string]any{"id": id, "text": "a note"})
			}
			fresh := faultServer(t, dir)
			for _, tool := range []string{"ready", "list"} {
				arguments := map[string]any{"limit": 50}
				got, want := faultCall(t, asked, tool, arguments), faultCall(t, fresh, tool,
					arguments)
				if diff := cmp.Diff(string(want.Structured), string(got.Structured)); diff != "" ||
					got.IsError {
					t.Errorf("round %d, after %s of %s: %s of a new server (-) and of the old (+):\n%s", round, what, id, tool, diff)
				}
			}
			if err := fresh.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
