package board

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUserName takes git itself as the oracle.
func TestUserName(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip(err)
	}
	home, repo := t.TempDir(), t.TempDir()
	for name, value := range map[string]string{"HOME": home, "XDG_CONFIG_HOME": "",
		"GIT_CONFIG_NOSYSTEM": "", "GIT_CONFIG_GLOBAL": "", "GIT_DIR": ""} {
		t.Setenv(name, value)
	}
	os.Unsetenv("GIT_CONFIG_NOSYSTEM")
	os.Unsetenv("GIT_CONFIG_GLOBAL")
	os.Unsetenv("GIT_DIR")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(git, args...)
		cmd.Dir = repo
		out, err := cmd.CombinedOutput()
		if err != nil && args[0] != "config" {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	check := func(dir, what string) {
		t.Helper()
		cmd := exec.Command(git, "config", "user.name")
		cmd.Dir = dir
		out, _ := cmd.Output() // fails where there is none
		if got, want := UserName(dir), strings.TrimSuffix(string(out), "\n"); got != want {
			t.Errorf("%s: %q, git says %q", what, got, want)
		}
	}
	run("init", "-q")
	check(repo, "nothing is set")
	write(filepath.Join(home, ".config", "git", "config"), "[user]\n\tname = Xenia\n")
	check(repo, "XDG")
	write(filepath.Join(home, ".gitconfig"),
		"[user]\n\tname = \"Ada \\\"The\\\" Lovelace\" ; a comment\n[user \"sub\"]\n\tname = none\n")
	check(repo, "global")
	run("config", "user.name", "Grace Hopper")
	check(repo, "of the repository")
	run("-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x")
	run("worktree", "add", "-q", "linked")
	check(filepath.Join(repo, "linked"), "in a linked worktree")
	check(home, "outside of it")
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "other"))
	write(filepath.Join(home, "other", "git", "config"), "[user]\n\tname = Otto\n")
	check(home, "XDG_CONFIG_HOME")
	if err := os.Remove(filepath.Join(home, ".gitconfig")); err != nil {
		t.Fatal(err)
	}
	check(home, "XDG_CONFIG_HOME alone")
}
