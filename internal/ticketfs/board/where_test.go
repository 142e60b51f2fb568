package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// TestMain keeps the tests' git away from the configuration of whoever runs them.
func TestMain(m *testing.M) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "GIT_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	os.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	os.Exit(m.Run())
}

// tree makes folders and returns their root, links resolved (a temp folder may lie behind one).
func tree(t testing.TB, folders ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for _, f := range folders {
		must(t, os.MkdirAll(filepath.Join(root, f), 0o777))
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// git runs git in a folder, which is made if it is not there, and returns what it said.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	needGit(t)
	must(t, os.MkdirAll(dir, 0o777))
	fixed := []string{"-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c",
		"protocol.file.allow=always",
		"-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false"}
	cmd := exec.Command("git", append(fixed, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v in %s: %v\n%s", args, dir, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// write makes a file with its folders.
func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o777))
	must(t, os.WriteFile(path, []byte(text), 0o666))
}

// template is a repository with a board in its root, whose ticket is committed. Most tests begin
// with a copy of it.
var template = sync.OnceValues(func() (fs.FS, error) {
	dir, err := os.MkdirTemp("", "board-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	script := `git init -q && mkdir .tickets sub && printf -- '---\nstatus: open\n---\n# A\n' >.tickets/a.md && echo x >sub/file && ` +
		`git add . && git -c user.name=t -c user.email=t@example.invalid commit -qm tickets && git branch -qM main`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	files := fstest.MapFS{}
	return files, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && path == dir {
			return err
		}
		name := filepath.ToSlash(path[len(dir)+1:])
		if d.IsDir() {
			files[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o777}
			return nil
		}
		text, err := os.ReadFile(path)
		files[name] = &fstest.MapFile{Data: text, Mode: 0o666}
		return err
	})
})

// commit makes a repository with a committed board in its root.
func commit(t testing.TB, dir string) {
	t.Helper()
	needGit(t)
	files, err := template()
	must(t, err)
	must(t, os.CopyFS(dir, files))
}

func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is what these tests compare with:", err)
	}
}

func finds(t testing.TB, w Where, want string) {
	t.Helper()
	if got, err := w.Find(); err != nil || got.Dir != want {
		t.Errorf("from %s (local %v): %s, %v; want %s", w.Start, w.Local, got.Dir, err, want)
	}
}

// refuses returns why nothing was found, and what to do.
func refuses(t testing.TB, w Where, words ...string) *NotFound {
	t.Helper()
	got, err := w.Find()
	var none *NotFound
	if !errors.As(err, &none) {
		t.Fatalf("from %s: %q, %v; want a NotFound", w.Start, got.Dir, err)
	}
	for _, word := range words {
		if !strings.Contains(none.Error(), word) {
			t.Errorf("from %s: %q does not say %q", w.Start, none, word)
		}
	}
	if none.Next == "" {
		t.Errorf("from %s: %q gives no next step", w.Start, none)
	}
	return none
}

func TestFindUpwards(t *testing.T) {
	root := tree(t, "repo/.tickets", "repo/a/b", "repo/own/.tickets", "none/a")
	finds(t, Where{Start: root + "/repo"}, root+"/repo/.tickets")
	finds(t, Where{Start: root + "/repo/a/b"}, root+"/repo/.tickets")
	finds(t, Where{Start: root + "/repo/.tickets"}, root+"/repo/.tickets")
	finds(t, Where{Start: root + "/repo/own"}, root+"/repo/own/.tickets")
	finds(t, Where{Start: "a", From: root + "/repo"}, root+"/repo/.tickets")
	must(t, os.Symlink(root+"/repo/.tickets", root+"/none/.tickets"))
	// in no repository a link may lead anywhere
	finds(t, Where{Start: root + "/none/a"}, root+"/repo/.tickets")
	t.Chdir(root + "/repo/a")
	finds(t, Where{Start: "."}, root+"/repo/.tickets")
	finds(t, Where{Start: "../own/.tickets"}, root+"/repo/own/.tickets")
	for _, start := range []string{root + "/nowhere/.tickets", root + "/nowhere",
		root + "/none/a/.tickets", root} {
		refuses(t, Where{Start: start})
	}
	write(t, root+"/file", "")
	refuses(t, Where{Start: root + "/file"}, "not a folder")
}

// A start is where the folder is, not how one came there: git asks for the same.
func TestFindThroughLinks(t *testing.T) {
	root := tree(t, "repo/.tickets", "repo/deep", "away/.tickets")
	git(t, root+"/repo", "init", "-q")
	must(t, os.Symlink(root+"/repo/deep", root+"/away/link"))
	finds(t, Where{Start: root + "/away/link"}, root+"/repo/.tickets")
	t.Chdir(root + "/away/link")
	t.Setenv("PWD", root+"/away/link")
	finds(t, Where{Start: "."}, root+"/repo/.tickets")
}

