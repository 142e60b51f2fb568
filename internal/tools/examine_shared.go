package tools

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// examineShared finds what is beside a shared board's tickets and is none: what people changed where
// tickets are only shown, and what git brought along.
func (c *call) examineShared(ctx context.Context) ([]Finding, error) {
	kept, err := c.folder.KeptFiles()
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, name := range kept {
		found = append(found, Finding{ID: oneLine(name, 200), Kind: changedMirror,
			What: "what somebody wrote into a file that only shows a ticket; take over what counts by ticket-mcp edit, then remove the file"})
	}
	if c.folder.Shared() == nil {
		return found, nil
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
