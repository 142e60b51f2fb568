package board

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Sight is what git has to do with the files of a ticket folder that are of this machine only.
type Sight struct {
	Tracked []string // those that it tracks, by their paths in the folder
	// the patterns that nothing tells it to ignore, as they would stand in a .gitignore
	Visible []string
}

// GitSees asks git, which is run for this alone, and only reads. Without a git, in no repository,
// or when git does not trust the repository's owner, it sees nothing.
func GitSees(ctx context.Context, dir string) Sight {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var s Sight
	list := append([]string{"ls-files", "-z", "--"}, "*.lock", ".*.tmp", ".sessions", ".journal")
	out, err := askGit(ctx, dir, "", list...)
	if err != nil {
		return s
	}
	s.Tracked = splitNames(out)
	// in the order of patterns
	names := []string{"t.md.lock", ".t.md.tmp", ".sessions/x", ".journal/x"}
	out, err = askGit(ctx, dir, strings.Join(names, "\x00"), "check-ignore", "--no-index", "-z",
		"--stdin")
	if err != nil {
		return s
	}
	ignored := splitNames(out)
	for i, name := range names {
		if !slices.Contains(ignored, name) {
			s.Visible = append(s.Visible, patterns[i])
		}
	}
	return s
}

// Tracked lists the files in the folder itself that git has, by their names.
func Tracked(ctx context.Context, dir string) ([]string, error) {
	if r, err := repositoryOf(dir); err != nil || r == nil {
		return nil, err
	}
	out, err := askGit(ctx, dir, "", "ls-files", "-z", "--", ".")
	if err != nil {
		return nil, fmt.Errorf("ask git for what it has in %s: %w", dir, err)
	}
	return slices.DeleteFunc(splitNames(out),
		func(name string) bool { return strings.Contains(name, "/") }), nil
}

// askGit runs git in a folder, without the variables that may send it elsewhere, and without
// whatever a configuration would have it run.
func askGit(ctx context.Context, dir, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git",
		append([]string{"--no-optional-locks", "-c", "core.fsmonitor=false"}, args...)...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = slices.DeleteFunc(os.Environ(),
		func(v string) bool { return strings.HasPrefix(v, "GIT_") })
	// In a partial clone git would fetch what it misses.
	cmd.Env = append(cmd.Env, "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none")
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 1 {
		err = nil // check-ignore found none
	}
	return string(out), err
}

func splitNames(out string) []string {
	return slices.DeleteFunc(strings.Split(out, "\x00"),
		func(name string) bool { return name == "" })
}
