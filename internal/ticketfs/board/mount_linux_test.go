package board

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMounts looks at repositories as containers see them: in a mount namespace of its own, after a
// script has mounted what the container gets.
func TestMounts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	for i, tt := range []struct {
		name, script, start string
		want                string   // the board; "" for none
		words               []string // that the refusal says
	}{
		{"nothing", "true", "linked", "main/.tickets", nil},
		{"the worktree alone", "mount -t tmpfs none main", "linked", "",
			[]string{"/linked/.git", "cannot be seen"}},
		{"the git folder without its worktree",
			"mkdir git && mount --bind main/.git git && mount -t tmpfs none main && mkdir -p main/.git && mount --bind git main/.git",
			"linked", "", []string{"/main/.git", "mount"}},
		{"the git folder without its worktree, from there",
			"mkdir git && mount --bind main/.git git && mount -t tmpfs none main && mkdir -p main/.git main/.tickets && mount --bind git main/.git",
			"main", "", []string{"/main/.git", "mount"}},
		{"another repository's git folder", "mount --bind other/.git main/.git", "main", "",
			[]string{"/main/.git", "mount"}},
		{"a hidden git folder", "mount -t tmpfs none main/.git", "main/sub", "",
			[]string{"/main/.git", "mount"}},
		{"a hidden .git file", "mount --bind /dev/null linked/.git", "linked", "",
			[]string{"/linked/.git", "mount"}},
		{"a git folder mounted over itself, read-only",
			"mount --bind main/.git main/.git && mount -o remount,bind,ro main/.git", "linked", "main/.tickets", nil},
		{"a bare git folder that cannot be written",
			"git clone -q --bare main p.git && git -C p.git worktree add -q ../one main && git -C p.git worktree add -q ../two && mount --bind p.git p.git && mount -o remount,bind,ro p.git",
			"one", "", []string{"/p.git/ticket-mcp-board", "read-only", "config ticket-mcp.board"}},
		{"all of it mounted elsewhere",
			"mkdir x && mount --bind main x && mount --bind main/.git x/.git", "x", "x/.tickets", nil},
		{"the repository is a mount", "mount --bind main main", "linked", "main/.tickets", nil},
		{"names that the kernel escapes",
			"mkdir 'a b	c\\040' && mount --bind main 'a b	c\\040' && mount --bind other/.git 'a b	c\\040/.git'", "a b	c\\040", "", []string{"mount"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && i%4 > 0 {
				t.Skip("one in four is quick")
			}
			root := tree(t)
			commit(t, root+"/main")
			commit(t, root+"/other")
			git(t, root+"/main", "worktree", "add", "-q", "../linked", "-b", "linked")
			cmd := exec.Command("sh", "-c",
				tt.script+` && exec "$0" -test.run '^TestMountedChild$'`, os.Args[0])
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "BOARD_START="+root+"/"+tt.start)
			cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			out, err := cmd.CombinedOutput()
			if strings.Contains(string(out), "mount:") || os.IsPermission(err) {
				t.Skipf("cannot mount here: %v\n%s", err, out)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, _, _ := strings.Cut(string(out), "\n")
			if tt.want != "" && got != "found "+root+"/"+tt.want {
				t.Errorf("%s, want %s", got, root+"/"+tt.want)
			}
			if tt.want == "" && !strings.HasPrefix(got, "none ") {
				t.Errorf("%s, want none", got)
			}
			for _, word := range tt.words {
				if !strings.Contains(got, word) {
					t.Errorf("%s does not say %q", got, word)
				}
			}
		})
	}
}

func TestForeignIn(t *testing.T) {
	const around = "1 0 8:1 /data /repo rw - ext4 /dev/sda1 rw\n"
	for table, want := range map[string]bool{
		around: false,
		around + "2 1 8:1 /data/.git /repo/.git ro - ext4 /dev/sda1 rw\n":            false,
		around + "2 1 8:2 /data/.git /repo/.git ro - ext4 /dev/sdb1 rw\n":            true,
		around + "2 1 8:1 /other/.git /repo/.git ro - ext4 /dev/sda1 rw\n":           true,
		"2 1 8:1 /data/.git /repo/.git ro - ext4 /dev/sda1 rw\n":                     true,
		"1 0 8:1 / / rw - ext4 x rw\n2 1 8:1 /repo/.git /repo/.git ro - ext4 x rw\n": false,
		"1 0 8:1 / / rw - ext4 x rw\n" + around +
			"3 1 8:1 /repo/.git /repo/.git ro - ext4 x rw\n": true,
		around + "2 1 8:1 /data/.git /repo/.gitx ro - ext4 x rw\n3 1 9:9 /x /repo/.git/objects rw - ext4 x rw\nshort": false,
		// the later one hides the other
		"1 0 8:9 /x /repo rw - ext4 x rw\n" + around +
			"2 1 8:1 /data/.git /repo/.git ro - ext4 x rw\n": false,
	} {
		if got := foreignIn(table, "/repo/.git"); got != want {
			t.Errorf("%v for\n%s", got, table)
		}
	}
	if !foreignIn("1 0 8:1 / / rw - x x rw\n2 1 8:1 /a /a\\040\\011\\012\\134b/.git rw - x x rw\n",
		"/a \t\n\\b/.git") {
		t.Error("an escaped name was not found")
	}
}

// TestMountedChild is what runs in the namespace.
func TestMountedChild(t *testing.T) {
	start := os.Getenv("BOARD_START")
	if start == "" {
		t.Skip("only for TestMounts")
	}
	b, err := Where{Start: start}.Find()
	if err == nil {
		fmt.Printf("found %s\n", b.Dir)
		return
	}
	fmt.Printf("none %v\n", err)
	if b, err := (Where{Start: start}).Make(); err == nil {
		t.Errorf("made %s", b.Dir)
	}
}