// The search ends at the root of the repository, or of the one that it is a submodule of. A board
// further up is named.
func TestFindEndsAtTheRepository(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("git takes seconds for submodules")
	}
	root := tree(t, ".tickets", "repo/a", "plain")
	git(t, root+"/repo", "init", "-q")
	none := refuses(t, Where{Start: root + "/repo/a"}, root+"/repo", root+"/.tickets", "further up")
	runCommand(t, root, none)
	finds(t, Where{Start: root + "/repo/a"}, root+"/.tickets")
	finds(t, Where{Start: root + "/plain"}, root+"/.tickets")

	commit(t, root+"/lib")
	must(t, os.RemoveAll(root+"/lib/.tickets"))
	git(t, root+"/lib", "commit", "-qam", "no tickets")
	git(t, root+"/super", "init", "-q")
	git(t, root+"/super", "submodule", "--quiet", "add", root+"/lib", "x/lib")
	git(t, root+"/super", "commit", "-qm", "lib")
	must(t, os.Mkdir(root+"/super/.tickets", 0o777))
	finds(t, Where{Start: root + "/super/x/lib/sub"}, root+"/super/.tickets")
	finds(t, Where{Start: root + "/super/x/lib/sub", Local: true}, root+"/super/.tickets")
	git(t, root+"/super", "clone", "-q", root+"/lib", "vendored")
	refuses(t, Where{Start: root + "/super/vendored/sub"}, root+"/super/.tickets")
	// As submodules were before git 1.7.8: with a .git of their own.
	git(t, root+"/super", "submodule", "--quiet", "add", root+"/lib", "vendored")
	finds(t, Where{Start: root + "/super/vendored/sub"}, root+"/super/.tickets")
	// A worktree of the superproject has clones of its submodules; the board is the main
	// superproject's nevertheless.
	git(t, root+"/super", "worktree", "add", "-q", root+"/superwt", "-b", "wt")
	git(t, root+"/superwt", "submodule", "--quiet", "update", "--init", "x/lib")
	must(t, os.Remove(root+"/superwt/.gitmodules")) // as on a branch that has another one
	finds(t, Where{Start: root + "/superwt/x/lib/sub"}, root+"/super/.tickets")
	finds(t, Where{Start: root + "/superwt/x"}, root+"/super/.tickets")
	// A board of its own is nearer.
	must(t, os.Mkdir(root+"/super/x/lib/.tickets", 0o777))
	finds(t, Where{Start: root + "/super/x/lib/sub"}, root+"/super/x/lib/.tickets")
	git(t, root+"/super/x/lib", "worktree", "add", "-q", root+"/libwt", "-b", "wt")
	finds(t, Where{Start: root + "/libwt/sub"}, root+"/super/x/lib/.tickets")
}

// runCommand runs the first git command that a NotFound proposes, as a shell does.
func runCommand(t testing.TB, dir string, none *NotFound) {
	t.Helper()
	_, command, found := strings.Cut(none.Next, "git -C ")
	if !found {
		t.Fatalf("no command in %q", none.Next)
	}
	command, _, _ = strings.Cut(command, ", or ")
	cmd := exec.Command("sh", "-c", "git -C "+command)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git -C %s: %v\n%s", command, err, out)
	}
}

