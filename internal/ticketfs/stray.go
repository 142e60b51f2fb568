package ticketfs

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Stray is the file of a ticket in the folder of a shared board, beside the mirror: git brought it
// along, from a clone that did not know that the board is shared. It is never the ticket.
type Stray struct {
	ID string
	// State is what the board has of that id.
	State StrayState
}

// StrayState compares a stray file with the board.
type StrayState string

const (
	StrayMissing StrayState = "missing" // there is no such ticket
	StrayDiffers StrayState = "differs" // the ticket holds something else
	StraySame    StrayState = "same"    // nothing is lost with the file
)

// Shared is what a shared board's file says; nil for a local board.
func (f *Folder) Shared() *board.Shared { return f.store.mode.board.Shared }

// Strays lists the files of tickets beside a shared board's mirror.
func (f *Folder) Strays(ctx context.Context) ([]Stray, error) {
	if f.Shared() == nil {
		return nil, nil
	}
	dir := f.store.mode.board.Dir
	ids, err := ticketsIn(dir)
	if err != nil {
		return nil, err
	}
	var all []Stray
	for _, id := range ids {
		file, err := readTicketFile(filepath.Join(dir, id+document.Ext))
		if err != nil {
			return nil, refused(id, err)
		}
		if document.NoTicket(file.Content) {
			continue
		}
		content, err := f.engine.Read(ctx, id)
		if err != nil {
			return nil, refused(id, err)
		}
		state := StrayDiffers
		switch {
		case content == nil:
			state = StrayMissing
		case bytes.Equal(content, file.Content):
			state = StraySame
		}
		all = append(all, Stray{id, state})
	}
	return all, nil
}

// Guarded reports whether versions from before shared boards are kept from this one.
func (f *Folder) Guarded() bool { return f.Shared() == nil || board.Guarded(f.store.mode.board.Dir) }

// keptExt stands in the name under which a changed file of a mirror is kept.
const keptExt = document.Ext + ".mine"
