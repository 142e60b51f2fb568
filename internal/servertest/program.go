// Package servertest starts real ticket-mcp processes for tests: the program as it is, or with an
// idea taken out of its source, to show that a checker catches it. It is imported by tests only.
package servertest

import (
	"crypto/sha256"
	"encoding/hex"
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
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

const command = "github.com/ticket-mcp/ticket-mcp/cmd/ticket-mcp"

var (
	program = sync.OnceValues(func() (string, error) { return build("ticket-mcp", nil) })
	shared  = sync.OnceValues(func() (string, error) { return build("ticket-mcp-etcd", nil, withEtcd) })
)

// withEtcd makes it the program that can work on shared boards.
const withEtcd = "-tags=etcd"

// Program is the path of the program under test, with the race detector when the test has it. It is
// kept in the user's cache by what its source is, so that all packages of a run share one build, and
// only a change of the source costs another. Where Go is missing the test is skipped.
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

// build returns the path of the program of the source as it is, but for these texts of files, and
// makes it where the cache does not have it. Other tests may want the same one at the same moment.
func build(name string, texts map[string]string, flags ...string) (path string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	sum, err := sourceSum(root, texts, flags...)
	if err != nil {
		return "", err
	}
	dir, err := cache()
	if err != nil {
		return "", err
	}
	all := filepath.Join(dir, name)
	path = filepath.Join(all, sum)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, name+".lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := forget(all); err != nil {
		return "", err
	}
	args := []string{"build", "-ldflags=-s -w", "-o", path + ".new"} // quicker to link, and smaller
	if UnderRace() {
		args = append(args, "-race")
	}
	if len(texts) > 0 {
		overlay, err := overlayOf(root, filepath.Join(dir, name+".source"), texts)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	build := exec.Command("go", slices.Concat(args, flags, []string{command})...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, os.Rename(path+".new", path)
}

// keptPrograms is how many programs of one name the cache keeps: the last one, which another test
// may still start, beside the new one.
const keptPrograms = 2

// forget removes the oldest programs of a name, so that there is room for one more.
func forget(all string) error {
	if err := os.MkdirAll(all, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	age := make(map[string]time.Time)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		age[e.Name()] = info.ModTime()
	}
	slices.SortFunc(entries,
		func(a, b fs.DirEntry) int { return age[b.Name()].Compare(age[a.Name()]) })
	for _, e := range entries[min(keptPrograms-1, len(entries)):] {
		if err := os.Remove(filepath.Join(all, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// sourceSum is a sum of all that the program is made of: the module's own files, what go.sum says
// of others, and the tool chain. Reading the files here also tells go test on what its cached
// result depends, which a go build in a process of its own does not.
func sourceSum(root string, texts map[string]string, flags ...string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), flags, os.Getenv("GOFLAGS"), os.Getenv("CGO_ENABLED"))
	for _, top := range []string{"go.mod", "go.sum", "cmd", "internal", "schemas"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, e fs.DirEntry,
			err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && e.Name() == "testdata":
				return fs.SkipDir
			case e.IsDir(), strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			text, replaced := texts[filepath.ToSlash(file)]
			if !replaced {
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				text = string(content)
			}
			fmt.Fprintf(sum, "%s %d\n%s", file, len(text), text)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
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
	name = strings.Map(func(r rune) rune {
		if r == ' ' || r == ',' || r == '/' {
			return '-'
		}
		return r
	}, name)
	return build("broken-"+name, texts, flags...)
}

// overlayOf writes what go build reads instead of the files of these names.
func overlayOf(root, source string, texts map[string]string) (string, error) {
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
	return overlay, put(overlay, string(text))
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
	dir := filepath.Join(user, "ticket-mcp-test", "programs-"+clone)
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
