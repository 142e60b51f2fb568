package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// serverIn starts a server in a folder, as a client does that knows no flags.
func serverIn(t *testing.T, dir string, args ...string) *client.Client {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a working directory cannot be removed there")
	}
	program, err := exec.LookPath("ticket-mcp") // this test binary, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	line := append([]string{"-c", `cd -- "$1" && shift && exec "$@"`, "sh", dir, program}, args...)
	c, err := client.Start(t.Context(), "sh", line,
		append(client.Environment(), "GORACE=atexit_sleep_ms=0"))
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

// boardScript runs a script in a new folder that has the ticket d5a in a committed board, source,
// and git's settings, and returns the folder.
func boardScript(t *testing.T, script string) (root string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("makes repositories:", err)
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	begin := `set -e; git init -q -b main source; mkdir source/.tickets; cd source
		printf -- '---\nid: d5a\nstatus: open\n---\n# A ticket\n' >.tickets/d5a.md; git add .; git commit -qm tickets; cd ..
		`
	cmd := exec.Command("sh", "-c", begin+script)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid",
		"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.file.allow", "GIT_CONFIG_VALUE_0=always")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return root
}

// Two servers in two worktrees want one ticket at the same moment: one gets it, and the other is
// told, or does not know which board it is.
func TestOneWinnerInEveryLayout(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for i, tt := range []struct {
		name, script string
		from         [2]string
		codes        []string // that the loser may get
	}{
		{"bare", `git clone -q --bare source p/.bare; echo 'gitdir: ./.bare' >p/.git; cd p; git worktree add -q main; git worktree add -q -b feat feat`,
			[2]string{"p/main", "p/feat"}, []string{"claimed"}},
		{"separate git folder",
			`cd source; git init -q --separate-git-dir ../gitdir; git worktree add -q ../linked`,
			[2]string{"source", "linked"}, []string{"claimed"}},
		{"submodule", `git init -q super; cd super; git submodule --quiet add "$PWD/../source" lib; cd lib; git worktree add -q ../../linked`,
			[2]string{"super/lib", "linked"}, []string{"claimed"}},
		{"bare by config.worktree", `git clone -q --bare source p/.git; cd p; git config extensions.worktreeConfig true; git config --unset core.bare
			git config --worktree core.bare true; git worktree add -q main; git worktree add -q -b feat feat`,
			[2]string{"p/feat", "p"}, []string{"claimed"}},
		{"bare in another section",
			`cd source; printf '[foo] bare = true\n' | cat - .git/config >c; mv c .git/config; git worktree add -q ../linked`,
			[2]string{"source", "linked"}, []string{"claimed"}},
		{"not mounted", `cd source; git worktree add -q ../linked; cd ..; mv source elsewhere`,
			[2]string{"elsewhere", "linked"}, []string{"no_store"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if testing.Short() && i > 1 {
				t.Skip("starts many processes")
			}
			root := boardScript(t, tt.script)
			var results [2]client.Result
			var group sync.WaitGroup
			for i, from := range tt.from {
				c := serverIn(t, filepath.Join(root, from))
				group.Go(func() { results[i] = faultCall(t, c, "start", map[string]any{"id": "d5a"}) })
			}
			group.Wait()
			won := 0
			for i, r := range results {
				switch {
				case !r.IsError:
					won++
				case !strings.Contains(strings.Join(tt.codes, " "), r.Code):
					t.Errorf("from %s: %s", tt.from[i], r.Text)
				case r.Code == "no_store" && !strings.Contains(r.Text, "--dir") &&
					!strings.Contains(r.Text, "git -C"):
					t.Errorf("from %s: no command to type: %s", tt.from[i], r.Text)
				}
			}
			if won != 1 {
				t.Errorf("%d winners: %q, %q", won, results[0].Text, results[1].Text)
			}
		})
	}
}

