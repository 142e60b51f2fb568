package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// previous are versions that know nothing of shared boards: the one that most have, and the last.
var previous = []string{"dfdaca9df1d09dd817e464d2e4e278585123e852", "51da443"}

// sharedClone is a clone in which the previous version worked, as a pull of the commit leaves it in
// which the board was shared: with the guard, or without.
func sharedClone(t *testing.T, program string, guarded bool) (dir string) {
	root := boardScript(t, `git clone -q source clone`)
	dir = filepath.Join(root, "clone")
	callPrevious(t, startPrevious(t, program, dir), "note", "", map[string]any{"id": "d5a", "text": "x"})
	gitIn(t, dir, "checkout", "-q", ".")
	source := filepath.Join(root, "source")
	tickets := filepath.Join(source, board.FolderName)
	if err := board.WriteShared(tickets, board.Shared{ID: "b7", Engine: board.Etcd, Prefix: "/x"}); err != nil {
		t.Fatal(err)
	}
	gitIn(t, source, "rm", "-q", "--", board.FolderName+"/*.md")
	gitIn(t, source, "add", "-f", board.FolderName+"/"+board.SharedFile)
	if guarded {
		if err := board.MakeGuard(tickets); err != nil {
			t.Fatal(err)
		}
		gitIn(t, source, "add", "-f", board.FolderName+"/"+board.Guard)
	}
	gitIn(t, source, "commit", "-qm", "share")
	return dir
}

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.invalid"},
		args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// startPrevious starts a server of a previous version in a folder.
func startPrevious(t *testing.T, program, dir string) *client.Client {
	t.Helper()
	c, err := client.Start(t.Context(), "sh", []string{"-c", `cd -- "$1" && exec "$2"`, "sh", dir, program},
		client.Environment())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// callPrevious calls a tool, which must be refused with the code, or do its work if that is "". It
// returns the answer.
func callPrevious(t *testing.T, c *client.Client, tool, code string, args map[string]any) string {
	t.Helper()
	r, err := c.Call(tool, args)
	if err != nil || r.Code != code {
		t.Errorf("%s %v: want %q: %v %+v", tool, args, code, err, r)
	}
	return r.Text
}

// ticketTexts are the files of a board that a version without shared boards could take for tickets.
func ticketTexts(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := filepath.WalkDir(filepath.Join(dir, board.FolderName), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" && filepath.Base(path) != board.SharedFile {
			return err
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// TestPreviousVersion: versions from before shared boards do no harm to one. They find no ticket,
// make none, and change neither the mirror nor .board; a server that runs while the commit is
// pulled does neither.
func TestPreviousVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the versions before")
	}
	for _, commit := range previous {
		t.Run(commit, func(t *testing.T) { testPrevious(t, servertest.Version(t, commit)) })
	}
}

func testPrevious(t *testing.T, program string) {
	dir := sharedClone(t, program, true)
	running := startPrevious(t, program, dir)
	callPrevious(t, running, "note", "", map[string]any{"id": "d5a", "text": "begun"})
	gitIn(t, dir, "checkout", "-q", ".")
	gitIn(t, dir, "pull", "-q")
	mirror := filepath.Join(dir, board.FolderName, board.MirrorFolder)
	if err := errors.Join(os.Mkdir(mirror, 0o777), os.WriteFile(filepath.Join(mirror, "d5a.md"),
		[]byte("---\nid: d5a\nstatus: open\n---\n# A ticket\n"), 0o444)); err != nil {
		t.Fatal(err)
	}
	before := ticketTexts(t, dir)
	if len(before) != 2 {
		t.Fatalf("not the board that was meant: %v", before)
	}
	for _, server := range []*client.Client{running, startPrevious(t, program, dir)} {
		if text := callPrevious(t, server, "list", "", map[string]any{}); !strings.HasPrefix(text, "0 tickets") {
			t.Errorf("list says %s", text)
		}
		id := map[string]any{"id": "d5a"}
		for _, tool := range []string{"show", "start", "close", "release", "reopen"} {
			callPrevious(t, server, tool, "not_found", id)
		}
		callPrevious(t, server, "start", "not_found", map[string]any{})
		callPrevious(t, server, "note", "not_found", map[string]any{"id": "d5a", "text": "x"})
		callPrevious(t, server, "update", "not_found", map[string]any{"id": "d5a", "priority": 1})
		// the older one has no code for what stands in the lock's place
		if r, err := server.Call("create", map[string]any{"title": "x"}); err != nil || !r.IsError ||
			!strings.Contains(r.Text, board.Guard) {
			t.Errorf("create: %v %+v", err, r)
		}
		// what it finds to repair, it may
		if r, err := server.Call("repair", map[string]any{"dry_run": false}); err != nil {
			t.Errorf("repair: %v %+v", err, r)
		}
	}
	if diff := cmp.Diff(before, ticketTexts(t, dir)); diff != "" {
		t.Errorf("it changed the board (-before +after):\n%s", diff)
	}

	// Without the guard it does harm, which this test would see.
	dir = sharedClone(t, program, false)
	gitIn(t, dir, "pull", "-q")
	before = ticketTexts(t, dir)
	callPrevious(t, startPrevious(t, program, dir), "create", "", map[string]any{"title": "x"})
	if cmp.Equal(before, ticketTexts(t, dir)) {
		t.Error("nothing was made without the guard either: it is not what stops it")
	}
}
