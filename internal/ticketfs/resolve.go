package ticketfs

import (
	"path/filepath"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Resolve returns the id that a caller means who pasted it from a text: with blanks or quotes
// around it, as #d5a, d5a.md or .tickets/d5a.md, or in another letter case if that fits exactly one
// ticket. An id that is there as it stands is itself, and what fits nothing comes back without its
// wrapping, for the exact match to refuse.
func (f *Folder) Resolve(id string) string {
	if f.has(id) {
		return id
	}
	bare := f.unwrap(id)
	short := bare
	if n := len(bare) - len(document.Ext); n > 0 && strings.EqualFold(bare[n:], document.Ext) {
		short = bare[:n]
	}
	switch {
	case f.has(bare):
		return bare
	case f.has(short):
		return short
	case !document.ValidID(short):
		return id
	}
	if err := f.refresh(); err != nil {
		return short // whoever looks for it meets the same error
	}
	var fits []string
	for _, other := range f.store.index.Ids() {
		if strings.EqualFold(other, bare) || strings.EqualFold(other, short) {
			fits = append(fits, other)
		}
	}
	if len(fits) == 1 {
		return fits[0]
	}
	return short
}

func (f *Folder) has(id string) bool {
	err := checkID(id)
	if err == nil {
		err = f.engine.Exists(f.ctx, id)
		f.met[id] = err == nil
	}
	return err == nil || durable.FileFault(err)
}

// unwrap takes off what people paste around an id. A path is one in this folder, or one in a
// board's folder that says no more.
func (f *Folder) unwrap(id string) string {
	id = strings.Trim(strings.TrimSpace(id), "`'\"()[]<>,;:")
	if name, here := strings.CutPrefix(id, f.dir+string(filepath.Separator)); here {
		id = name
	}
	id = strings.TrimPrefix(strings.ReplaceAll(id, `\`, "/"), "./")
	id = strings.TrimPrefix(id, board.FolderName+"/")
	return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(id), "#"))
}
