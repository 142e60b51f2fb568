package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// hostile is something in a board that no program of ours leaves there.
type hostile struct {
	name  string
	make  func(board, outside string) error
	place string // what doctor finds, "" where it is no more than unknown
	code  string // of a change of t1
}

func mkdirs(path ...string) error { return os.MkdirAll(filepath.Join(path...), 0o777) }

var hostiles = []hostile{
	{"a temp is a folder in use",
		func(b, _ string) error { return mkdirs(b, ".t1.md.tmp", "file") }, ".t1.md.tmp", "malformed"},
	{"a temp is a link",
		func(b, o string) error { return os.Symlink(filepath.Join(o, "kept"), filepath.Join(b, ".t1.md.tmp")) }, ".t1.md.tmp", "malformed"},
	{"a temp is a FIFO",
		func(b, _ string) error { return syscall.Mkfifo(filepath.Join(b, ".t1.md.tmp"), 0o666) }, ".t1.md.tmp", "malformed"},
	{"a lock is a link",
		func(b, o string) error { return os.Symlink(filepath.Join(o, "made"), filepath.Join(b, "t1.md.lock")) }, "t1.md.lock", "malformed"},
	{"a lock is a folder", func(b, _ string) error { return mkdirs(b, "t1.md.lock") }, "t1.md.lock",
		"malformed"},
	{"a lock is a FIFO",
		func(b, _ string) error { return syscall.Mkfifo(filepath.Join(b, "t1.md.lock"), 0o666) }, "t1.md.lock", "malformed"},
	{"the relations lock is a link", func(b, o string) error {
		return os.Symlink(filepath.Join(o, "made"), filepath.Join(b, ".relations.lock"))
	}, ".relations.lock", "malformed"},
	{"the relations lock is a FIFO",
		func(b, _ string) error { return syscall.Mkfifo(filepath.Join(b, ".relations.lock"), 0o666) }, ".relations.lock", "malformed"},
	{"the marks are a link",
		func(b, o string) error { return os.Symlink(o, filepath.Join(b, ".sessions")) }, ".sessions", "malformed"},
	{"the marks are a file",
		func(b, _ string) error { return os.WriteFile(filepath.Join(b, ".sessions"), nil, 0o666) }, ".sessions", "malformed"},
	{"the journal is a link",
		func(b, o string) error { return os.Symlink(o, filepath.Join(b, ".journal")) }, ".journal", ""},
	{"the journal is a file",
		func(b, _ string) error { return os.WriteFile(filepath.Join(b, ".journal"), nil, 0o666) }, ".journal", ""},
	{"a journal is a FIFO", func(b, _ string) error {
		return errors.Join(mkdirs(b, ".journal"),
			syscall.Mkfifo(filepath.Join(b, ".journal", "t1.jsonl"), 0o666))
	}, ".journal/t1.jsonl", ""},
	{"a ticket is a link",
		func(b, o string) error { return os.Symlink(filepath.Join(o, "kept"), filepath.Join(b, "t9.md")) }, "t9", ""},
	{"a ticket is a FIFO",
		func(b, _ string) error { return syscall.Mkfifo(filepath.Join(b, "t9.md"), 0o666) }, "t9", ""},
	{"a ticket is a folder", func(b, _ string) error { return mkdirs(b, "t9.md") }, "t9", ""},
	{".gitignore is a FIFO",
		func(b, _ string) error { return syscall.Mkfifo(filepath.Join(b, ".gitignore"), 0o666) }, "", ""},
	{".gitignore is a link",
		func(b, o string) error { return os.Symlink(filepath.Join(o, "kept"), filepath.Join(b, ".gitignore")) }, "", ""},
}

