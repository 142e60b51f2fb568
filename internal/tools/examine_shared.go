package tools

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// examineShared finds what is beside a shared board's tickets and is none, as git brought it along.
func (c *call) examineShared(ctx context.Context) (found []Finding, err error) {
	if c.folder.Shared() == nil {
		return nil, nil
	}
	if !c.folder.Guarded() {
		found = append(found, Finding{ID: board.Guard, Kind: unguarded,
			What: "is no folder, so a version from before shared boards would make tickets here; in the board's folder: git checkout HEAD -- " + board.Guard})
	}
	if c.folder.Current() != nil {
		return found, nil // with what is shown, files cannot be compared
	}
	strays, err := c.folder.Strays(ctx)
	if ticketfs.CodeOf(err) == ticketfs.Unreachable {
		return found, nil
	}
	for _, s := range strays {
		found = append(found, Finding{ID: s.ID, Kind: strayFile,
			What: "the file in the board's folder " + strayText(string(s.State))})
	}
	return found, err
}
