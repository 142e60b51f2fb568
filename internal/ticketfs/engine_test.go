package ticketfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/enginetest"
)

// TestLocalEngine runs the contract on a folder.
func TestLocalEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) (a, b ticketfs.Engine) {
		dir := filepath.Join(t.TempDir(), board.FolderName)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		engine := func() ticketfs.Engine {
			s := ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout)
			return ticketfs.LocalEngine(s, dir)
		}
		return engine(), engine()
	}, 0)
}