// layouts are repositories in every form that git makes. Each is built in an empty folder and says
// from where servers may start and which board is theirs, whoever starts first. Starts from which
// the board can be told only after another one was there are late.
var layouts = []struct {
	name  string
	build func(t testing.TB, root string)
	board string
	from  []string
	late  []string

	recorded bool // the board is where a server found it before
}{
	{"plain", func(t testing.TB, root string) {
		commit(t, root+"/main")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
		git(t, root+"/main", "worktree", "add", "-q", ".claude/worktrees/inner", "-b", "inner")
		git(t, root+"/main", "worktree", "add", "-q", "--detach", "../detached")
	}, "main", []string{"main", "linked", "linked/sub", "main/sub", "main/.claude/worktrees/inner", "detached", "main/.git", "main/.git/refs/heads"}, nil, false},
	{"bare with a .git file beside its worktrees", func(t testing.TB, root string) {
		bare(t, root, "p/.bare")
		write(t, root+"/p/.git", "gitdir: ./.bare\n")
		git(t, root+"/p", "worktree", "add", "-q", "feat")
		git(t, root+"/p", "worktree", "add", "-q", "main", "main")
	}, "p/main", []string{"p/main", "p/feat", "p/feat/sub", "p", "p/.bare", "p/.bare/worktrees/feat"}, nil, false},
	{"bare as .git", func(t testing.TB, root string) {
		bare(t, root, "p/.git")
		git(t, root+"/p", "worktree", "add", "-q", "feat", "-b", "feat")
		git(t, root+"/p", "worktree", "add", "-q", "main", "main")
	}, "p/main", []string{"p/feat", "p/main", "p", "p/main/sub"}, nil, false},
	{"bare with worktrees in it", func(t testing.TB, root string) {
		bare(t, root, "repo.git")
		git(t, root+"/repo.git", "worktree", "add", "-q", "main", "main")
		git(t, root+"/repo.git", "worktree", "add", "-q", "feat", "-b", "feat")
	}, "repo.git/main", []string{"repo.git/feat", "repo.git", "repo.git/main"}, nil, false},
	{"bare, one worktree has a board", func(t testing.TB, root string) {
		bare(t, root, "p.git")
		git(t, root+"/p.git", "worktree", "add", "-q", "../main", "main")
		git(t, root+"/p.git", "worktree", "add", "-q", "../feat", "-b", "feat")
		git(t, root+"/main", "rm", "-rq", ".tickets")
		git(t, root+"/main", "commit", "-qm", "no tickets")
	}, "feat", []string{"main", "feat"}, nil, false},
	{"bare by config.worktree", func(t testing.TB, root string) {
		bare(t, root, "p/.git")
		git(t, root+"/p/.git", "config", "extensions.worktreeConfig", "TRUE")
		git(t, root+"/p/.git", "config", "--unset", "core.bare")
		git(t, root+"/p/.git", "config", "--worktree", "core.bare", "yes")
		git(t, root+"/p", "worktree", "add", "-q", "main", "main")
		git(t, root+"/p", "worktree", "add", "-q", "feat", "-b", "feat")
	}, "p/main", []string{"p/feat", "p/main", "p"}, nil, false},
	{"not bare, though another section says so", func(t testing.TB, root string) {
		commit(t, root+"/main")
		write(t, root+"/main/.git/config",
			"[foo] bare = true\n[Core]\n\tBARE = no ; a comment\n[foo \"core\"]\n\tbare = true\n[core \"x\"]\n\tbare=true\n")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"linked", "main"}, nil, false},
	{"a separate git folder", func(t testing.TB, root string) {
		commit(t, root+"/main")
		must(t, os.Mkdir(root+"/away", 0o777))
		git(t, root+"/main", "init", "-q", "--separate-git-dir", root+"/away/gitdir")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"linked", "main", "main/sub", "away/gitdir", "linked/sub"}, nil, false},
	{"a separate git folder far away", func(t testing.TB, root string) {
		commit(t, root+"/a/main")
		must(t, os.Mkdir(root+"/away", 0o777))
		git(t, root+"/a/main", "init", "-q", "--separate-git-dir", root+"/away/gitdir")
		git(t, root+"/a/main", "worktree", "add", "-q", "../../linked", "-b", "linked")
	}, "a/main", []string{"a/main", "a/main/sub"}, []string{"linked", "away/gitdir", "linked/sub"}, false},
	{"a separate git folder in its worktree", func(t testing.TB, root string) {
		commit(t, root+"/a/main")
		git(t, root+"/a/main", "init", "-q", "--separate-git-dir", root+"/a/main/.bare")
		git(t, root+"/a/main", "worktree", "add", "-q", "../../linked", "-b", "linked")
	}, "a/main", []string{"linked", "a/main/sub"}, nil, false},
	{"a separate git folder of the usual name", func(t testing.TB, root string) {
		commit(t, root+"/main")
		must(t, os.Mkdir(root+"/away", 0o777))
		git(t, root+"/main", "init", "-q", "--separate-git-dir", root+"/away/.git")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"main", "main/sub"}, []string{"linked"}, false},
	{"a .git that is a link", func(t testing.TB, root string) {
		commit(t, root+"/main")
		must(t, os.Rename(root+"/main/.git", root+"/git"))
		must(t, os.Symlink("../git", root+"/main/.git"))
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"linked", "main"}, nil, false},
	{"a path in .git that ends with blanks", func(t testing.TB, root string) {
		commit(t, root+"/main")
		must(t, os.Rename(root+"/main/.git", root+"/git \t"))
		write(t, root+"/main/.git", "gitdir: ../git \t\r\n\n")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"linked", "main"}, nil, false},
	{"core.worktree", func(t testing.TB, root string) {
		commit(t, root+"/main")
		must(t, os.Rename(root+"/main/.git", root+"/git"))
		write(t, root+"/main/.git", "gitdir: ../git\n")
		git(t, root+"/git", "config", "core.worktree", "../main")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"linked", "main", "git"}, nil, false},
	{"core.worktree in config.worktree", func(t testing.TB, root string) {
		commit(t, root+"/main")
		must(t, os.Rename(root+"/main/.git", root+"/git"))
		write(t, root+"/main/.git", "gitdir: "+root+"/git")
		git(t, root+"/main", "config", "extensions.worktreeConfig", "true")
		write(t, root+"/git/config.worktree", "[core]\n\tworktree = \""+root+"/main\"\n")
		git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	}, "main", []string{"linked", "main"}, nil, false},
	{"a worktree of a submodule", func(t testing.TB, root string) {
		commit(t, root+"/lib")
		git(t, root+"/super", "init", "-q")
		git(t, root+"/super", "submodule", "--quiet", "add", root+"/lib", "lib")
		git(t, root+"/super/lib", "worktree", "add", "-q", root+"/linked", "-b", "linked")
	}, "super/lib", []string{"linked", "super/lib", "linked/sub"}, nil, false},
	{"moved worktrees", func(t testing.TB, root string) {
		bare(t, root, "p.git")
		git(t, root+"/p.git", "worktree", "add", "-q", "../main", "main")
		git(t, root+"/p.git", "worktree", "add", "-q", "../feat", "-b", "feat")
		if _, err := (Where{Start: root + "/feat"}).Find(); err != nil {
			t.Error(err)
		}
		git(t, root+"/p.git", "worktree", "move", "../main", "../elsewhere")
	}, "elsewhere", []string{"feat", "elsewhere"}, nil, true},
	{"relative paths both ways, as newer versions of git write them",
		func(t testing.TB, root string) {
			bare(t, root, "p/.bare")
			git(t, root+"/p/.bare", "worktree", "add", "-q", "../main", "main")
			git(t, root+"/p/.bare", "worktree", "add", "-q", "../feat", "-b", "feat")
			for _, name := range []string{"main", "feat"} {
				write(t, root+"/p/.bare/worktrees/"+name+"/gitdir", "../../../"+name+"/.git\n")
				write(t, root+"/p/"+name+"/.git", "gitdir: ../.bare/worktrees/"+name+"\n")
			}
		}, "p/main", []string{"p/feat", "p/main"}, nil, false},
	{"names of any bytes", func(t testing.TB, root string) {
		commit(t, root+"/100% [a]\t\"x\"\n #; é\xff '")
		git(t, root+"/100% [a]\t\"x\"\n #; é\xff '", "worktree", "add", "-q", root+"/ linked ",
			"-b", "linked")
	}, "100% [a]\t\"x\"\n #; é\xff '", []string{" linked ", "100% [a]\t\"x\"\n #; é\xff '/sub"}, nil, false},
	{"bare, names of any bytes", func(t testing.TB, root string) {
		bare(t, root, "p %\t\xfe/.bare")
		write(t, root+"/p %\t\xfe/.git", "gitdir: ./.bare\n")
		git(t, root+"/p %\t\xfe", "worktree", "add", "-q", " m\n'\\", "main")
		git(t, root+"/p %\t\xfe", "worktree", "add", "-q", "feat", "-b", "feat")
	}, "p %\t\xfe/ m\n'\\", []string{"p %\t\xfe/feat", "p %\t\xfe/ m\n'\\/sub", "p %\t\xfe"}, nil, false},
}

