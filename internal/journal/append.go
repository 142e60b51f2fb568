package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Folder is the journal's folder in that of the tickets.
const Folder = ".journal"

const fileExt = ".jsonl"

// Journal is that of one ticket folder.
type Journal struct{ dir string }

// Of returns the journal of the ticket folder at board. It need not exist yet.
func Of(board string) Journal { return Journal{filepath.Join(board, Folder)} }

func (j Journal) path(ticket string) string { return filepath.Join(j.dir, ticket+fileExt) }

// Has reports whether there are rows of a ticket.
func (j Journal) Has(ticket string) bool {
	info, err := os.Lstat(j.path(ticket))
	return err == nil && info.Mode().IsRegular()
}

// Append writes a row behind the others of its ticket, by one write and without a sync. The caller
// holds that ticket's lock and has made the change. An error says that the row is not there, or not
// whole; the change stands nevertheless.
func (j Journal) Append(r Row) error {
	text, err := r.encode()
	if err != nil {
		return err
	}
	err = durable.CheckFolder(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = durable.MakeFolder(j.dir)
	}
	if err == nil {
		err = durable.Append(j.path(r.Ticket), text)
	}
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}
