package ticketfs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// TestFreezeAfterDeath: a process that died once the guard was there, and ahead of the file by which
// git has it, leaves that to the next one.
func TestFreezeAfterDeath(t *testing.T) {
	path := filepath.Join(t.TempDir(), board.FolderName, "t.md")
	dir := filepath.Dir(path)
	must(t, os.MkdirAll(filepath.Join(dir, board.Guard), 0o777))
	if _, err := storeAt(path).Freeze(t.Context(), dir, board.NewShared(board.Etcd)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, board.GuardFile)); err != nil {
		t.Error(err)
	}
}
