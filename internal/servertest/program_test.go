package servertest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSourceSum: a program is built again for another file, another content and another overlay,
// and for no test.
func TestSourceSum(t *testing.T) {
	root := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(texts map[string]string) string {
		t.Helper()
		sum, err := sourceSum(root, texts)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	for _, file := range []string{"go.mod", "go.sum", "cmd/a/main.go", "internal/b/b.go",
		"internal/b/page.css", "schemas/s.json"} {
		write(file, "1")
	}
	was := map[string]bool{sum(nil): true}
	for _, file := range []string{"go.sum", "cmd/a/main.go", "internal/b/page.css", "schemas/s.json",
		"internal/b/new.go"} {
		write(file, "2")
		if now := sum(nil); was[now] {
			t.Errorf("%s changed, and the program is not built again", file)
		} else {
			was[now] = true
		}
	}
	now := sum(nil)
	for _, file := range []string{"internal/b/b_test.go", "internal/b/testdata/x.go"} {
		write(file, "3")
		if sum(nil) != now {
			t.Errorf("%s is no part of the program, which is built again", file)
		}
	}
	if sum(map[string]string{"internal/b/b.go": "4"}) == now {
		t.Error("an overlay has the program of the source as it is")
	}
}

// TestForget: the newest programs are kept.
func TestForget(t *testing.T) {
	all := filepath.Join(t.TempDir(), "program")
	for n, sum := range []string{"c", "a", "b"} {
		if err := forget(all); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(all, sum)
		if err := os.WriteFile(path, nil, 0o777); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(n) * time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(all, "*"))
	if err != nil || len(left) != 2 || filepath.Base(left[0]) != "a" || filepath.Base(left[1]) != "b" {
		t.Errorf("%q are left, %v", left, err)
	}
}
