package index

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// What may be asked of an index, by any number of goroutines, between two refreshes.

// Get returns a ticket, fs.ErrNotExist when there is none, or why the file cannot be read as one.
func (x *Index) Get(id string) (document.Ticket, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := x.files[id]
	if f == nil || x.isNone(id) {
		return document.Ticket{}, fs.ErrNotExist
	}
	return f.ticket, x.broken[id].why
}

// Fingerprint is a number that another content of a file does not have, in all likelihood, in any
// process; 0 for no file. A file that was written again with the same content may have another one.
func (x *Index) Fingerprint(id string) uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := x.files[id]
	if f == nil {
		return 0
	}
	h := fnv.New64a()
	// it never fails
	_, _ = fmt.Fprintf(h, "%s %d %d %t", id, f.sum, f.stamp.Mtime, x.broken[id].why != nil)
	return h.Sum64()
}

// Altered returns the ids of files that are not as they were written: see CheckBy.
func (x *Index) Altered() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Sorted(maps.Keys(x.altered))
}

// IsNone reports whether a file is no ticket, and not only a malformed one.
func (x *Index) IsNone(id string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.isNone(id)
}

func (x *Index) isNone(id string) bool {
	return x.broken[id].none && len(x.parents[id])+len(x.blocks[id])+len(x.links[id]) == 0
}

// Ids are the tickets' ids in order, malformed ones included. The list is never changed, but
// replaced.
func (x *Index) Ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.names == nil {
		x.names = make([]string, 0, len(x.files))
		for id := range x.files {
			if !x.isNone(id) {
				x.names = append(x.names, id)
			}
		}
		slices.Sort(x.names)
	}
	return x.names
}

// NoTickets are the ids of files that are no tickets, in order, with the reasons.
func (x *Index) NoTickets() (ids []string, why []error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, id := range slices.Sorted(maps.Keys(x.broken)) {
		if x.isNone(id) {
			ids, why = append(ids, id), append(why, x.broken[id].why)
		}
	}
	return ids, why
}

// BlockerKey is the key of blockers that most files have, "" when none has one.
func (x *Index) BlockerKey() string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	switch ours, deps := x.keys[document.KeyBlockedBy], x.keys[document.KeyDeps]; {
	case deps > ours:
		return document.KeyDeps
	case ours > 0:
		return document.KeyBlockedBy
	}
	return ""
}

// ChildrenOf are the tickets with this parent, by id, and the files that may be such tickets and
// cannot be read.
func (x *Index) ChildrenOf(id string) (children []document.Ticket, unread []string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for other, b := range x.broken {
		if other != id && !x.isNone(other) && (!b.told || slices.Contains(b.parents, id)) {
			unread = append(unread, other)
		}
	}
	slices.Sort(unread)
	return x.tickets(x.parents[id]), unread
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
	return slices.Clone(x.parents[id]), slices.Clone(x.blocks[id])
}

func (x *Index) tickets(ids []string) []document.Ticket {
	list := make([]document.Ticket, 0, len(ids))
	for _, id := range ids {
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

// Planned are the tickets that a plan made, by their names in it: those whose plan-ref is
// plan/name; of several the least id.
func (x *Index) Planned(plan string) map[string]string {
	made := make(map[string]string)
	if plan == "" {
		return made
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for id, f := range x.files {
		name, found := strings.CutPrefix(f.ticket.PlanRef, plan+"/")
		if first := made[name]; found && x.broken[id].why == nil && (first == "" || id < first) {
			made[name] = id
		}
	}
	return made
}