// bare makes a bare repository with a committed board.
func bare(t testing.TB, root, path string) {
	t.Helper()
	needGit(t)
	files, err := template()
	must(t, err)
	inner, err := fs.Sub(files, ".git")
	must(t, err)
	must(t, os.CopyFS(filepath.Join(root, path), inner))
	must(t, os.Remove(filepath.Join(root, path, "index")))
	git(t, root, "--git-dir="+path, "config", "core.bare", "true")
}

// TestOneBoard starts servers in each layout in several orders: all find the same board, whoever
// comes first.
func TestOneBoard(t *testing.T) {
	for i, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && i%8 > 0 {
				t.Skip("one in eight is quick")
			}
			root := tree(t)
			l.build(t, root)
			want := filepath.Join(root, l.board, FolderName)
			for _, from := range l.late {
				refuses(t, Where{Start: filepath.Join(root, from)}, "git -C",
					"config ticket-mcp.board")
			}
			for first := range l.from {
				for _, from := range slices.Concat(l.from[first:], l.from[:first], l.late) {
					finds(t, Where{Start: filepath.Join(root, from)}, want)
				}
				if !l.recorded {
					forget(t, filepath.Join(root, l.from[0]))
				}
			}
			for _, from := range slices.Concat(l.from, l.late) {
				agreesWithGit(t, filepath.Join(root, from))
			}
		})
	}
}

// forget removes a repository's record, as if no server had ever started.
func forget(t testing.TB, dir string) {
	t.Helper()
	r, err := repositoryOf(dir)
	must(t, err)
	if err := os.Remove(filepath.Join(r.common, recordName)); !missing(err) {
		must(t, err)
	}
}

// agreesWithGit compares what we see of a repository with what git sees.
func agreesWithGit(t testing.TB, dir string) {
	t.Helper()
	r, err := repositoryOf(dir)
	if err != nil || r == nil {
		t.Errorf("%s: %+v, %v", dir, r, err)
		return
	}
	common := git(t, dir, "rev-parse", "--path-format=absolute", "--git-common-dir")
	gitDir := git(t, dir, "rev-parse", "--absolute-git-dir")
	for _, c := range []struct{ what, got, want string }{{"common folder", r.common, common},
		{"git folder", r.gitDir, gitDir}} {
		if want, err := filepath.EvalSymlinks(c.want); err != nil || c.got != want {
			t.Errorf("%s: %s is %q, but for git %q (%v)", dir, c.what, c.got, want, err)
		}
	}
	set, err := readSettings(r.common)
	must(t, err)
	if out, err := exec.Command("git", "--git-dir="+r.common, "rev-parse",
		"--is-bare-repository").Output(); err == nil && set.hasBare {
		if got, want := fmt.Sprint(set.bare), strings.TrimSpace(string(out)); got != want {
			t.Errorf("%s: bare is %s, but for git %s", dir, got, want)
		}
	}
}

// Variables that git sets for hooks belong to another command.
func TestGitVariablesAreIgnored(t *testing.T) {
	root := tree(t, "other/.tickets")
	commit(t, root+"/main")
	git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	git(t, root+"/other", "init", "-q")
	for name, value := range map[string]string{
		"GIT_DIR": root + "/other/.git", "GIT_WORK_TREE": root + "/other", "GIT_COMMON_DIR": root +
			"/other/.git",
		"GIT_CEILING_DIRECTORIES": root, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "ticket-mcp.board", "GIT_CONFIG_VALUE_0": root + "/other",
	} {
		t.Setenv(name, value)
	}
	finds(t, Where{Start: root + "/linked/sub"}, root+"/main/.tickets")
}

// Starters at the same moment agree as well.
func TestOneRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t)
	bare(t, root, "p.git")
	git(t, root+"/p.git", "worktree", "add", "-q", "../main", "main")
	git(t, root+"/p.git", "worktree", "add", "-q", "../feat", "-b", "feat")
	for range 10 {
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() { finds(t, Where{Start: root + []string{"/main", "/feat"}[i%2]}, root+"/main/.tickets") })
		}
		wait.Wait()
		left, err := filepath.Glob(root + "/p.git/" + recordName + "*")
		must(t, err)
		if len(left) != 1 {
			t.Fatalf("left in the git folder: %q", left)
		}
		file, fileErr := os.Stat(left[0])
		folder, folderErr := os.Stat(root + "/p.git")
		must(t, errors.Join(fileErr, folderErr))
		if got, want := file.Mode().Perm(), folder.Mode().Perm()&0o666; got != want {
			t.Errorf("the record has the mode %v, want %v: who may read the folder may read it",
				got, want)
		}
		forget(t, root+"/main")
	}
}

