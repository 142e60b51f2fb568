package tools

import (
	"context"
	"fmt"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// examineGit finds files of this machine only that git tracks, or would add.
func examineGit(ctx context.Context, dir string) []Finding {
	const most = 5
	var found []Finding
	sight := board.GitSees(ctx, dir)
	if n := len(sight.Tracked); n > 0 {
		names := strings.Join(sight.Tracked[:min(most, n)], ", ")
		if n > most {
			names += fmt.Sprintf(" and %d more", n-most)
		}
		found = append(found, Finding{ID: board.FolderName, Kind: tracked,
			What: oneLine("git tracks locks and marks, which are of this machine only: "+names+
				"; take them out of git, where they stay on the disk, by git rm -r --cached --ignore-unmatch '*.lock' '.*.tmp' .sessions .journal in this folder", 1000)})
	}
	if len(sight.Visible) > 0 {
		found = append(found, Finding{ID: board.FolderName, Kind: visible,
			What: "git would add locks and marks, which are of this machine only: " +
				"another .gitignore stands here, and info/exclude of the git folder does not hide them; add these lines to one of them: " + strings.Join(sight.Visible, " ")})
	}
	return found
}