// A board that is taken away is waited for; the one further up that is found then is another one.
func TestBoardIsKept(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	root := boardScript(t,
		`mkdir .tickets; printf -- '---\nstatus: open\n---\n# Outer\n' >.tickets/outer.md; mkdir plain; cp -r source/.tickets plain`)
	inner := filepath.Join(root, "plain", ".tickets")
	c := serverIn(t, filepath.Dir(inner))
	for _, away := range []bool{false, true, false} {
		if away {
			if err := os.Rename(inner, inner+".away"); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Rename(inner+".away", inner); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, call := range []struct {
			tool string
			args map[string]any
		}{{"list", map[string]any{}}, {"note", map[string]any{"id": "d5a", "text": "x"}}, {"create",
			map[string]any{"title": "New"}}, {"ready", map[string]any{}}} {
			r := faultCall(t, c, call.tool, call.args)
			if away && (r.Code != "no_store" || !strings.Contains(r.Text, inner)) || !away &&
				r.IsError {
				t.Errorf("%s, board away %v: %s", call.tool, away, r.Text)
			}
			if strings.Contains(r.Text, "Outer") {
				t.Errorf("%s answers from another board: %s", call.tool, r.Text)
			}
		}
	}
	if files, err := filepath.Glob(filepath.Join(root, ".tickets", "*")); err != nil ||
		len(files) != 1 {
		t.Errorf("in the outer board: %q, %v", files, err)
	}
}

// A link that a branch brings along in the board's place, while a server runs, is not followed.
func TestBoardBecomesALink(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	root := boardScript(t, `mkdir -p elsewhere/.tickets; cp source/.tickets/d5a.md elsewhere/.tickets; cd source; mkdir sub; mv .tickets sub; git add -A; git commit -qm sub
		git checkout -q -b evil; git rm -rq sub; ln -s ../elsewhere sub; git add sub; git commit -qm link; git checkout -q main`)
	c := serverIn(t, filepath.Join(root, "source", "sub"))
	note := map[string]any{"id": "d5a", "text": "a note"}
	for _, branch := range []string{"main", "evil", "main"} {
		if branch != "main" { // what git ignores would keep the folder
			if err := os.RemoveAll(filepath.Join(root, "source", "sub")); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("git", "checkout", "-qf", branch)
		cmd.Dir = filepath.Join(root, "source")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if r := faultCall(t, c, "note", note); r.IsError != (branch == "evil") ||
			branch == "evil" && r.Code != "no_store" {
			t.Errorf("on %s: %s", branch, r.Text)
		}
	}
	entries, err := os.ReadDir(filepath.Join(root, "elsewhere", ".tickets"))
	if err != nil || len(entries) != 1 {
		t.Errorf("behind the link: %v, %v", entries, err)
	}
}

// A worktree that is removed under its server, before its first call or after, changes nothing:
// what it holds it can close.
func TestWorktreeRemovedUnderServer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, started := range []bool{true, false} {
		root := boardScript(t, `cd source; git worktree add -q ../linked`)
		linked := filepath.Join(root, "linked")
		c := serverIn(t, linked)
		if started {
			if r := faultCall(t, c, "start", map[string]any{"id": "d5a"}); r.IsError {
				t.Fatal(r.Text)
			}
		}
		if err := os.RemoveAll(linked); err != nil {
			t.Fatal(err)
		}
		if !started {
			if r := faultCall(t, c, "start", map[string]any{"id": "d5a"}); r.IsError {
				t.Fatal(r.Text)
			}
		}
		for _, tool := range []string{"show", "close"} {
			r := faultCall(t, c, tool, map[string]any{"id": "d5a"})
			if r.IsError || !strings.Contains(r.Text,
				"board: "+filepath.Join(root, "source", ".tickets")) {
				t.Errorf("%s: %s", tool, r.Text)
			}
		}
	}
}

// Started where the working directory is gone already, a board that is named by its whole path
// works.
func TestStartedInRemovedFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	root := boardScript(t, `mkdir gone`)
	gone := filepath.Join(root, "gone")
	script := filepath.Join(root, "run")
	if err := os.WriteFile(script,
		[]byte("#!/bin/sh\nrmdir ../gone && exec ticket-mcp --dir \"$1\" list\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{filepath.Join(root, "source"): "d5a",
		"source": "working directory"} {
		if err := os.MkdirAll(gone, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(script, dir)
		cmd.Dir = gone
		cmd.Env = append(client.Environment(), "PWD=")
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("--dir %s: %v\n%s", dir, err, out)
		}
	}
}

// The first tickets of a repository are made in the main worktree; a board that only the caller's
// branch has is named, once.
func TestFirstTicketNamesTheBoardOfOneBranch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for tool, arguments := range map[string]map[string]any{
		"create": {"title": "New"}, "plan": {"tickets": []map[string]any{{"name": "new",
			"title": "New"}}},
	} {
		root := boardScript(t, `cd source; git worktree add -q ../linked; git rm -rq .tickets`)
		c := serverIn(t, filepath.Join(root, "linked"))
		own, board := filepath.Join(root, "linked", ".tickets"), filepath.Join(root, "source",
			".tickets")
		r := faultCall(t, c, "list", map[string]any{})
		if r.Code != "no_store" || !strings.Contains(r.Text, own) ||
			!strings.Contains(r.Text, "--worktree-local") {
			t.Errorf("list: %s", r.Text)
		}
		r = faultCall(t, c, tool, arguments)
		if r.IsError || !strings.Contains(r.Text, own) ||
			!strings.Contains(r.Text, "board: "+board) ||
			!strings.Contains(string(r.Structured), own) {
			t.Errorf("%s does not say %s and %s: %s", tool, own, board, r.Text)
		}
		if r = faultCall(t, c, tool, arguments); r.IsError || strings.Contains(r.Text, own) {
			t.Errorf("%s again: %s", tool, r.Text)
		}
	}
}

// A folder's name may hold anything but forges no line of an answer.
func TestBoardInAnyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	root := boardScript(t, "")
	dir := filepath.Join(root, "a\nboard: /forged %zz\t\xff\u202e#?")
	if err := os.MkdirAll(filepath.Join(dir, "below"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(root, "source", ".tickets"),
		filepath.Join(dir, ".tickets")); err != nil {
		t.Fatal(err)
	}
	c := serverIn(t, filepath.Join(dir, "below"))
	for _, tool := range []string{"start", "close"} {
		r := faultCall(t, c, tool, map[string]any{"id": "d5a"})
		if lines := strings.Count(r.Text, "\nboard: "); r.IsError || lines != 1 ||
			strings.ContainsAny(r.Text, "\u202e\t") {
			t.Errorf("%s: %q", tool, r.Text)
		}
	}
}
