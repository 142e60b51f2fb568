package servertest

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Version is the path of the program as it was at a commit. Without the repository's history, as in
// a shallow clone, the test is skipped.
func Version(t testing.TB, commit string) string {
	t.Helper()
	needGo(t)
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	archive := exec.Command("git", "archive", "--format=tar", commit)
	archive.Dir = root
	source, err := archive.Output()
	if err != nil {
		t.Skipf("cannot read the source of %s from git: %v", commit, err)
	}
	path, err := buildFrom(source, "version-"+commit)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// buildFrom builds the program of an archive into the cache, unless it is there: what a commit
// holds does not change.
func buildFrom(source []byte, name string) (path string, err error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	folder, err := os.MkdirTemp("", name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := unpack(source, folder); err != nil {
		return "", err
	}
	built := filepath.Join(folder, "ticket-mcp.built")
	cmd := exec.Command("go", "build", "-o", built, "./cmd/ticket-mcp")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	// Whole for other tests that build the same: written beside it, then renamed.
	program, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	beside := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(beside, program, 0o755); err != nil {
		return "", err
	}
	return path, os.Rename(beside, path)
}

func unpack(archive []byte, folder string) error {
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			continue
		}
		path := filepath.Join(folder, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeReg:
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, content, 0o644)
			}
		}
		if err != nil {
			return err
		}
	}
}
