package install

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe, which nobody writes into, is refused at once.
func TestPipe(t *testing.T) {
	inProjectFolder(t)
	if err := unix.Mkfifo(".mcp.json", 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- runInstall(t, Request{Client: "claude", Name: "tickets"}) }()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
			t.Errorf("got %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it hangs")
	}
}

// A file keeps its owner and its extended attributes, of which an access list is one.
func TestRightsStay(t *testing.T) {
	path := filepath.Join(inProjectFolder(t), ".mcp.json")
	if err := os.WriteFile(path, []byte("{}"), 0o640); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0
	if root {
		if err := os.Chown(path, 12345, 54321); err != nil {
			t.Fatal(err)
		}
	}
	// Version 2; the owner rw, user 4711 r, the group r, mask r, others none.
	list := []byte{2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0x67, 0x12, 0, 0, 4, 0,
		4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	attributes := map[string]string{"user.mine": "kept"}
	if err := unix.Setxattr(path, "system.posix_acl_access", list, 0); err == nil {
		attributes["system.posix_acl_access"] = string(list)
	} else {
		t.Log("no access lists here:", err)
	}
	if err := unix.Setxattr(path, "user.mine", []byte("kept"), 0); err != nil {
		t.Skip("no extended attributes here:", err)
	}
	if err := runInstall(t, Request{Client: "claude", Name: "tickets"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); root && (owner.Uid != 12345 || owner.Gid != 54321) {
		t.Errorf("owner is %d:%d", owner.Uid, owner.Gid)
	}
	if info.Size() < 10 || info.Mode() != 0o640 {
		t.Errorf("size %d, mode %v", info.Size(), info.Mode())
	}
	for name, want := range attributes {
		value := make([]byte, 100)
		if n, err := unix.Getxattr(path, name, value); err != nil || string(value[:n]) != want {
			t.Errorf("%s is %q %v", name, value[:max(n, 0)], err)
		}
	}
}

// What root makes in somebody's project is theirs.
func TestRootMakesNothingOfItsOwn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	project := inProjectFolder(t)
	if err := os.Chown(project, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	if err := runInstall(t, Request{Client: "cursor", Name: "tickets"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".cursor", ".cursor/mcp.json"} {
		info, err := os.Stat(filepath.Join(project, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 12345 || owner.Gid != 54321 {
			t.Errorf("%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
	}
}
