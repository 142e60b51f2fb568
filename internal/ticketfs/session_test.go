package ticketfs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSessionFile: the file of a session says who it is, its lock is held, and it is looked for in the ticket folder only.
func TestSessionFile(t *testing.T) {
	dir := t.TempDir()
	s := NewSession("one", time.Now)
	s.SetClient("some-client")
	key, err := s.Settle(t.Context(), dir)
	if err != nil || key != s.Key() {
		t.Fatal(key, err)
	}
	text, err := os.ReadFile(sessionPath(dir, key))
	if err != nil {
		t.Fatal(err)
	}
	var m mark
	if err := json.Unmarshal(text, &m); err != nil || m.PID != os.Getpid() || m.Client != "some-client" || m.Host == "" {
		t.Errorf("the file says %s (%v)", text, err)
	}
	if life, err := NewSession("", time.Now).Life(dir, Claim("x", key)); life != Alive || err != nil {
		t.Errorf("to others it is %s (%v)", life, err)
	}
}

func TestSessionsFolderIsNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, sessionsFolder)); err != nil {
		t.Skip("no links here:", err)
	}
	if _, err := NewSession("one", time.Now).Settle(t.Context(), dir); CodeOf(refused("", err)) != BadFile || !strings.Contains(err.Error(), sessionsFolder) {
		t.Errorf("a link in the place of the folder: %v", err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("it was followed: %v, %v", entries, err)
	}
}
