package tools

import (
	"io"

	"github.com/ticket-mcp/ticket-mcp/internal/importer"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Export writes every ticket as one JSON line, by id. Files that are no tickets are returned; the
// others are written.
func (b *Board) Export(w io.Writer) (unreadable []importer.Fault, err error) {
	c := b.newCall("export")
	v, err := c.snapshot()
	if err != nil {
		return nil, err
	}
	existing, err := c.existing()
	if err != nil {
		return nil, err
	}
	byRef := make(map[string]string)
	for _, t := range existing {
		if t.ExternalRef != "" {
			byRef[t.ExternalRef] = t.ID
		}
	}
	for _, id := range v.IDs() {
		d, err := c.folder.Get(id)
		if err != nil {
			unreadable = append(unreadable, importer.Fault{Where: id + document.Ext, Err: err})
			continue
		}
		if err := importer.WriteJSON(w, id, d.Bytes(), byRef); err != nil {
			return unreadable, err
		}
	}
	return unreadable, nil
}