// What was chosen once stands, whatever is checked out where afterwards.
func TestRecordStands(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t)
	bare(t, root, "p.git")
	git(t, root+"/p.git", "worktree", "add", "-q", "../main", "main")
	git(t, root+"/p.git", "worktree", "add", "-q", "../feat", "-b", "feat")
	finds(t, Where{Start: root + "/feat"}, root+"/main/.tickets")
	git(t, root+"/main", "checkout", "-q", "--detach")
	git(t, root+"/feat", "checkout", "-q", "main")
	git(t, root+"/p.git", "symbolic-ref", "HEAD", "refs/heads/feat")
	for _, from := range []string{"/feat", "/main"} {
		finds(t, Where{Start: root + from}, root+"/main/.tickets")
	}
	git(t, root+"/p.git", "config", "core.bare", "false")
	git(t, root+"/p.git", "config", "core.worktree", root+"/feat")
	finds(t, Where{Start: root + "/feat"}, root+"/main/.tickets")
	// A copy of it all has the record too, but not the worktree: that is the other one's.
	must(t, os.CopyFS(root+"/copy.git", os.DirFS(root+"/p.git")))
	refuses(t, Where{Start: root + "/copy.git"}, "main in "+root+"/main, is gone")
	git(t, root+"/p.git", "config", "--unset", "core.worktree")
	git(t, root+"/p.git", "config", "core.bare", "true")
	// A board that is gone from its worktree is not looked for elsewhere; a first ticket begins it
	// there again.
	must(t, os.RemoveAll(root+"/main/.tickets"))
	refuses(t, Where{Start: root + "/feat"}, root+"/main/.tickets")
	if b, err := (Where{Start: root + "/feat"}).Make(); err != nil ||
		b.Dir != root+"/main/.tickets" {
		t.Errorf("made %v, %v", b, err)
	}
	git(t, root+"/p.git", "worktree", "remove", "--force", "../main")
	none := refuses(t, Where{Start: root + "/feat"}, "ticket-mcp-board", "main, is gone")
	if _, err := (Where{Start: root + "/feat"}).Make(); err == nil {
		t.Error("a second board was made")
	}
	command := strings.Replace(none.Next, "PATH", "feat", 1)
	runCommand(t, root, &NotFound{Next: command})
	finds(t, Where{Start: root + "/feat"}, root+"/feat/.tickets")

	for _, text := range []string{"", "x", "worktree = \"feat\"\n",
		"worktree = \"../x\"\nmain = \"\"\npath = \".tickets\"\n",
		"worktree = \"feat\"\nmain = \"\"\npath = \"../.tickets\"\n", "worktree = \"\"\nmain = \"\"\npath = \".tickets\"\n"} {
		git(t, root+"/p.git", "config", "--unset-all", "ticket-mcp.board")
		write(t, root+"/p.git/"+recordName, text)
		refuses(t, Where{Start: root + "/feat"}, recordName)
		git(t, root+"/p.git", "config", "ticket-mcp.board", "feat")
	}
}

// A main worktree that git does not know is recorded by its path, and is the right one only as long
// as it leads back.
func TestRecordOfTheMainWorktree(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t, "away")
	commit(t, root+"/main")
	git(t, root+"/main", "init", "-q", "--separate-git-dir", root+"/away/gitdir")
	git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	must(t, os.Symlink("main", root+"/link"))
	finds(t, Where{Start: root + "/linked"}, root+"/main/.tickets")
	forget(t, root+"/main")
	must(t, os.CopyFS(root+"/copy", os.DirFS(root+"/main"))) // is the same worktree for git
	refuses(t, Where{Start: root + "/linked"}, "more than one main worktree", root+"/copy",
		root+"/main")
	finds(t, Where{Start: root + "/main"}, root+"/main/.tickets")
	for _, from := range []string{"/copy/sub", "/linked"} {
		finds(t, Where{Start: root + from}, root+"/main/.tickets")
	}
	must(t, os.Rename(root+"/main", root+"/moved"))
	commit(t, root+"/main") // another repository in its place
	for _, from := range []string{"/copy", "/linked", "/moved"} {
		refuses(t, Where{Start: root + from}, root+"/main, is gone", "git -C")
	}
}

// FuzzRecord: what was written is read again, and no text does harm.
func FuzzRecord(f *testing.F) {
	f.Add("feat", "", ".tickets")
	f.Add("", "/a\n\xff/b", "sub/.tickets")
	f.Fuzz(func(t *testing.T, worktree, main, path string) {
		rec := record{worktree, main, path}
		got, err := parseRecord(rec.String())
		if err == nil && got != rec {
			t.Errorf("%+v was read as %+v", rec, got)
		}
		if _, err := parseRecord(path); err == nil && path == "" {
			t.Error("an empty record was read")
		}
	})
}

