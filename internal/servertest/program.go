// Package servertest starts real ticket-mcp processes for tests: the program as it is, or with an
// idea taken out of its source, to show that a checker catches it. It is imported by tests only.
package servertest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

const command = "github.com/ticket-mcp/ticket-mcp/cmd/ticket-mcp"

var (
	program = sync.OnceValues(func() (string, error) { return build("ticket-mcp") })
	shared  = sync.OnceValues(func() (string, error) { return build("ticket-mcp-etcd", withEtcd) })
)

// withEtcd makes it the program that can work on shared boards.
const withEtcd = "-tags=etcd"

// Program is the path of the program under test, with the race detector when the test has it. It is
// kept in the user's cache, so that only a change of its source costs a build. Where Go is missing
// the test is skipped.
func Program(t testing.TB) string { t.Helper(); return the(t, program) }

// Shared is the path of the program that can work on shared boards, as Program is of the other.
func Shared(t testing.TB) string { t.Helper(); return the(t, shared) }

func the(t testing.TB, program func() (string, error)) string {
	t.Helper()
	needGo(t)
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Edit replaces a snippet that must stand exactly once in a file of the module.
type Edit struct{ File, Old, New string }

// Broken is the path of the program with edits made to its source. The name tells it from others in
// the cache.
func Broken(t testing.TB, name string, edits ...Edit) string {
	t.Helper()
	return the(t, func() (string, error) { return broken(name, edits) })
}

// BrokenShared is Broken for the program that can work on shared boards.
func BrokenShared(t testing.TB, name string, edits ...Edit) string {
	t.Helper()
	return the(t, func() (string, error) { return broken(name, edits, withEtcd) })
}

func needGo(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("cannot build the program:", err)
	}
}

// build brings a program in the cache up to date. Other tests may want the same one at the same
// moment.
func build(name string, flags ...string) (path string, err error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, name+".lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	path = filepath.Join(dir, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	args := []string{"build", "-o", path}
	if UnderRace() {
		args = append(args, "-race")
	}
	args = append(append(args, flags...), command)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, nil
}

func broken(name string, edits []Edit, flags ...string) (path string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	texts := make(map[string]string)
	for _, e := range edits {
		if texts[e.File] == "" {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.File)))
			if err != nil {
				return "", err
			}
			texts[e.File] = string(text)
		}
		if n := strings.Count(texts[e.File], e.Old); n != 1 {
			return "", fmt.Errorf("%s has %d times what this test takes out, and must follow:\n%s",
				e.File, n, e.Old)
		}
		texts[e.File] = strings.Replace(texts[e.File], e.Old, e.New, 1)
	}
	dir, err := cache()
	if err != nil {
		return "", err
	}
	name = "broken-" + strings.Map(func(r rune) rune {
		if r == ' ' || r == ',' || r == '/' {
			return '-'
		}
		return r
	}, name)
	source := filepath.Join(dir, name+".source")
	replace := make(map[string]string)
	for file, text := range texts {
		to := filepath.Join(source, filepath.FromSlash(file))
		if err := put(to, text); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(file))] = to
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(source, "overlay.json")
	if err := put(overlay, string(text)); err != nil {
		return "", err
	}
	return build(name, append(flags, "-overlay="+overlay)...)
}

// put writes a file whole, as another process may be reading the one before.
func put(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temp, []byte(text), 0o666); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// cache is where the programs of this clone are kept.
func cache() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	clone := fmt.Sprintf("%x", sha256.Sum256([]byte(root)))[:12]
	if UnderRace() {
		clone += "-race"
	}
	dir := filepath.Join(user, "ticket-mcp-test", clone)
	return dir, os.MkdirAll(dir, 0o777)
}

// moduleRoot is the folder of go.mod: tests run in their package's folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = up
	}
}

// UnderRace reports whether the test and its programs have the race detector: slower by ten times,
// and larger.
func UnderRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