// treeOf is all that stands in a folder, with kinds, times and sizes.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			lines = append(lines, fmt.Sprint(path, info.Mode(), info.Size(), info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestHostileTrees: whatever stands in a board, every call is answered, a change that needs the
// place is refused with a code, doctor names it, and nothing outside the board is read, made or
// removed.
func TestHostileTrees(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, h := range hostiles {
		t.Run(h.name, func(t *testing.T) {
			board, outside := servertest.OpenTickets(t, "t1", "t2"), t.TempDir()
			if err := os.WriteFile(filepath.Join(outside, "kept"),
				[]byte("---\nid: t9\nstatus: open\n---\n# Secret\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := h.make(board, outside); err != nil {
				t.Skip("cannot be made here:", err)
			}
			before := treeOf(t, outside)
			w := servertest.Start(t, servertest.On(t, board))
			said := map[string]string{}
			for i, line := range []string{`ready {}`, `list {}`, `show {"id":"t1"}`, `history {}`,
				`note {"id":"t2","text":"x"}`, `start {"id":"t1"}`,
				`note {"id":"t1","text":"x"}`, `block {"id":"t1","blocked_by":"t2"}`, `create {"title":"new"}`, `repair {"dry_run":false}`} {
				tool, arguments, _ := strings.Cut(line, " ")
				id := fmt.Sprint(100 + i)
				w.Send(servertest.ToolCall(id, tool, arguments))
				said[line] = string(w.Answer(id).Result)
				if strings.Contains(said[line], "Secret") {
					t.Errorf("%s tells what stands outside: %s", line, said[line])
				}
			}
			refused := h.code != "" && strings.Contains(said[`start {"id":"t1"}`],
				`"code":"`+h.code+`"`)
			if refused != (h.code != "") {
				t.Errorf("start: %s", said[`start {"id":"t1"}`])
			}
			doctor := exec.Command(servertest.Program(t), "--dir", board, "doctor")
			doctor.Env = w.Cmd.Env
			out, _ := doctor.CombinedOutput() // which ends with 1
			if h.place != "" && !strings.Contains(string(out), "\n"+h.place+" ") {
				t.Errorf("doctor does not name %s:\n%s", h.place, out)
			}
			if after := treeOf(t, outside); after != before {
				t.Errorf("outside the board\n%s\nbecame\n%s", before, after)
			}
		})
	}
}

// account is somebody who runs a server.
type account struct {
	name   string
	uid    uint32
	groups []uint32
	umask  string
}

// server starts a server of a user.
func (u account) server(t *testing.T, program, board string) *servertest.Wire {
	t.Helper()
	cmd := exec.Command("sh", "-c", "umask "+u.umask+`; exec "$0" "$@"`, program, "--dir", board)
	cmd.Dir, cmd.Env = filepath.Dir(board), append(servertest.On(t, board).Env, "HOME=/nonexistent",
		"TICKET_MCP_AGENT="+u.name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: u.uid,
		Gid: u.groups[0], Groups: u.groups}}
	return servertest.Start(t, cmd)
}

// TestTwoUsers: users share a board, whoever comes first and whatever their umask: root beside the
// owner, and the members of a group.
func TestTwoUsers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be several users")
	}
	const ada, bob, team = 61001, 61002, 61010
	root := account{name: "root", groups: []uint32{0}}
	owner := account{name: "ada", uid: ada, groups: []uint32{team}}
	member := account{name: "bob", uid: bob, groups: []uint32{bob, team}}
	program := filepath.Join(t.TempDir(), "ticket-mcp")
	text, err := os.ReadFile(servertest.Program(t))
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		mode  fs.FileMode
		users []account
	}{
		{"root, then the owner", 0o755, []account{root, owner}},
		{"the owner, then root", 0o700, []account{owner, root}},
		{"a group", 0o775 | fs.ModeSetgid, []account{owner, member}},
		{"root and a group", 0o770 | fs.ModeSetgid, []account{root, member, owner}},
	} {
		for _, umask := range []string{"022", "077"} {
			t.Run(test.name+", umask "+umask, func(t *testing.T) {
				board := servertest.OpenTickets(t, "t1", "t2", "t3")
				for dir := board; strings.HasPrefix(dir,
					os.TempDir()+"/"); dir = filepath.Dir(dir) {
					must(t, os.Chmod(dir, 0o755))
				}
				for dir := filepath.Dir(program); strings.HasPrefix(dir,
					os.TempDir()+"/"); dir = filepath.Dir(dir) {
					must(t, os.Chmod(dir, 0o755))
				}
				for _, id := range []string{"t1", "t2", "t3"} {
					path := filepath.Join(board, id+".md")
					must(t, os.Chown(path, ada, team))
					must(t, os.Chmod(path, test.mode.Perm()&0o666))
				}
				must(t, os.Chown(board, ada, team))
				must(t, os.Chmod(board, test.mode))
				for i, u := range test.users {
					u.umask = umask
					w := u.server(t, program, board)
					mine := fmt.Sprintf("t%d", i+1)
					for n, line := range []string{`start {"id":"` + mine + `"}`,
						`note {"id":"t3","text":"by me"}`, `create {"title":"of ` + u.name + `"}`,
						`close {"id":"` + mine + `"}`, `list {}`, `ready {}`} {
						tool, arguments, _ := strings.Cut(line, " ")
						id := fmt.Sprint(100 + n)
						w.Send(servertest.ToolCall(id, tool, arguments))
						if answer := w.Answer(id); answer.Kind() != "done" ||
							strings.Contains(string(answer.Result), `"journaled":false`) {
							t.Errorf("%s: %s: %s", u.name, line, answer.Result)
						}
					}
					if u.uid == 0 { // what root wrote is still the owner's
						info, err := os.Stat(filepath.Join(board, mine+".md"))
						must(t, err)
						if st := info.Sys().(*syscall.Stat_t); st.Uid != ada || st.Gid != team ||
							info.Mode().Perm() != test.mode.Perm()&0o666 {
							t.Errorf("%s belongs to %d:%d, %s", mine, st.Uid, st.Gid, info.Mode())
						}
					}
				}
			})
		}
	}
}

