package session

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
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
	text, err := os.ReadFile(Path(dir, key))
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
	if err := os.Symlink(outside, filepath.Join(dir, Folder)); err != nil {
		t.Skip("no links here:", err)
	}
	var notFolder *durable.NotFolderError
	if _, err := NewSession("one", time.Now).Settle(t.Context(), dir); !errors.As(err, &notFolder) || notFolder.Name != Folder {
		t.Errorf("a link in the place of the folder: %v", err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("it was followed: %v, %v", entries, err)
	}
}
