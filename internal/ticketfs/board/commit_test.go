package board

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A commit of the mode waits while another git keeps the index, as one that a killed process of
// ours left, or that a person runs.
func TestCommitModeWaitsForGit(t *testing.T) {
	root, dir := sharedRepository(t)
	lock := filepath.Join(root, ".git", "index.lock")
	must(t, os.WriteFile(lock, nil, 0o666))
	time.AfterFunc(300*time.Millisecond, func() {
		if err := os.Remove(lock); err != nil {
			t.Error(err)
		}
	})
	must(t, CommitMode(t.Context(), dir, "share", []string{SharedFile}, nil))
	if got := git(t, root, "show", "--name-only", "--format="); strings.TrimSpace(got) !=
		FolderName+"/"+SharedFile {
		t.Errorf("committed: %q", got)
	}
}

// Where git takes nothing over, the command that is told does all that was left to do.
func TestCommitModeTellsTheCommand(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell here:", err)
	}
	root, dir := sharedRepository(t)
	must(t, os.WriteFile(filepath.Join(dir, "t.md"), []byte("x"), 0o666))
	git(t, root, "add", ".")
	git(t, root, "commit", "-qm", "tickets")
	must(t, os.Remove(filepath.Join(dir, "t.md")))
	must(t, os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("/*.lock\n"), 0o666))
	must(t, MakeGuard(dir))
	index := filepath.Join(root, ".git", "index")
	kept, err := os.ReadFile(index)
	must(t, err)
	must(t, os.WriteFile(index, []byte("no index"), 0o666))
	err = CommitMode(t.Context(), dir, "it's shared", []string{SharedFile, GuardFile}, []string{"t.md"})
	var not *CommitError
	if !errors.As(err, &not) {
		t.Fatal(err)
	}
	must(t, os.WriteFile(index, kept, 0o666))
	if out, err := exec.Command("sh", "-c", not.Command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", not.Command, err, out)
	}
	has := git(t, root, "ls-tree", "-r", "--name-only", "HEAD")
	for name, want := range map[string]bool{SharedFile: true, GuardFile: true, "t.md": false} {
		if got := strings.Contains(has, FolderName+"/"+name); got != want {
			t.Errorf("%s: git has it: %v, of\n%s", name, got, has)
		}
	}
}

// sharedRepository is a repository whose board was just shared.
func sharedRepository(t *testing.T) (root, dir string) {
	root = t.TempDir()
	git(t, root, "init", "-q")
	git(t, root, "config", "user.name", "t")
	git(t, root, "config", "user.email", "t@example.invalid")
	dir = filepath.Join(root, FolderName)
	must(t, os.Mkdir(dir, 0o777))
	must(t, os.WriteFile(filepath.Join(dir, SharedFile), []byte("x"), 0o666))
	return root, dir
}
