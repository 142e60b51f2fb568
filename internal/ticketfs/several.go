package ticketfs

import (
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
	paths := make([]string, len(ids))
	for i, id := range ids {
		if paths[i], err = ticketPath(f.dir, id); err != nil {
			return nil, err
		}
	}
	read := make(map[string]*document.Document)
	run := func(contents [][]byte, view func([]document.Ticket) (View, error)) ([]write, error) {
		var tickets []document.Ticket
		for i, id := range ids {
			if contents[i] == nil {
				continue
			}
			if read[id] == nil {
				d, err := f.parse(id, contents[i])
				if err != nil {
					return nil, err
				}
				read[id] = d
			}
			tickets = append(tickets, read[id].Ticket())
		}
		v, err := view(tickets)
		if err != nil {
			return nil, err
		}
		wanted, err := rule(read, v)
		if err != nil {
			return nil, refused("", err)
		}
		writes := make([]write, len(wanted))
		for i, d := range wanted {
			id := d.Ticket().ID
			n, _ := slices.BinarySearch(ids, id)
			writes[i] = write{n: n, content: d.Bytes(), before: read[id], after: d}
		}
		return writes, nil
	}
	short, err = made(f.store.change(ctx, paths, cause,
		func(contents [][]byte) ([]write, error) {
			return run(contents,
				func(t []document.Ticket) (View, error) { return f.speculate(ctx, t...) })
		},
		func(contents [][]byte) ([]write, error) {
			return run(contents,
				func(t []document.Ticket) (View, error) { return Assuming(f.locked(ctx), t...), nil })
		}))
	if err == nil && len(read) < len(ids) { // some were created
		short = f.named(short)
	}
	return short, err
}
