package board

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tree makes folders and returns their root, links resolved (a temp folder may lie behind one).
func tree(t *testing.T, folders ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if err := os.MkdirAll(filepath.Join(root, f), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func finds(t *testing.T, w Where, want string) {
	t.Helper()
	if got, err := w.Find(); err != nil || got != want {
		t.Errorf("from %s (local %v): %s, %v; want %s", w.Start, w.Local, got, err, want)
	}
}

func TestFindUpwards(t *testing.T) {
	root := tree(t, "repo/.tickets", "repo/a/b", "repo/own/.tickets", "none/a")
	finds(t, Where{Start: root + "/repo"}, root+"/repo/.tickets")
	finds(t, Where{Start: root + "/repo/a/b"}, root+"/repo/.tickets")
	finds(t, Where{Start: root + "/repo/.tickets"}, root+"/repo/.tickets")
	finds(t, Where{Start: root + "/repo/own"}, root+"/repo/own/.tickets")
	if err := os.Symlink(root+"/repo/.tickets", root+"/none/.tickets"); err != nil {
		t.Fatal(err)
	}
	finds(t, Where{Start: root + "/none/a"}, root+"/repo/.tickets")
	t.Chdir(root + "/repo/a")
	finds(t, Where{Start: "."}, root+"/repo/.tickets")
	finds(t, Where{Start: "../own/.tickets"}, root+"/repo/own/.tickets")
	for _, start := range []string{root + "/nowhere/.tickets", root + "/nowhere"} {
		if _, err := (Where{Start: start}).Find(); !noBoard(err) {
			t.Errorf("from %s: %v, want no board", start, err)
		}
	}
}

// TestLinkedWorktreesShareOneBoard uses real worktrees: the board of each is the main one's, unless it is told otherwise.
func TestLinkedWorktreesShareOneBoard(t *testing.T) {
	root := tree(t, "main/.tickets", "main/sub/.tickets")
	main := root + "/main"
	git(t, main, "init", "-q")
	for _, f := range []string{"/.tickets/a.md", "/sub/.tickets/b.md"} {
		if err := os.WriteFile(main+f, []byte("---\nstatus: open\n---\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	git(t, main, "add", ".")
	git(t, main, "commit", "-qm", "tickets")
	git(t, main, "worktree", "add", "-q", root+"/linked", "-b", "other")
	linked := root + "/linked"
	finds(t, Where{Start: linked}, main+"/.tickets")
	finds(t, Where{Start: linked + "/sub"}, main+"/sub/.tickets")
	finds(t, Where{Start: linked, Local: true}, linked+"/.tickets")
	finds(t, Where{Start: linked + "/.tickets"}, linked+"/.tickets") // an absolute path to a .tickets
	t.Chdir(linked)
	finds(t, Where{Start: "."}, main+"/.tickets")
	finds(t, Where{Start: ".tickets"}, main+"/.tickets")

	if err := os.RemoveAll(main + "/.tickets"); err != nil {
		t.Fatal(err)
	}
	if _, err := (Where{Start: linked}).Find(); !noBoard(err) {
		t.Errorf("no board in the main worktree: %v, want none, not one that the others cannot see", err)
	}
	if dir, err := (Where{Start: linked}).Make(); err != nil || dir != main+"/.tickets" {
		t.Errorf("made %s, %v; want it in the main worktree", dir, err)
	}
}

func TestSubmoduleAndBareRepositoryKeepTheirOwn(t *testing.T) {
	root := tree(t, "lib", "super")
	git(t, root+"/lib", "init", "-q")
	git(t, root+"/lib", "commit", "-q", "--allow-empty", "-m", "first")
	git(t, root+"/super", "init", "-q")
	git(t, root+"/super", "submodule", "--quiet", "add", root+"/lib", "lib")
	sub := root + "/super/lib"
	for _, dir := range []string{sub, root + "/super"} {
		if err := os.Mkdir(dir+"/.tickets", 0o777); err != nil {
			t.Fatal(err)
		}
	}
	finds(t, Where{Start: sub}, sub+"/.tickets")

	git(t, root, "clone", "-q", "--bare", root+"/lib", root+"/project/.git")
	git(t, root+"/project", "worktree", "add", "-q", root+"/project/one", "-b", "one")
	if err := os.Mkdir(root+"/project/one/.tickets", 0o777); err != nil {
		t.Fatal(err)
	}
	finds(t, Where{Start: root + "/project/one"}, root+"/project/one/.tickets")
}

func TestMake(t *testing.T) {
	root := tree(t, "repo/a", "bare", "home")
	git(t, root+"/repo", "init", "-q")
	git(t, root+"/home", "init", "-q")
	t.Setenv("HOME", root+"/home")
	if dir, err := (Where{Start: root + "/repo/a"}).Make(); err != nil || dir != root+"/repo/.tickets" {
		t.Errorf("made %s, %v; want it at the root of the repository", dir, err)
	}
	if dir, err := (Where{Start: root + "/bare/.tickets"}).Make(); err != nil || dir != root+"/bare/.tickets" {
		t.Errorf("made %s, %v; want the one that was named", dir, err)
	}
	for _, start := range []string{root + "/home", "/"} {
		if dir, err := (Where{Start: start}).Make(); !noBoard(err) {
			t.Errorf("from %s: made %s, %v; want no board", start, dir, err)
		}
	}
	if _, err := os.Lstat(root + "/home/.tickets"); err == nil {
		t.Error("a board in the home folder")
	}
}

func noBoard(err error) bool {
	var none *NoBoardError
	return errors.As(err, &none)
}
