package tools

import (
	"context"
	"errors"
	"io/fs"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// FilesystemOK is what a diagnosis says when there is nothing to say.
const FilesystemOK = "ok"

// filesystem tells whether the locks of the board's folder are to be trusted: by a probe, and by
// its kind.
func (c *call) filesystem(ctx context.Context) (string, error) {
	folder, err := c.open()
	if err != nil {
		return "", err
	}
	dir := folder.Dir()
	switch err := folder.ProbeLocks(ctx); {
	case ticketfs.CodeOf(err) == ticketfs.UnsafeFS:
		return err.Error(), nil
	case ticketfs.CodeOf(err) == ticketfs.BadFile, errors.Is(err, fs.ErrPermission):
		return "not probed: " + err.Error(), nil // the rest of the board can be looked at
	case err != nil:
		return "", err
	}
	kind, err := ticketfs.UnprovenFS(dir)
	if kind != "" {
		return unprovenText(dir, kind), err
	}
	return FilesystemOK, err
}
