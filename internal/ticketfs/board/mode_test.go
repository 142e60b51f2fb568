package board

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sharedText is a SharedFile as WriteShared makes it.
func sharedText(id string) string {
	return Shared{id, Etcd, "/ticket-mcp"}.String()
}

func TestReadShared(t *testing.T) {
	t.Parallel()
	const good = "format: 1\nid: b7\nengine: etcd\nprefix: /x/y\n"
	want := &Shared{"b7", Etcd, "/x/y"}
	for _, tt := range []struct{ name, text, wrong, next string }{
		{"as it is written", sharedText("b7"), "", ""},
		{"another order, comments, blanks, CRLF, quotes",
			"\uFEFF---\r\n# c\r\nprefix:  '/x/y' # keys\r\n\r\nengine: \"etcd\"\r\nid:\tb7\r\nformat: 1   # 2\r\n", "", ""},
		{"empty", "", ": says no format", "git checkout"},
		{"no id", "format: 1\nengine: etcd\nprefix: /x\n", ": says no id", "git checkout"},
		{"a newer format, whatever else it has", "shards:\n  - a\nformat: 2\n", ":3: ", "install a newer"},
		{"a newer format", "shards: 4\nformat: 2\n", `:2: format "2" is not known to this version`,
			"install a newer ticket-mcp"},
		{"another engine", strings.Replace(good, "engine: etcd", "engine: git", 1),
			`:3: engine "git" is not known`, "install a newer ticket-mcp"},
		{"an unknown key", good + "shards: 4\n", `:5: unknown key "shards"`, "git checkout"},
		{"twice", good + "id: c8\n", ":5: id stands in line 2 already", "git checkout"},
		{"a merge conflict", "format: 1\n<<<<<<< ours\nid: b7\n", ":2: a merge conflict", "git checkout"},
		{"a list", "format: 1\nid: [b7]\n", ":2: id: only plain", "git checkout"},
		{"a line that is none", "format: 1\nb7\n", `:2: "b7" is not of the form`, "git checkout"},
		{"JSON", `{"format": 1}`, ":1: ", "git checkout"},
		{"an open quote", "format: 1\nid: \"b7\n", ":2: id: a quote is not closed", "git checkout"},
		{"text behind a quote", "format: 1\nid: 'b7' x\n", ":2: id: ", "git checkout"},
		{"an id that is a path", strings.Replace(good, "id: b7", "id: ../b7", 1), ":2: id ", "git checkout"},
		{"a prefix with an end", strings.Replace(good, "/x/y", "/x/", 1), ":4: prefix ", "git checkout"},
		{"no text", "format: 1\x00", ": is no text", "git checkout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t)
			write(t, filepath.Join(dir, SharedFile), tt.text)
			got, err := ReadShared(dir)
			if tt.wrong == "" {
				must(t, err)
				expected := *want
				if tt.name == "as it is written" {
					expected.Prefix = "/ticket-mcp"
				}
				if diff := cmp.Diff(&expected, got); diff != "" {
					t.Error(diff)
				}
				return
			}
			var broken *BrokenError
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), SharedFile+tt.wrong) ||
				!strings.Contains(broken.Next, tt.next) {
				t.Errorf("%v; %+v", err, broken)
			}
		})
	}
	for name, make := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.Mkdir(path, 0o777) },
		"a link":   func(path string) error { return os.Symlink("elsewhere", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			must(t, make(filepath.Join(dir, SharedFile)))
			var broken *BrokenError
			if _, err := ReadShared(dir); !errors.As(err, &broken) {
				t.Errorf("%v", err)
			}
		})
	}
	if s, err := ReadShared(tree(t)); s != nil || err != nil {
		t.Errorf("without a file: %v, %v", s, err)
	}
}

// FuzzShared: whatever stands in the file, it is one board, written again as the same one, or an
// error.
func FuzzShared(f *testing.F) {
	f.Add(sharedText("b7"))
	f.Add("format: 1\nid: 'b7'\nengine: etcd # x\nprefix: \"/x\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseShared("x", []byte(text))
		if err != nil {
			return
		}
		again, err := parseShared("x", []byte(s.String()))
		if err != nil || *again != *s {
			t.Errorf("%q is %+v, then %+v: %v", text, s, again, err)
		}
	})
}

func FuzzPin(f *testing.F) {
	f.Add(pin{path: "a\nb/.tickets", id: "b7", left: true}.String())
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePin(text)
		if err != nil {
			return
		}
		if again, err := parsePin(p.String()); err != nil || again != p {
			t.Errorf("%q is %+v, then %+v: %v", text, p, again, err)
		}
	})
}

