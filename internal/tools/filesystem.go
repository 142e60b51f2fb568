package tools

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// FilesystemOK is what Filesystem says when there is nothing to say.
const FilesystemOK = "ok"

// Filesystem tells whether the locks of the board's folder are to be trusted: by a probe, and by its kind.
func (b *Board) Filesystem(ctx context.Context) (string, error) {
	dir, err := b.Store.Dir()
	if err != nil {
		return "", err
	}
	if err := b.Store.ProbeLocks(ctx); ticketfs.CodeOf(err) == ticketfs.UnsafeFS {
		return err.Error(), nil
	} else if err != nil {
		return "", err
	}
	kind, err := ticketfs.UnprovenFS(dir)
	if kind != "" {
		return unprovenText(dir, kind), err
	}
	return FilesystemOK, err
}