// Whatever cannot be told is a reason and a command, never a second board.
func TestUndecided(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for i, tt := range []struct {
		name  string
		build func(t *testing.T, root string)
		start string
		words []string
	}{
		{"a .git that leads nowhere, as in a container", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			must(t, os.Rename(root+"/main", root+"/unmounted"))
		}, "linked/sub", []string{"/linked/.git", "/main/.git/worktrees/linked", "--dir", "--worktree-local"}},
		{"a .git of another form", func(t *testing.T, root string) {
			write(t, root+"/wt/.git", "no gitdir here\n")
			must(t, os.MkdirAll(root+"/wt/.tickets", 0o777))
		}, "wt", []string{"/wt/.git"}},
		{"a .git that leads to itself", func(t *testing.T, root string) {
			write(t, root+"/wt/.git", "gitdir: .git\n")
			must(t, os.MkdirAll(root+"/wt/.tickets", 0o777))
		}, "wt", []string{"/wt/.git"}},
		{"a .git that is a loop of links", func(t *testing.T, root string) {
			must(t, os.MkdirAll(root+"/wt/.tickets", 0o777))
			must(t, os.Symlink(".git", root+"/wt/.git"))
		}, "wt", []string{"/wt/.git"}},
		{"a huge .git", func(t *testing.T, root string) {
			must(t, os.MkdirAll(root+"/wt/.tickets", 0o777))
			write(t, root+"/wt/.git", "")
			must(t, os.Truncate(root+"/wt/.git", 3<<30))
		}, "wt", []string{"/wt/.git", "longer"}},
		{"several boards, none on HEAD's branch", func(t *testing.T, root string) {
			bare(t, root, "p.git")
			git(t, root+"/p.git", "worktree", "add", "-q", "../one", "-b", "one")
			git(t, root+"/p.git", "worktree", "add", "-q", "../two", "-b", "two")
		}, "two", []string{"/one", "/two", "main", "config ticket-mcp.board"}},
		{"a worktree that cannot be seen may have the board", func(t *testing.T, root string) {
			bare(t, root, "p.git")
			git(t, root+"/p.git", "worktree", "add", "-q", "../one", "-b", "one")
			git(t, root+"/p.git", "worktree", "add", "-q", "../two", "-b", "two")
			must(t, os.Rename(root+"/one", root+"/unmounted"))
		}, "two", []string{"/one", "worktree prune", "config ticket-mcp.board"}},
		{"branches of reftable are not in HEAD", func(t *testing.T, root string) {
			bare(t, root, "p.git")
			for _, name := range []string{"one", "two"} {
				git(t, root+"/p.git", "worktree", "add", "-q", "../"+name, "-b", name)
				write(t, root+"/p.git/worktrees/"+name+"/HEAD", "ref: refs/heads/.invalid\n")
			}
			write(t, root+"/p.git/HEAD", "ref: refs/heads/.invalid\n")
		}, "two", []string{"/one", "/two"}},
		{"core.worktree that is gone", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			git(t, root+"/main", "config", "core.worktree", root+"/gone")
		}, "linked", []string{"/gone"}},
		{"core.worktree of another repository", func(t *testing.T, root string) {
			commit(t, root+"/main")
			commit(t, root+"/other")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			git(t, root+"/main", "config", "core.worktree", root+"/other")
		}, "linked", []string{"/other"}},
		{"bare with core.worktree", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			write(t, root+"/main/.git/config", "[core]\nbare = true\nworktree = ..\n")
		}, "linked", []string{"core.worktree"}},
		{"a main worktree that was made bare under its servers", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			git(t, root+"/main", "config", "core.bare", "true")
		}, "linked", []string{"/main/.tickets", "core.bare false", "config ticket-mcp.board"}},
		{"a configuration that git rejects", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			write(t, root+"/main/.git/config", "[core]\n\tbare = false\n\t= x\n")
		}, "linked", []string{"/main/.git/config", "line 3"}},
		{"core.bare that is neither", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			write(t, root+"/main/.git/config", "[core]\n\tbare = perhaps\n")
		}, "linked", []string{"perhaps"}},
		{"a submodule that is not checked out", func(t *testing.T, root string) {
			commit(t, root+"/lib")
			git(t, root+"/super", "init", "-q")
			git(t, root+"/super", "submodule", "--quiet", "add", root+"/lib", "lib")
			git(t, root+"/super", "commit", "-qm", "lib")
			git(t, root+"/super/lib", "worktree", "add", "-q", root+"/linked", "-b", "linked")
			git(t, root+"/super", "submodule", "--quiet", "deinit", "-f", "lib")
		}, "linked", []string{"/super/.git/modules/lib"}},
		{"ticket-mcp.board that is gone", func(t *testing.T, root string) {
			commit(t, root+"/main")
			git(t, root+"/main", "config", "ticket-mcp.board", "../gone/.tickets")
		}, "main", []string{"/gone/.tickets"}},
		{"ticket-mcp.board without a value", func(t *testing.T, root string) {
			commit(t, root+"/main")
			write(t, root+"/main/.git/config", "[ticket-mcp]\n\tboard\n")
		}, "main", []string{"ticket-mcp.board"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && i%8 > 0 {
				t.Skip("one in eight is quick")
			}
			root := tree(t)
			tt.build(t, root)
			start := filepath.Join(root, tt.start)
			refuses(t, Where{Start: start}, tt.words...)
			if b, err := (Where{Start: start}).Make(); err == nil {
				t.Errorf("made %s", b.Dir)
			}
		})
	}
}

// A person's word goes before all: the whole path of a board, a worktree of its own, and git's
// configuration for all.
func TestChosenBoard(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t, "else/.tickets", "else/where/.tickets")
	commit(t, root+"/main")
	main, linked := root+"/main", root+"/linked"
	git(t, main, "worktree", "add", "-q", linked, "-b", "linked")
	finds(t, Where{Start: linked, Local: true}, linked+"/.tickets")
	finds(t, Where{Start: linked + "/sub", Local: true}, linked+"/.tickets")
	finds(t, Where{Start: linked + "/.tickets"}, linked+"/.tickets")
	// A relative path may stand in a file that all worktrees have.
	finds(t, Where{Start: ".tickets", From: linked}, main+"/.tickets")
	finds(t, Where{Start: ".tickets", From: linked, Local: true}, linked+"/.tickets")
	for value, want := range map[string]string{
		"../else/.tickets": root + "/else/.tickets", "../else/": root + "/else/.tickets",
		root + "/else/where": root + "/else/where/.tickets", ".tickets": main + "/.tickets",
	} {
		git(t, linked, "config", "ticket-mcp.board", value)
		for _, start := range []string{main, linked + "/sub", main + "/.git"} {
			finds(t, Where{Start: start}, want)
		}
	}
	git(t, main, "config", "ticket-mcp.board", "../else")
	finds(t, Where{Start: linked, Local: true}, linked+"/.tickets")
	finds(t, Where{Start: main + "/.tickets"}, main+"/.tickets")
	git(t, main, "config", "ticket-mcp.board", "../new")
	if _, err := (Where{Start: linked}).Make(); err == nil {
		t.Error("made a board in a folder that is not there")
	}
	must(t, os.Mkdir(root+"/new", 0o777))
	if b, err := (Where{Start: linked}).Make(); err != nil || b.Dir != root+"/new/.tickets" {
		t.Errorf("made %v, %v", b, err)
	}

	// Where git's files lead nowhere, the worktree's own can still be chosen.
	must(t, os.Rename(main, root+"/unmounted"))
	refuses(t, Where{Start: linked})
	finds(t, Where{Start: linked + "/sub", Local: true}, linked+"/.tickets")
}