// shares commits the board of a repository as a shared one, and returns to the branch before.
func shares(t *testing.T, dir, id string) {
	t.Helper()
	write(t, filepath.Join(dir, FolderName, SharedFile), sharedText(id))
	git(t, dir, "rm", "-q", "-f", "--ignore-unmatch", ".tickets/*.md")
	git(t, dir, "add", "-f", filepath.Join(FolderName, SharedFile))
	git(t, dir, "commit", "-qm", "share "+id)
}

// isShared finds the board and says which shared one it is.
func isShared(t *testing.T, w Where, want string) {
	t.Helper()
	b, err := w.Find()
	must(t, err)
	got := ""
	if b.Shared != nil {
		got = b.Shared.ID
	}
	if got != want {
		t.Errorf("shared board %q, want %q", got, want)
	}
}

func unreachable(t *testing.T, w Where, words ...string) *Unreachable {
	t.Helper()
	_, err := w.Find()
	var u *Unreachable
	if !errors.As(err, &u) {
		t.Fatalf("not unreachable but %v", err)
	}
	for _, word := range words {
		if !strings.Contains(u.Error(), word) {
			t.Errorf("%v does not say %q", u, word)
		}
	}
	return u
}

// A clone keeps to the board that it saw first, in all worktrees and branches, until a person
// decides.
func TestPin(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t)
	a := filepath.Join(root, "a")
	commit(t, a)
	git(t, a, "branch", "before")
	git(t, a, "worktree", "add", "-q", "../linked", "before")
	w := Where{Start: a}
	isShared(t, w, "")
	shares(t, a, "b7")
	isShared(t, w, "b7")
	isShared(t, Where{Start: root + "/linked"}, "b7")
	unreachable(t, Where{Start: root + "/linked", Local: true}, "b7", "is missing")

	git(t, a, "checkout", "-q", "--detach", "before")
	unreachable(t, w, "b7", ".board is missing", "ticket-mcp unshare --accept")
	if _, err := w.Make(); !errors.As(err, new(*Unreachable)) {
		t.Errorf("made: %v", err)
	}

	git(t, a, "checkout", "-qb", "other")
	shares(t, a, "c8")
	unreachable(t, w, "c8", "works on b7", "ticket-mcp share --accept c8")
	if _, err := w.Accept("d9"); err == nil {
		t.Error("accepted what no file names")
	}
	said, err := w.Accept("c8")
	must(t, err)
	if !strings.Contains(said, "c8; it was b7") {
		t.Error(said)
	}
	isShared(t, w, "c8")
	git(t, a, "checkout", "-q", "main")
	unreachable(t, w, "works on c8")

	if _, err := w.Leave(); err == nil {
		t.Error("left a board whose file is there")
	}
	git(t, a, "checkout", "-q", "--detach", "before")
	_, err = w.Leave()
	must(t, err)
	unreachable(t, w, "refs/heads/main has") // another board than the one that was left
}

// A pin that is broken is no pin that is missing.
func TestBrokenPin(t *testing.T) {
	t.Parallel()
	a := tree(t)
	commit(t, a)
	write(t, a+"/.git/"+pinName, "path = \".tickets\"\nid = \"b7")
	unreachable(t, Where{Start: a}, pinName, "--accept")
	_, err := Where{Start: a}.Leave()
	must(t, err)
	isShared(t, Where{Start: a}, "")
}

// A worktree without the file is no local board while HEAD, the default branch or what was fetched
// of it has one.
func TestSharedInBranches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	for _, layout := range []struct{ name, prepare string }{
		{"loose", ""}, {"packed", "pack-refs --all"}, {"gc", "gc -q"},
	} {
		t.Run(layout.name, func(t *testing.T) {
			t.Parallel()
			root := tree(t)
			origin, clone := filepath.Join(root, "origin"), filepath.Join(root, "clone")
			commit(t, origin)
			git(t, root, "clone", "-q", "origin", "clone")
			w := Where{Start: clone}
			isShared(t, w, "")
			shares(t, origin, "b7")
			isShared(t, w, "") // nothing is fetched
			git(t, clone, "fetch", "-q")
			if layout.prepare != "" {
				git(t, clone, strings.Fields(layout.prepare)...)
			}
			unreachable(t, w, "refs/remotes/origin/main has .tickets/.board", "git merge origin/main")

			git(t, clone, "checkout", "-qb", "work")
			git(t, clone, "branch", "-qf", "main", "origin/main")
			unreachable(t, w, "refs/heads/main has .tickets/.board", "git merge main")

			git(t, clone, "merge", "-q", "main")
			must(t, os.Remove(clone+"/.tickets/.board"))
			u := unreachable(t, w, "refs/heads/work has", "git checkout HEAD -- ")
			_, command, _ := strings.Cut(u.Next, ": git ")
			git(t, clone, strings.Fields(command)...)
			isShared(t, w, "b7")
		})
	}
}

