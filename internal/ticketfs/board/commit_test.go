package board

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A commit of the mode waits while another git keeps the index, as one that a killed process of
// ours left, or that a person runs.
func TestCommitModeWaitsForGit(t *testing.T) {
	root := t.TempDir()
	git(t, root, "init", "-q")
	git(t, root, "config", "user.name", "t")
	git(t, root, "config", "user.email", "t@example.invalid")
	dir := filepath.Join(root, FolderName)
	must(t, os.Mkdir(dir, 0o777))
	must(t, os.WriteFile(filepath.Join(dir, SharedFile), []byte("x"), 0o666))
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