// A board on the branch of a linked worktree alone is no board for the others, but it is named.
func TestBoardOfOneBranch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t)
	commit(t, root+"/main")
	main, linked := root+"/main", root+"/linked"
	git(t, main, "worktree", "add", "-q", linked, "-b", "linked")
	must(t, os.RemoveAll(main+"/.tickets"))
	none := refuses(t, Where{Start: linked + "/sub"}, linked+"/.tickets", "branch",
		"--worktree-local")
	b, err := (Where{Start: linked + "/sub"}).Make()
	if err != nil || b.Dir != main+"/.tickets" || b.Unused != linked+"/.tickets" {
		t.Errorf("made %+v, %v; want it in the main worktree", b, err)
	}
	must(t, os.RemoveAll(main+"/.tickets"))
	runCommand(t, root, none)
	finds(t, Where{Start: main}, linked+"/.tickets")

	git(t, root+"/none", "init", "-q")
	git(t, root+"/none", "commit", "-q", "--allow-empty", "-m", "x")
	refuses(t, Where{Start: root + "/none"}, "no .tickets in "+root+"/none")
}

// Beside bare repositories boards lie outside of any worktree; nobody but a person can say that one
// of them is meant.
func TestBoardBesideTheWorktrees(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t, "p/.tickets")
	bare(t, root, "p/.bare")
	write(t, root+"/p/.git", "gitdir: ./.bare\n")
	git(t, root+"/p", "worktree", "add", "-q", "main", "main")
	git(t, root+"/p/main", "rm", "-rq", ".tickets")
	for _, start := range []string{"/p", "/p/main"} {
		refuses(t, Where{Start: root + start}, root+"/p/.tickets")
	}
	runCommand(t, root, refuses(t, Where{Start: root + "/p/main"}))
	for _, start := range []string{"/p", "/p/main/sub"} {
		finds(t, Where{Start: root + start}, root+"/p/.tickets")
	}
}

// A link that a tree brings along must not lead out of it; one that a person names may.
func TestLinksOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t, "out/.tickets", "main/in/board")
	commit(t, root+"/main")
	must(t, os.RemoveAll(root+"/main/.tickets"))
	link := root + "/main/.tickets"
	must(t, os.Symlink("../out/.tickets", link))
	none := refuses(t, Where{Start: root + "/main/sub"}, "link out of the repository",
		"--dir "+link)
	if strings.Contains(none.Next, "git") {
		t.Errorf("%q", none.Next)
	}
	if _, err := (Where{Start: root + "/main/sub"}).Make(); err == nil {
		t.Error("a link out was taken")
	}
	finds(t, Where{Start: link}, root+"/out/.tickets")
	finds(t, Where{Start: ".tickets", From: root + "/main"}, root+"/out/.tickets")
	git(t, root+"/main", "config", "ticket-mcp.board", ".tickets")
	refuses(t, Where{Start: root + "/main"}, "link out of the repository")
	git(t, root+"/main", "config", "ticket-mcp.board", "../out")
	finds(t, Where{Start: root + "/main"}, root+"/out/.tickets")
	git(t, root+"/main", "config", "--unset", "ticket-mcp.board")
	must(t, os.Remove(link))
	must(t, os.Symlink("in/board", link))
	finds(t, Where{Start: root + "/main/sub"}, root+"/main/in/board")
	must(t, os.Remove(link))
	must(t, os.Symlink("in/nowhere", link))
	if _, err := (Where{Start: root + "/main/sub"}).Make(); err == nil {
		t.Error("a link that leads nowhere was taken")
	}
	// A folder above it that is a link only on the main worktree's branch leads nobody out either.
	must(t, os.Remove(link))
	git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
	must(t, os.RemoveAll(root+"/main/sub"))
	must(t, os.Symlink("../out", root+"/main/sub"))
	refuses(t, Where{Start: root + "/linked/sub"}, "link out of the repository")
	refuses(t, Where{Start: "sub/.tickets", From: root + "/linked"}, "link out of the repository")
	must(t, os.Remove(root+"/out/.tickets"))
	if b, err := (Where{Start: "sub/.tickets", From: root + "/linked"}).Make(); err == nil {
		t.Errorf("made %s", b.Dir)
	}
	if _, err := os.Lstat(root + "/out/.tickets"); err == nil {
		t.Error("made one behind a link")
	}
	must(t, os.Mkdir(root+"/out/.tickets", 0o777))
	write(t, root+"/main/.tickets", "no folder")
	refuses(t, Where{Start: root + "/main"})
	if b, err := (Where{Start: root + "/main"}).Make(); err == nil {
		t.Errorf("made %s", b.Dir)
	}
	// In a bare layout a worktree that links to another one's board has none of its own.
	bare(t, root, "p.git")
	git(t, root+"/p.git", "worktree", "add", "-q", "../one", "-b", "one")
	git(t, root+"/p.git", "worktree", "add", "-q", "../two", "-b", "two")
	must(t, os.RemoveAll(root+"/two/.tickets"))
	must(t, os.Symlink("../one/.tickets", root+"/two/.tickets"))
	finds(t, Where{Start: root + "/two"}, root+"/one/.tickets")
}

