package ticketfs

import (
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// ticketPath is the only place where an id becomes a path.
func ticketPath(dir, id string) (string, error) {
	if !document.ValidID(id) {
		return "", Refuse(Invalid, "use an id as list prints it",
			"id %.80q is not a ticket id (letters, digits, _ and -, parts joined by dots, at most %d characters)", id, document.MaxID)
	}
	return filepath.Join(dir, id+document.Ext), nil
}

// readTicketFile reads a ticket file, up to the longest that a ticket may be.
func readTicketFile(path string) (durable.File, error) {
	return durable.ReadFile(path, document.MaxFile)
}