// What was left does not come back by the branches that still have it; another board does.
func TestLeftInBranches(t *testing.T) {
	if testing.Short() {
		t.Skip("runs git dozens of times")
	}
	t.Parallel()
	root := tree(t)
	origin, clone := filepath.Join(root, "origin"), filepath.Join(root, "clone")
	commit(t, origin)
	shares(t, origin, "b7")
	git(t, root, "clone", "-q", "origin", "clone")
	w := Where{Start: clone}
	isShared(t, w, "b7")
	git(t, clone, "rm", "-q", "-f", ".tickets/.board")
	must(t, os.MkdirAll(clone+"/.tickets", 0o777))
	git(t, clone, "commit", "-qm", "unshare")
	unreachable(t, w, "b7")
	_, err := w.Leave()
	must(t, err)
	isShared(t, w, "")
	must(t, os.Remove(origin+"/.tickets/.board"))
	shares(t, origin, "c8")
	git(t, clone, "fetch", "-q")
	unreachable(t, w, "refs/remotes/origin/main")
}

// Git is asked again after whatever changes a reference, and not before.
func TestBranchesAreKnown(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	a := tree(t)
	commit(t, a)
	w := Where{Start: a}
	cache := a + "/.git/" + lookedName
	until := time.Now().Add(10 * time.Second)
	for { // the references must be old enough for their stamps to mean something
		isShared(t, w, "")
		if _, err := os.Stat(cache); err == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatal("nothing was kept")
		}
	}
	before, err := os.ReadFile(cache)
	must(t, err)
	isShared(t, w, "")
	// What is kept is believed: with the object gone, only git could tell.
	g := &gitPlace{common: a + "/.git", gitDir: a + "/.git", asking: a + "/.git", path: FolderName}
	if !g.stillAs(string(before)) {
		t.Error("not as it was, though nothing changed")
	}
	for _, change := range [][]string{
		{"commit", "-q", "--allow-empty", "-m", "x"},
		{"pack-refs", "--all"},
		{"checkout", "-qb", "other"},
		{"update-ref", "refs/remotes/origin/main", "HEAD"},
		{"symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"},
		{"config", "branch.main.remote", "upstream"},
	} {
		looked := time.Now()
		refs, err := g.references()
		must(t, err)
		for settled := false; !settled; {
			var text string
			if text, settled = g.state(refs.files, time.Now().UnixNano()); settled {
				before = []byte(text)
			}
			if time.Since(looked) > 10*time.Second {
				t.Fatal("never settled")
			}
		}
		git(t, a, change...)
		if g.stillAs(string(before)) {
			t.Errorf("git %v went unseen", change)
		}
	}
}

// A server that runs sees that its board was shared, by whatever way that came.
func TestRecheck(t *testing.T) {
	t.Parallel()
	a := tree(t)
	commit(t, a)
	b, err := Where{Start: a}.Find()
	must(t, err)
	must(t, b.Recheck(false))
	shares(t, a, "b7")
	if err := b.Recheck(false); !errors.As(err, new(*Unreachable)) {
		t.Errorf("went on: %v", err)
	}
	b, err = Where{Start: a}.Find()
	must(t, err)
	git(t, a, "checkout", "-q", "HEAD~")
	if err := b.Recheck(false); !errors.As(err, new(*Unreachable)) {
		t.Errorf("went on: %v", err)
	}
	git(t, a, "checkout", "-q", "main")
	must(t, b.Recheck(false))
}

// The guard stands in the place of the lock, is committed, and goes again.
func TestGuard(t *testing.T) {
	t.Parallel()
	a := tree(t)
	commit(t, a)
	dir := a + "/.tickets"
	write(t, dir+"/"+Guard, "")
	must(t, MakeGuard(dir))
	must(t, MakeGuard(dir))
	git(t, a, "add", "-f", ".tickets/"+Guard)
	if out := git(t, a, "ls-files", ".tickets/"+Guard); out != ".tickets/.relations.lock/README" {
		t.Error(out)
	}
	write(t, dir+"/"+Guard+"/README.123.tmp", "left by a process that was killed")
	must(t, RemoveGuard(dir))
	must(t, RemoveGuard(dir))
	if _, err := os.Lstat(dir + "/" + Guard); !missing(err) {
		t.Error(err)
	}
}
