//go:build etcd

package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// killed runs a command again and again, and kills each try a little later than the one before,
// until one comes through. It returns how many were killed.
func killed(t *testing.T, dir string, env []string, args ...string) (kills int) {
	t.Helper()
	const least, most = 10 * time.Millisecond, 40 * time.Millisecond
	for patience := time.Duration(0); ; patience += least + rand.N(most-least) {
		cmd := exec.Command("ticket-mcp", args...)
		cmd.Dir, cmd.Env = dir, env
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // it may have ended
		err := cmd.Wait()
		kill.Stop()
		switch {
		case err == nil:
			return kills
		case cmd.ProcessState.ExitCode() >= 0:
			t.Fatalf("%v after %d kills: %v\n%s", args, kills, err, said.String())
		}
		kills++
	}
}

// TestSharedDespiteKills: a board that moves into a cluster and back by processes that are killed at
// any moment has all its tickets, byte by byte.
func TestSharedDespiteKills(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a cluster, and kills many processes")
	}
	endpoints := strings.Join(etcdtest.Start(t, 1).Endpoints(), ",")
	dir := boardScript(t, "true")
	dir = filepath.Join(dir, "source")
	const tickets = 300
	for i := range tickets {
		text := fmt.Sprintf("---\nid: t%d\nstatus: open\n---\n# Ticket %d\n\n%s\n", i, i,
			strings.Repeat("text ", rand.IntN(200)))
		if err := os.WriteFile(filepath.Join(dir, board.FolderName, fmt.Sprintf("t%d.md", i)), []byte(text),
			0o666); err != nil {
			t.Fatal(err)
		}
	}
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-qm", "more")
	before := ticketTexts(t, dir)
	env := append(client.Environment(), "ETCDCTL_ENDPOINTS="+endpoints, "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t",
		"GIT_COMMITTER_EMAIL=t@example.invalid", "USER=Ada")
	in := killed(t, dir, env, "share", "--engine", "etcd")
	if left := tracked(t, dir); len(left) != 2 {
		t.Errorf("git has %v", left)
	}
	out := killed(t, dir, env, "unshare")
	if after := ticketTexts(t, dir); !maps.Equal(before, after) {
		t.Errorf("%d tickets went in, %d came back, or others", len(before), len(after))
	}
	if left := tracked(t, dir); len(left) != len(before) {
		t.Errorf("git has %d of %d tickets", len(left), len(before))
	}
	t.Logf("killed %d times on the way in, %d on the way back", in, out)
	if in < 3 || out < 3 {
		t.Error("too few kills to show anything")
	}
}

// tracked are the files of the board that git has.
func tracked(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", board.FolderName)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}
