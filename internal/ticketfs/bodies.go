package ticketfs

import (
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Bodies reads the texts of many tickets. It is used by one goroutine, and must be closed.
type Bodies struct {
	folder durable.Folder
	buffer []byte
}

// Bodies returns a reader of the board's texts, which keeps twice the longest that it has read, but
// 16 KiB at least.
func (s *Snapshot) Bodies() (*Bodies, error) {
	folder, err := durable.OpenFolder(s.folder.dir)
	if err != nil {
		return nil, refused("", fmt.Errorf("open the ticket folder: %w", err))
	}
	return &Bodies{folder, make([]byte, 16<<10)}, nil
}

// Of returns the text of a ticket as its file is now, nil when it cannot be read. It is valid until
// the next one is asked for.
func (b *Bodies) Of(id string) []byte {
	content, _, err := b.folder.Read(id+document.Ext, b.buffer, document.MaxFile)
	if err != nil {
		return nil
	}
	if len(content) >= len(b.buffer) { // it did not fit, and the next one may be as long
		b.buffer = make([]byte, 2*len(content))
	}
	return document.BodyOf(content)
}

// Close ends the reader.
func (b *Bodies) Close() { b.folder.Close() }
