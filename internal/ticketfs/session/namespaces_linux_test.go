package session

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// These tests are of containers: other namespaces on one kernel. They need root.

func unshare(t *testing.T, args ...string) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces are root's to make")
	}
	if out, err := exec.Command("unshare", append(args, "true")...).CombinedOutput(); err != nil {
		t.Skipf("unshare %v: %v: %s", args, err, out)
	}
	return append([]string{"unshare"}, args...)
}

// inHost is a command line that runs what follows it under another host name.
func inHost(t *testing.T, name string) []string {
	return append(unshare(t, "--uts"), "sh", "-c", "hostname "+name+`; exec "$0" "$@"`)
}

// TestHosts: two host names on one kernel see each other live and die; what a host is called proves
// nothing.
func TestHosts(t *testing.T) {
	dir := t.TempDir()
	h := hold(t, dir, "me", inHost(t, "aaaa")...)
	if got := tells(t, dir, "me", inHost(t, "bbbb")...); got != "alive 0s" {
		t.Errorf("while it lives: %s", got)
	}
	if m := readMark(t, slotPath(dir, h.key, 0)); m.Host != "aaaa" {
		t.Errorf("the mark is of %s", m.Host)
	}
	must(t, h.cmd.Process.Kill())
	_ = h.cmd.Wait() // says that it was killed
	if got := tells(t, dir, "me", inHost(t, "bbbb")...); got != "dead 10s" {
		t.Errorf("after its end: %s", got)
	}
}

// TestPIDNamespaces: the same numbers mean other processes there.
func TestPIDNamespaces(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	dir := t.TempDir()
	in := unshare(t, "--pid", "--fork", "--kill-child", "--mount-proc")
	h := hold(t, dir, "me", in...)
	if got := tells(t, dir, "me"); got != "alive 0s" {
		t.Errorf("from outside: %s", got)
	}
	if got := tells(t, dir, "me", in...); got != "alive 0s" {
		t.Errorf("from another one: %s", got)
	}
	must(t, h.cmd.Process.Kill())
	_ = h.cmd.Wait() // says that it was killed; what ran in the namespace is killed after it
	for end := time.Now().Add(time.Minute); life(dir, "me").Life == Alive &&
		time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if got := tells(t, dir, "me", in...); !strings.HasPrefix(got, "dead") {
		t.Errorf("after its end, from another one: %s", got)
	}
	if got := tells(t, dir, "me"); !strings.HasPrefix(got, "dead") {
		t.Errorf("after its end, from outside: %s", got)
	}
}

// TestTimeNamespace: a clock that is a day ahead ends no grace, and begins none for the others.
func TestTimeNamespace(t *testing.T) {
	dir := t.TempDir()
	dead(t, dir, "gone", nil)
	ahead := unshare(t, "--time", "--boottime", "86400", "--fork")
	seen := filepath.Join(dir, Folder, Key("gone")+".seen")
	if got := tells(t, dir, "gone", ahead...); got != "dead 10s" {
		t.Error(got)
	}
	if _, err := os.Lstat(seen); err == nil {
		t.Error("it wrote its own clock down for others")
	}
	if got := tells(t, dir, "gone"); got != "dead 10s" {
		t.Error(got)
	}
	if got := tells(t, dir, "gone", ahead...); got != "dead 10s" {
		t.Errorf("a day ahead of the others' observation: %s", got)
	}
}

// TestOverlay: one process sees the board through an overlay, the other the folder below it. Their
// locks do not meet, and neither takes the other for dead.
func TestOverlay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	if os.Geteuid() != 0 {
		t.Skip("mounts are root's to make")
	}
	base := t.TempDir()
	for _, d := range []string{"lower/board", "upper", "work", "merged"} {
		must(t, os.MkdirAll(filepath.Join(base, d), 0o777))
	}
	options := "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work"
	merged := filepath.Join(base, "merged")
	if err := syscall.Mount("overlay", merged, "overlay", 0, options); err != nil {
		t.Skip("no overlay here:", err)
	}
	defer func() { must(t, syscall.Unmount(merged, 0)) }()
	through, lower, upper := filepath.Join(merged, "board"), filepath.Join(base, "lower",
		"board"), filepath.Join(base, "upper", "board")

	below := hold(t, lower, "below")
	if got := tells(t, through, "below"); strings.HasPrefix(got, "dead") {
		t.Errorf("below the overlay, seen through it: %s", got)
	}
	above := hold(t, through, "above")
	if got := tells(t, upper, "above"); strings.HasPrefix(got, "dead") {
		t.Errorf("through the overlay, seen below it: %s", got)
	}
	if got := tells(t, through, "above"); got != "alive 0s" {
		t.Errorf("through the same overlay: %s", got)
	}
	above.end()
	if got := tells(t, through, "above"); !strings.HasPrefix(got, "dead") {
		t.Errorf("after its end, through the same overlay: %s", got)
	}
	below.end()
}

