package ticketfs

import (
	"bytes"
	"context"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// RuleOfSeveral decides on several tickets in view of the others. tickets has those whose files
// exist, by id. It returns what each shall be, in the order in which the files shall appear: every
// prefix must be a legal board, since a death between two renames leaves one. It is run like a
// Rule.
type RuleOfSeveral func(tickets map[string]*document.Document, v View) ([]*document.Document, error)

// ChangeAll changes or creates the tickets of these ids in one call: either all are decided on and
// written, or none. Only a death or a disk that fails amid the renames leaves fewer, and then a
// prefix of what the rule returned. short is what the change is short of.
func (f *Folder) ChangeAll(ctx context.Context, ids []string, cause journal.Cause,
	rule RuleOfSeveral) (short, err error) {
	ids = slices.Sorted(slices.Values(ids))
	for _, id := range ids {
		if err := checkID(id); err != nil {
			return nil, err
		}
	}
	read := make(map[string]*document.Document)
	decide := func(contents [][]byte, view Viewer) ([]Write, error) {
		tickets, err := f.parseAll(ids, contents, read)
		if err != nil {
			return nil, err
		}
		v, err := view(tickets...)
		if err != nil {
			return nil, err
		}
		wanted, err := rule(read, v)
		if err != nil {
			return nil, refused("", err)
		}
		writes := make([]Write, len(wanted))
		for i, d := range wanted {
			id := d.Ticket().ID
			n, _ := slices.BinarySearch(ids, id)
			writes[i] = Write{N: n, Content: d.Bytes(), Before: read[id], After: d}
		}
		return writes, nil
	}
	return made(f.make(ctx, ids, cause, true, decide))
}

// parseAll reads those contents that are not read yet, or are other ones now.
func (f *Folder) parseAll(ids []string, contents [][]byte,
	read map[string]*document.Document) (tickets []document.Ticket, err error) {
	for i, id := range ids {
		if contents[i] == nil {
			delete(read, id)
			continue
		}
		if read[id] == nil || !bytes.Equal(read[id].Bytes(), contents[i]) {
			if read[id], err = f.parse(id, contents[i]); err != nil {
				return nil, err
			}
		}
		tickets = append(tickets, read[id].Ticket())
	}
	return tickets, nil
}
