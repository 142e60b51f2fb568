package install

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// inProjectFolder makes a project the working directory.
func inProjectFolder(t *testing.T) (dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("HOME", filepath.Join(dir, "home"))
	return dir
}

func runInstall(t *testing.T, r Request) error {
	t.Helper()
	in, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	return in.Run(io.Discard)
}

// A change that another program makes between the look and the write stays.
func TestReplaceLooksAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	none := config{path: path}
	if err := none.replace([]byte("ours"), "user"); err != nil {
		t.Fatal(err)
	}
	read, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "theirs, before"} {
		read.text = []byte(text)
		for _, old := range []config{none, read} {
			err := old.replace([]byte("ours again"), "user")
			if err == nil || !strings.Contains(err.Error(),
				"was changed by another program; nothing was written") {
				t.Errorf("old %q: got %v", old.text, err)
			}
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "ours" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

// Installs at once lose no entry and none fails.
func TestInstallsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no lock on Windows")
	}
	inProjectFolder(t)
	const installs = 24
	errs := make([]error, installs)
	var group sync.WaitGroup
	for i := range installs {
		in, err := New(Request{Client: "claude", Name: fmt.Sprintf("board-%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() { errs[i] = in.Run(io.Discard) })
	}
	group.Wait()
	text, err := os.ReadFile(".mcp.json")
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if err != nil || !bytes.Contains(text, fmt.Appendf(nil, `"board-%d"`, i)) {
			t.Errorf("board-%d: %v, or its entry is lost", i, err)
		}
	}
	if left, err := filepath.Glob(".*.tmp"); err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

// A new file of a project has the rights that every file of it gets, one of a user is nobody else's
// to read, and one that is there keeps its own.
func TestModeOfAFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	project := inProjectFolder(t)
	plain := filepath.Join(project, "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	user := filepath.Join(project, "home", ".claude.json")
	for _, test := range []struct {
		scope, path string
		before      fs.FileMode // 0 for no file
		want        fs.FileMode
	}{
		{"project", ".mcp.json", 0, info.Mode()},
		{"project", ".mcp.json", 0o640, 0o640},
		{"user", user, 0, 0o600},
		{"user", user, 0o664, 0o664},
		{"user", user, 0o600, 0o600},
	} {
		if err := os.Remove(test.path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if test.before != 0 {
			if err := os.WriteFile(test.path, []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(test.path, test.before); err != nil {
				t.Fatal(err)
			}
		}
		if err := runInstall(t, Request{Client: "claude", Scope: test.scope,
			Name: "tickets"}); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(test.path); err != nil || info.Mode() != test.want {
			t.Errorf("%s, mode before %v: now %v, want %v (%v)", test.scope, test.before,
				info.Mode(), test.want, err)
		}
	}
}

// A project's file that is a link out of the project is not followed: a stranger's repository must
// not write into the home of who installs there. Links within the project, and a user's own, are
// followed and stay links.
func TestLinks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "theirs")
	const theirs = "{}\n"
	if err := os.Mkdir(outside, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mcp.json", ".claude.json"} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte(theirs), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, link, to string
		request        Request
		fault          string
	}{
		{"file out of the project", ".mcp.json", filepath.Join(outside, "mcp.json"),
			Request{Client: "claude"}, "is a link out of the project"},
		{"new file out of the project", ".cursor", outside, Request{Client: "cursor"},
			"is a link out of the project"},
		{"new folder out of the project", ".cursor", filepath.Dir(outside),
			Request{Client: "cursor"}, "is a link out of the project"},
		{"upwards", ".mcp.json", "../mcp.json", Request{Client: "claude"},
			"is a link that leads nowhere"},
		{"to nothing", ".mcp.json", "nothing", Request{Client: "claude"},
			"is a link that leads nowhere"},
		{"to a folder", ".mcp.json", ".git", Request{Client: "claude"}, "is not a regular file"},
		{"within the project", ".mcp.json", "shared.json", Request{Client: "claude"}, ""},
		{"of a user", "home/.claude.json", filepath.Join(outside, ".claude.json"),
			Request{Client: "claude", Scope: "user"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inProjectFolder(t)
			if err := os.WriteFile("shared.json", []byte("{}"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir("home", 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(test.to, test.link); err != nil {
				t.Skip(err)
			}
			test.request.Name = "tickets"
			err := runInstall(t, test.request)
			if test.fault == "" && err != nil || test.fault != "" &&
				(err == nil || !strings.Contains(err.Error(), test.fault)) {
				t.Errorf("got %v, want %q", err, test.fault)
			}
			if info, err := os.Lstat(test.link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("the link is no link any more: %v %v", info, err)
			}
			if text, err := os.ReadFile(filepath.Join(outside, "mcp.json")); err != nil ||
				string(text) != theirs {
				t.Errorf("the file outside holds %q %v", text, err)
			}
			if left, err := os.ReadDir(outside); err != nil || len(left) != 2 {
				t.Errorf("outside are now %v %v", left, err)
			}
		})
	}
}