// TestFUSE: on a filesystem whose locks may not reach all who use it nobody is proven dead.
func TestFUSE(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounts are root's to make")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
	below, mounted := t.TempDir(), t.TempDir()
	root, err := fusefs.NewLoopbackRoot(below)
	must(t, err)
	server, err := fusefs.Mount(mounted, root,
		&fusefs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true}})
	must(t, err)
	defer func() { must(t, server.Unmount()) }()
	// Only other processes use the mount: this one serves it, and could wait for itself.
	h := hold(t, mounted, "me")
	if got := tells(t, mounted, "me"); got != "alive 0s" {
		t.Errorf("while it lives: %s", got)
	}
	h.end()
	if got := tells(t, mounted, "me"); got != "unknown 0s" {
		t.Errorf("after its end: %s", got)
	}
	if got := tells(t, below, "me"); strings.HasPrefix(got, "dead") {
		t.Errorf("after its end, beside the mount: %s", got)
	}
}

// TestSharedSlot: users of a group share a conversation's slot, one after the other.
func TestSharedSlot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("other users are root's to be")
	}
	dir := t.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o777))
	}
	board := filepath.Join(dir, "board")
	must(t, os.Mkdir(board, 0o777))
	const group = 54321
	must(t, os.Chown(board, 0, group))
	must(t, os.Chmod(board, 0o2775))
	for _, user := range []uint32{54001, 54002} {
		h := holdAs(t, &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{group}}, dir,
			board, "me")
		h.end()
		info, err := os.Lstat(slotPath(board, h.key, 0))
		must(t, err)
		if _, err := os.Lstat(slotPath(board, h.key, 1)); err == nil || h.key != Key("me") {
			t.Errorf("user %d took another slot or name: %s", user, h.key)
		}
		if mode := info.Mode().Perm(); mode != 0o664 {
			t.Errorf("the slot has mode %s", mode)
		}
	}
}

// TestForbiddenToOthers: a slot that another user may not read makes that one holder unknown to
// them.
func TestForbiddenToOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("other users are root's to be")
	}
	dir := t.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o777))
	}
	must(t, os.Chmod(dead(t, dir, "hidden", nil), 0))
	dead(t, dir, "gone", nil)
	program := programFor(t, dir)
	for name, want := range map[string]string{"hidden": "unknown 0s", "gone": "dead 10s"} {
		cmd := child(t, nil, "look", dir, name)
		cmd.Path = program
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534,
			Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); got != want || err != nil {
			t.Errorf("%s: %s (%v), want %s", name, got, err, want)
		}
	}
}

// programFor is this program in a folder where others may run it.
func programFor(t *testing.T, dir string) (path string) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	path = filepath.Join(dir, "program")
	must(t, os.WriteFile(path, self, 0o777))
	must(t, os.Chmod(path, 0o777))
	return path
}

// holdAs is hold, as another user.
func holdAs(t *testing.T, who *syscall.Credential, dir, board, name string) *holder {
	t.Helper()
	cmd := child(t, nil, "hold", board, name)
	cmd.Path, cmd.SysProcAttr = programFor(t, dir), &syscall.SysProcAttr{Credential: who}
	return holding(t, cmd)
}

// TestLiveness: what limits telling who lives is said.
func TestLiveness(t *testing.T) {
	if self().Boot == "" {
		t.Skip("no boot id here")
	}
	if got := Liveness(t.TempDir()); got != LivenessOK && !strings.Contains(got, "machine-id") {
		t.Error(got)
	}
	out, err := child(t, unshare(t, "--time", "--boottime", "86400", "--fork"), "limits",
		t.TempDir(), "").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "own clock") &&
		!strings.Contains(string(out), "machine-id") {
		t.Errorf("in a time namespace: %s (%v)", out, err)
	}
}
