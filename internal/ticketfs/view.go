package ticketfs

import (
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// View is what a rule may ask about the tickets of a board. A Snapshot answers from memory, for
// answers and speculative runs; a locked view answers from the files under the relations lock, for
// the authoritative run.
type View interface {
	// Get returns a ticket. A missing or malformed one is a Refusal that names the file and its
	// fault.
	Get(id string) (document.Ticket, error)
	// Children returns the tickets whose parent is id, and a refusal for each file that cannot be
	// read and may be one.
	Children(id string) (children []document.Ticket, unreadable []*Refusal, err error)
	// Blocks returns the tickets that have id among their blockers.
	Blocks(id string) ([]document.Ticket, error)
	// Planned returns the tickets that a plan made, by their names in it, from their plan-ref; none
	// for the plan "".
	Planned(plan string) (map[string]string, error)
}

// Assuming returns a view that answers as v does, but as if tickets were already as given.
func Assuming(v View, tickets ...document.Ticket) View {
	o := overlay{View: v, assumed: make(map[string]document.Ticket, len(tickets))}
	for _, t := range tickets {
		o.assumed[t.ID] = t
	}
	return o
}

type overlay struct {
	View
	assumed map[string]document.Ticket
}

func (o overlay) Get(id string) (document.Ticket, error) {
	if t, assumed := o.assumed[id]; assumed {
		return t, nil
	}
	return o.View.Get(id)
}

func (o overlay) Children(id string) (children []document.Ticket, unreadable []*Refusal, err error) {
	children, unreadable, err = o.View.Children(id)
	return o.replace(children,
		func(t document.Ticket) bool { return t.Parent == id }), unreadable, err
}

func (o overlay) Blocks(id string) ([]document.Ticket, error) {
	blocks, err := o.View.Blocks(id)
	return o.replace(blocks, func(t document.Ticket) bool { return t.BlockedByID(id) }), err
}

// replace puts assumed tickets in the place of those in a list to which they belong, or not any
// more.
func (o overlay) replace(list []document.Ticket,
	belongs func(document.Ticket) bool) []document.Ticket {
	for id, assumed := range o.assumed {
		list = slices.DeleteFunc(list, func(t document.Ticket) bool { return t.ID == id })
		if belongs(assumed) {
			list = append(list, assumed)
		}
	}
	return list
}
