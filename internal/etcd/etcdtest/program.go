//go:build etcd

package etcdtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// The nested module whose programs are built, from its root below ours.
const module = "internal/etcd/cluster"

// Programs of the nested module.
const (
	member  = "."                          // etcd-member
	etcdutl = "go.etcd.io/etcd/etcdutl/v3" // restores snapshots
)

// Etcdutl is the path of etcd's program for data folders and snapshots.
func Etcdutl(t testing.TB) string { return program(t, "etcdutl", etcdutl) }

// program is the path of a program of the nested module. It is kept in the user's cache under what
// the module holds, so that it is built once for all clones and all packages that test at the same
// moment. Where Go is missing the test is skipped.
func program(t testing.TB, name, pkg string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("cannot build etcd:", err)
	}
	path, err := build(name, pkg)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func build(name, pkg string) (path string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	source := filepath.Join(root, filepath.FromSlash(module))
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	content := sha256.New()
	fmt.Fprintln(content, runtime.Version())
	for _, file := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(source, file))
		if err != nil {
			return "", err
		}
		_, _ = content.Write(text) // never an error
	}
	dir := filepath.Join(user, "ticket-mcp-test", fmt.Sprintf("etcd-%x", content.Sum(nil))[:17])
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	unlock, err := lockedfile.MutexAt(path + ".lock").Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	cmd := exec.Command("go", "build", "-o", path+".new", pkg)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, os.Rename(path+".new", path)
}

// moduleRoot is the folder of the main module: tests run in their package's folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(module), "go.mod"))
		if !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no %s above the working directory", module)
		}
		dir = up
	}
}