// A bare repository that a tree brings along says nothing about the board.
func TestEmbeddedRepository(t *testing.T) {
	t.Parallel()
	root := tree(t, "out/.tickets")
	commit(t, root+"/main")
	git(t, root+"/main", "init", "-q", "--bare", "sub/evil")
	git(t, root+"/main/sub/evil", "config", "ticket-mcp.board", root+"/out")
	finds(t, Where{Start: root + "/main/sub/evil"}, root+"/main/.tickets")
	finds(t, Where{Start: root + "/main/sub/evil/refs"}, root+"/main/.tickets")
	// An empty .git is none, for git as well.
	must(t, os.MkdirAll(root+"/main/other/.git", 0o777))
	finds(t, Where{Start: root + "/main/other"}, root+"/main/.tickets")
	agreesWithGit(t, root+"/main/other")
}

func TestMake(t *testing.T) {
	var synced []string
	before := durable.SyncFolder
	durable.SyncFolder = func(f durable.Syncable) error { synced = append(synced, f.Name()); return before(f) }
	defer func() { durable.SyncFolder = before }()
	root := tree(t, "repo/a", "plain", "home/below")
	git(t, root+"/repo", "init", "-q")
	git(t, root+"/home", "init", "-q")
	must(t, os.Symlink(root+"/home", root+"/also-home"))
	t.Setenv("HOME", root+"/also-home")
	for start, want := range map[string]string{
		root + "/repo/a": root + "/repo/.tickets", root + "/plain/.tickets": root +
			"/plain/.tickets",
		root + "/home/below/.tickets": root + "/home/below/.tickets",
	} {
		if b, err := (Where{Start: start}).Make(); err != nil || b.Dir != want {
			t.Errorf("from %s: made %s, %v; want %s", start, b.Dir, err, want)
		}
		if folder := filepath.Dir(want); !slices.Contains(synced, folder) {
			t.Errorf("%s was not synced", folder)
		}
	}
	if b, err := (Where{Start: "a/.tickets", From: root + "/repo"}).Make(); err != nil ||
		b.Dir != root+"/repo/a/.tickets" {
		t.Errorf("made %s, %v", b.Dir, err)
	}
	for _, start := range []string{root + "/home", "/", root + "/plain/x", root + "/home/below/x"} {
		var none *NotFound
		if b, err := (Where{Start: start}).Make(); !errors.As(err, &none) {
			t.Errorf("from %s: made %s, %v; want a NotFound", start, b.Dir, err)
		}
	}
	if _, err := os.Lstat(root + "/home/.tickets"); err == nil {
		t.Error("a board in the home folder")
	}
}

// In a bare layout without any board the first one is made in the only worktree, or where HEAD's
// branch is.
func TestMakeInBareLayouts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t)
	git(t, root+"/source", "init", "-q")
	git(t, root+"/source", "commit", "-q", "--allow-empty", "-m", "x")
	git(t, root, "clone", "-q", "--bare", "source", "p.git")
	if b, err := (Where{Start: root + "/p.git"}).Make(); err == nil {
		t.Errorf("made %s without a worktree", b.Dir)
	}
	git(t, root+"/p.git", "worktree", "add", "-q", "../one", "-b", "one")
	git(t, root+"/p.git", "worktree", "add", "-q", "../two", "-b", "two")
	refuses(t, Where{Start: root + "/one"}, "no worktree of")
	if b, err := (Where{Start: root + "/one"}).Make(); err == nil {
		t.Errorf("made %s, where nobody can tell which", b.Dir)
	}
	git(t, root+"/p.git", "worktree", "add", "-q", "../main", "main")
	if _, err := os.Stat(root + "/p.git/" + recordName); err == nil {
		t.Error("a record of nothing")
	}
	var wait sync.WaitGroup
	for i := range 9 { // all at once
		wait.Go(func() {
			b, err := (Where{Start: root + []string{"/one", "/two", "/main"}[i%3]}).Make()
			if err != nil || b.Dir != root+"/main/.tickets" {
				t.Errorf("made %s, %v", b.Dir, err)
			}
		})
	}
	wait.Wait()
	finds(t, Where{Start: root + "/two"}, root+"/main/.tickets")
}

// A board may lie deeper in the worktree. The place from which a server starts has its own, as in
// any repository; where it has none, the one that was recorded is there for all.
func TestBoardsBelowTheRoot(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	root := tree(t)
	bare(t, root, "p.git")
	git(t, root+"/p.git", "worktree", "add", "-q", "../main", "main")
	git(t, root+"/p.git", "worktree", "add", "-q", "../feat", "-b", "feat")
	for _, w := range []string{"/main", "/feat"} {
		must(t, os.Rename(root+w+"/.tickets", root+w+"/sub/.tickets"))
		must(t, os.MkdirAll(root+w+"/other/.tickets", 0o777))
	}
	finds(t, Where{Start: root + "/feat/sub"}, root+"/main/sub/.tickets")
	finds(t, Where{Start: root + "/feat/other"}, root+"/main/other/.tickets")
	finds(t, Where{Start: root + "/feat"}, root+"/main/sub/.tickets")
	finds(t, Where{Start: root + "/p.git"}, root+"/main/sub/.tickets")
}
