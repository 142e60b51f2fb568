package board

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// private are the files of this machine only, as servers make them.
var private = []string{"t.md.lock", ".relations.lock", ".t.md.tmp", ".sessions/5f3a9c21d0e4.lock",
	".sessions/5f3a9c21d0e4.seen", ".journal/t.jsonl", ".locks/t.md.lock"}

// public are files that git must see whatever stands beside them.
var public = []string{"t.md", "lock.md", "a.lock.md", "tmp.md", "a.tmp.md", "sessions.md",
	"journal.md", "sub/t.md"}

func makePrivate(t testing.TB, dir string) {
	t.Helper()
	for _, name := range private {
		write(t, filepath.Join(dir, name), "x")
	}
}

// seen lists what git would add of a board.
func seen(t testing.TB, dir string) string {
	t.Helper()
	return git(t, dir, "ls-files", "--others", "--exclude-standard", ".")
}

func TestHide(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	for _, tt := range []struct {
		name, ignore string // of somebody else; "" for none, "-" for an empty one
		excluded     bool   // what is missing is in info/exclude
		sees         string
	}{
		{"none", "", false, ""},
		{"an empty one, of a killed writer", "-", false, ""},
		{"another's", "*.bak\n", true, ".gitignore"},
		{"another's that covers ours", "# mine\n\n.*\n*.lock  \n!.gitignore\n", false,
			".gitignore"},
		{"a list of what may be seen", "*\n!*.md\n", false, ""},
		{"an older one of ours", "# made by ticket-mcp: locks\n*.lock\n.*.tmp\n.sessions/\n", true,
			""},
		{"one of ours that does not ignore itself",
			"# made by ticket-mcp: locks\n*.lock\n.*.tmp\n.sessions/\n.journal/\n", true, ""},
		{"covers half", "*.lock\r\n.*.tmp\r\n", true, ".gitignore"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t)
			commit(t, root+"/[a] b\\*")
			dir := root + "/[a] b\\*/.tickets"
			must(t, os.RemoveAll(root+"/[a] b\\*/.git/info"))
			if tt.ignore != "" {
				write(t, dir+"/.gitignore", strings.TrimPrefix(tt.ignore, "-"))
			}
			makePrivate(t, dir)
			for range 2 {
				must(t, Hide(dir))
				if got := seen(t, dir); got != tt.sees {
					t.Errorf("git sees %q, want %q", got, tt.sees)
				}
			}
			exclude, err := os.ReadFile(root + "/[a] b\\*/.git/info/exclude")
			if (err == nil) != tt.excluded {
				t.Errorf("info/exclude: %q, %v", exclude, err)
			}
			if n := strings.Count(string(exclude), "/.tickets/**/*.lock\n"); tt.excluded && n != 1 {
				t.Errorf("info/exclude has the locks %d times: %q", n, exclude)
			}
			if text, _ := os.ReadFile(dir + "/.gitignore"); tt.ignore != "" && tt.ignore != "-" &&
				string(text) != tt.ignore {
				t.Errorf("another's .gitignore became %q", text)
			}
			for _, name := range public {
				write(t, filepath.Join(dir, name), "x")
			}
			if hidden := ignored(t, dir, public...); len(hidden) > 0 && tt.ignore != "*\n!*.md\n" {
				t.Errorf("ignored: %q", hidden)
			}
		})
	}
}

// What stands in info/exclude stays there, and counts in every worktree.
func TestHideInWorktrees(t *testing.T) {
	t.Parallel()
	root := tree(t)
	commit(t, root+"/main")
	write(t, root+"/main/.git/info/exclude", "mine")
	git(t, root+"/main", "worktree", "add", "-q", "../a\n b\t", "-b", "linked")
	dir := root + "/a\n b\t/sub\nx/.tickets"
	write(t, dir+"/.gitignore", "*.bak\n")
	makePrivate(t, dir)
	must(t, Hide(dir))
	if got := seen(t, dir); got != ".gitignore" {
		t.Errorf("git sees %q", got)
	}
	if text, err := os.ReadFile(root + "/main/.git/info/exclude"); err != nil ||
		!strings.HasPrefix(string(text), "mine\n/") {
		t.Errorf("info/exclude: %q, %v", text, err)
	}
	// Where it cannot be written, or there is no git, that is no error.
	must(t, os.Remove(root+"/main/.git/info/exclude"))
	must(t, os.Mkdir(root+"/main/.git/info/exclude", 0o777))
	must(t, Hide(dir))
	write(t, root+"/none/.tickets/.gitignore", "x\n")
	must(t, Hide(root+"/none/.tickets"))
	must(t, os.Symlink("/nowhere", root+"/main/.tickets/.gitignore"))
	must(t, Hide(root+"/main/.tickets"))
}

// ignored returns those of the names in a folder that git ignores.
func ignored(t testing.TB, dir string, names ...string) []string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"check-ignore", "--no-index", "--"}, names...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestIgnoresAsGit: where we say that a pattern covers a name, git says so too. We may know less.
func TestIgnoresAsGit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t, "r")
	git(t, root+"/r", "init", "-q")
	var names []string
	for _, s := range samples {
		names = append(names, s.name)
		if s.isDir {
			must(t, os.Mkdir(root+"/r/"+s.name, 0o777))
		}
	}
	unsure := 0
	for _, text := range []string{
		"*", "/*", "**", "**/.sessions", ".sessions", ".sessions/", "/.sessions/", "x/.sessions", ".sessions/*", "*.lock", "*.lock ", "*.lock\\ ",
		"#*.lock", "\\#x", "!*.lock", "*.lock\n!*.lock", "*.lock\n!*.lock\n*.loc?", "[.]*", "[!a]*.lock", "[^a]*.lock", "[[:alpha:]]*.lock", "t.md.lock\r\n",
		"\uFEFF*.lock", "  *.lock", "*.lock\t", "t\\.md.lock", "[", "a/**/b", "/t.md.lock/", "\n\n/t.md.lock", "*/", "!", "/", "**/*.lock", "t.md.lock/**",
	} {
		write(t, root+"/r/.gitignore", text)
		hidden := ignored(t, root+"/r", names...)
		for _, s := range samples {
			got, want := ignores(text, s.name, s.isDir), slices.Contains(hidden, s.name)
			if got && !want {
				t.Errorf("%q covers %s, but not for git", text, s.name)
			}
			if want && !got {
				unsure++
			}
		}
	}
	if unsure > 6 {
		t.Errorf("git knows %d more than we do", unsure)
	}
}

