package ticketfs

import (
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// checkID refuses what is no id, before it becomes part of a path.
func checkID(id string) error {
	if !document.ValidID(id) {
		return Refuse(Invalid, "use an id as list prints it",
			"id %.80q is not a ticket id (letters, digits, _ and -, parts joined by dots, at most %d characters)", id, document.MaxID)
	}
	return nil
}

// readTicketFile reads a ticket file, up to the longest that a ticket may be.
func readTicketFile(path string) (durable.File, error) {
	return durable.ReadFile(path, document.MaxFile)
}