// TestStickyFolder: where only its owner may replace a file, another user's change is refused with
// a code, and writes nothing.
func TestStickyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	board := servertest.OpenTickets(t, "t1")
	program := filepath.Join(filepath.Dir(board), "ticket-mcp")
	text, err := os.ReadFile(servertest.Program(t))
	must(t, err)
	must(t, os.WriteFile(program, text, 0o755))
	for dir := board; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	must(t, os.Chmod(filepath.Join(board, "t1.md"), 0o666))
	must(t, os.Chmod(board, 0o777|fs.ModeSticky))
	before, err := os.ReadFile(filepath.Join(board, "t1.md"))
	must(t, err)
	w := account{name: "bob", uid: 61002, groups: []uint32{61002}, umask: "022"}.server(t, program,
		board)
	w.Send(servertest.ToolCall("1", "note", `{"id":"t1","text":"mine"}`))
	if answer := w.Answer("1"); !strings.Contains(string(answer.Result), `"code":"malformed"`) ||
		!strings.Contains(string(answer.Result), "sticky") {
		t.Errorf("%s", answer.Result)
	}
	if after, err := os.ReadFile(filepath.Join(board, "t1.md")); err != nil ||
		string(after) != string(before) {
		t.Errorf("the refused change wrote %q (%v)", after, err)
	}
}

// TestOverlay: locks taken through an overlay and beside it do not see each other. It is said, and
// no holder is taken for dead by a lock that is only out of sight.
func TestOverlay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	board := servertest.OpenTickets(t, "t1", "t2")
	upper, work, merged := t.TempDir(), t.TempDir(), t.TempDir()
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", filepath.Dir(board), upper, work)
	if out, err := exec.Command("mount", "-t", "overlay", "overlay", "-o", layers,
		merged).CombinedOutput(); err != nil {
		t.Skipf("no overlays here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", merged).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	beside := servertest.Start(t, servertest.On(t, board))
	beside.Send(servertest.ToolCall("1", "start", `{"id":"t1"}`))
	if m := beside.Answer("1"); m.Kind() != "done" {
		t.Fatalf("start beside it: %s", m.Result)
	}
	through := servertest.Start(t, servertest.On(t, filepath.Join(merged, filepath.Base(board))))
	through.Send(servertest.ToolCall("1", "list", `{}`))
	if m := through.Answer("1"); !strings.Contains(string(m.Result), "is on an overlay") {
		t.Errorf("the first answer: %s", m.Result)
	}
	claimed := func(when string) {
		t.Helper()
		through.Send(servertest.ToolCall("2", "start", `{"id":"t1"}`))
		if m := through.Answer("2"); !strings.Contains(string(m.Result), `"code":"claimed"`) ||
			!strings.Contains(string(m.Result), "takeover: true") &&
				!strings.Contains(string(m.Result), "alive") {
			t.Errorf("%s: %s", when, m.Result)
		}
	}
	claimed("while the holder lives")
	beside.Signal(syscall.SIGKILL)
	beside.Exit()
	claimed("when it is dead, which nothing here proves")
	doctor := exec.Command(servertest.Program(t), "--dir",
		filepath.Join(merged, filepath.Base(board)), "doctor")
	doctor.Env = through.Cmd.Env
	if out, _ := doctor.CombinedOutput(); !strings.Contains(string(out), "is on an overlay") {
		t.Errorf("doctor: %s", out)
	}
	through.End()
}