// Two clones note the same ticket, one of them commits all: the other pulls, and switches to and
// from branches that are older than the board's .gitignore.
func TestGitGoesThrough(t *testing.T) {
	if testing.Short() {
		t.Skip("runs git some hundred times")
	}
	t.Parallel()
	root := tree(t)
	commit(t, root+"/one")
	git(t, root, "clone", "-q", "--bare", "one", "hub")
	git(t, root+"/one", "remote", "add", "origin", root+"/hub")
	git(t, root, "clone", "-q", "hub", "two")
	for _, clone := range []string{"/one", "/two"} {
		must(t, Hide(root+clone+"/.tickets"))
		makePrivate(t, root+clone+"/.tickets")
		git(t, root+clone, "checkout", "-q", "-b", "old", "main")
		git(t, root+clone, "checkout", "-q", "main")
	}
	write(t, root+"/one/.tickets/b.md", "---\nstatus: open\n---\n")
	git(t, root+"/one", "add", "-A")
	git(t, root+"/one", "commit", "-qm", "all")
	git(t, root+"/one", "push", "-q", "origin", "main")
	git(t, root+"/two", "pull", "-q", "--ff-only", "origin", "main")
	for _, branch := range []string{"old", "main"} {
		git(t, root+"/two", "checkout", "-q", branch)
		must(t, Hide(root+"/two/.tickets"))
	}
	if files := git(t, root+"/two", "ls-files",
		".tickets"); files != ".tickets/a.md\n.tickets/b.md" {
		t.Errorf("tracked: %s", files)
	}
	// The same by rebase, stash, cherry-pick and merge, with a change on each side.
	write(t, root+"/one/.tickets/c.md", "---\nstatus: open\n---\n")
	git(t, root+"/one", "add", "-A")
	git(t, root+"/one", "commit", "-qm", "c")
	git(t, root+"/one", "push", "-q", "origin", "main")
	write(t, root+"/two/.tickets/d.md", "---\nstatus: open\n---\n")
	git(t, root+"/two", "add", "-A")
	git(t, root+"/two", "commit", "-qm", "d")
	write(t, root+"/two/.tickets/a.md", "---\nstatus: closed\n---\n# A\n")
	git(t, root+"/two", "stash", "-q", "-u")
	git(t, root+"/two", "pull", "-q", "--rebase", "origin", "main")
	git(t, root+"/two", "stash", "pop", "-q")
	git(t, root+"/two", "commit", "-qam", "a")
	git(t, root+"/two", "checkout", "-q", "old")
	git(t, root+"/two", "cherry-pick", "main")
	git(t, root+"/two", "merge", "-q", "-m", "both", "main")
	git(t, root+"/two", "checkout", "-q", "main")
	git(t, root+"/two", "reset", "-q", "--hard", "origin/main")
	if left := seen(t, root+"/two/.tickets"); left != "" {
		t.Errorf("git sees %s", left)
	}
	for _, name := range private {
		if _, err := os.Lstat(filepath.Join(root, "two/.tickets", name)); err != nil {
			t.Errorf("git took away %v", err)
		}
	}
	// A history in which somebody did commit them, as older versions let happen, goes through as
	// well.
	git(t, root+"/one", "add", "-f", ".tickets/.gitignore", ".tickets/t.md.lock")
	git(t, root+"/one", "commit", "-qm", "too much")
	git(t, root+"/one", "push", "-q", "origin", "main")
	git(t, root+"/two", "pull", "-q", "--ff-only", "origin", "main")
	git(t, root+"/two", "checkout", "-q", "old")
	must(t, Hide(root+"/two/.tickets"))
	makePrivate(t, root+"/two/.tickets")
	git(t, root+"/two", "checkout", "-q", "main")
}

// Doctor's question goes to the repository of the board, whatever a hook left in the environment.
func TestGitSees(t *testing.T) {
	root := tree(t)
	commit(t, root+"/main")
	commit(t, root+"/other")
	dir := root + "/main/.tickets"
	makePrivate(t, dir)
	if s := GitSees(t.Context(), dir); len(s.Tracked) != 0 || len(s.Visible) != len(patterns) {
		t.Errorf("without a .gitignore: %+v", s)
	}
	git(t, dir, "add", "-A")
	must(t, Hide(dir))
	t.Setenv("GIT_DIR", root+"/other/.git")
	s := GitSees(t.Context(), dir)
	slices.Sort(s.Tracked)
	want := slices.Sorted(slices.Values(private))
	if !slices.Equal(s.Tracked, want) || len(s.Visible) != 0 {
		t.Errorf("%+v, want %q", s, want)
	}
	os.Unsetenv("GIT_DIR")
	must(t, os.MkdirAll(root+"/none/.tickets", 0o777))
	if s := GitSees(t.Context(), root+"/none/.tickets"); len(s.Tracked)+len(s.Visible) != 0 {
		t.Errorf("in no repository: %+v", s)
	}
}
