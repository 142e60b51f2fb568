package history_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/spec"
)

// creations has sessions create tickets on boards, all at once.
func creations(t *testing.T, program string, dirs []string, sessions, each int) (ids []string) {
	t.Helper()
	var recorders []*recorder
	var group sync.WaitGroup
	for _, dir := range dirs {
		r := &recorder{program: program, dir: dir, began: time.Now()}
		recorders = append(recorders, r)
		for n := range sessions {
			group.Go(func() {
				s, err := r.join(t.Context(), fmt.Sprint(dir, n))
				if err != nil {
					t.Error(err)
					return
				}
				for range each {
					title := "Created at once"
					if e := r.call(s, n, spec.UserInput{Verb: spec.Create,
						Title: &title}); !e.done() {
						t.Error("refused:", e)
					}
				}
				if err := s.wait(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	for _, r := range recorders {
		for _, e := range r.entries {
			ids = append(ids, e.result.ID)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

func TestCreateAtOnce(t *testing.T) {
	program := realServer(t)
	dir := filepath.Join(t.TempDir(), ".tickets")
	if err := layOut(dir, nil, ""); err != nil {
		t.Fatal(err)
	}
	ids := creations(t, program, []string{dir}, 8, 25)
	if len(ids) != 200 {
		t.Errorf("%d ids for 200 tickets", len(ids))
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.md")); len(files) != 200 {
		t.Errorf("%d files of 200 tickets", len(files))
	}
}

// Two clones of one repository, in which tickets are created at the same time, can be merged: no id
// is given twice.
func TestCreateInClones(t *testing.T) {
	program := realServer(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	root := t.TempDir()
	git := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command("git",
			append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c",
				"commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	git(root, "init", "-q", "origin")
	origin := filepath.Join(root, "origin")
	if err := layOut(filepath.Join(origin, ".tickets"), family(1), ""); err != nil {
		t.Fatal(err)
	}
	git(origin, "add", ".")
	git(origin, "commit", "-qm", "one ticket")
	var dirs []string
	for _, clone := range []string{"one", "two"} {
		git(root, "clone", "-q", "origin", clone)
		dirs = append(dirs, filepath.Join(root, clone))
	}
	if ids := creations(t, program, dirs, 2, 25); len(ids) != 100 {
		t.Errorf("%d ids for 100 tickets", len(ids))
	}
	for _, dir := range dirs {
		git(dir, "add", ".")
		git(dir, "commit", "-qm", "fifty tickets")
	}
	git(dirs[0], "fetch", "-q", dirs[1])
	git(dirs[0], "merge", "-q", "-m", "merge", "FETCH_HEAD")
	if files, _ := filepath.Glob(filepath.Join(dirs[0], ".tickets", "*.md")); len(files) != 101 {
		t.Errorf("%d tickets, want 101", len(files))
	}
}
