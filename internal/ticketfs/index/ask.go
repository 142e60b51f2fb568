package index

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// What may be asked of an index, by any number of goroutines, between two refreshes.

// get returns a ticket, fs.ErrNotExist when there is none, or why the file is no ticket.
func (x *Index) Get(id string) (document.Ticket, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := x.files[id]
	if f == nil {
		return document.Ticket{}, fs.ErrNotExist
	}
	return f.ticket, x.broken[id]
}

// ids are the files' ids in order. The list is never changed, but replaced.
func (x *Index) Ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.names == nil {
		x.names = slices.Sorted(maps.Keys(x.files))
	}
	return x.names
}

// childrenOf are the tickets with this parent, by id, and the files that cannot be read.
func (x *Index) ChildrenOf(id string) (children []document.Ticket, broken []string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.tickets(x.parents[id]), slices.Sorted(maps.Keys(x.broken))
}

func (x *Index) BlockedBy(id string) []document.Ticket {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.tickets(x.blocks[id])
}

// dependents are the ids of a ticket's children and of the tickets that it blocks.
func (x *Index) Dependents(id string) (children, blocked []string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Collect(maps.Keys(x.parents[id])), slices.Collect(maps.Keys(x.blocks[id]))
}

func (x *Index) tickets(ids map[string]bool) []document.Ticket {
	list := make([]document.Ticket, 0, len(ids))
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		list = append(list, x.files[id].ticket)
	}
	return list
}

func (x *Index) TakeChanges() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	ids := slices.Collect(maps.Keys(x.changed))
	x.changed = make(map[string]bool)
	return ids
}
