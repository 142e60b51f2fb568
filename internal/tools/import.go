package tools

import (
	"context"
	"errors"

	"github.com/ticket-mcp/ticket-mcp/internal/importer"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// PlanImport says which tickets another tracker's items become on this board. It writes nothing.
func (b *Board) PlanImport(source *importer.Source) (*importer.Plan, error) {
	existing, err := b.newCall("import").existing()
	if err != nil {
		return nil, err
	}
	var ids document.IDs
	return importer.NewPlan(source, existing, func() string { return ids.New(b.Now()) }), nil
}

// existing lists the tickets of the board, of which there is none before the first create.
func (c *call) existing() ([]importer.Existing, error) {
	v, err := c.snapshot()
	if ticketfs.CodeOf(err) == ticketfs.NoStore {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := v.IDs()
	list := make([]importer.Existing, 0, len(ids))
	for _, id := range ids {
		t := importer.Existing{ID: id, Broken: true}
		if d, err := c.folder.Get(id); err == nil {
			t.Broken, t.Status = false, d.Ticket().Status
			t.ExternalRef, _ = d.Field("external-ref")
		}
		list = append(list, t)
	}
	return list, nil
}

// Import creates the tickets of a plan one by one, in its order, each by the rules of create. What
// the rules refuse is skipped and returned; any other error, and a lock that is not free in time,
// ends the import. What was created stays, and another import goes on from there.
func (b *Board) Import(ctx context.Context,
	plan *importer.Plan) (made int, refused []importer.Fault, err error) {
	c := b.newCall("import")
	folder, err := c.openOrMake()
	if err != nil {
		return 0, nil, err
	}
	c.attend(ctx)
	cause := c.cause("", "")
	for _, n := range plan.New {
		content, err := n.Content(plan.Source.Name, b.Now())
		if err == nil {
			_, err = folder.CreateAs(ctx, n.ID, cause,
				func(_ string, v ticketfs.View) ([]byte, error) {
					return content, importRule(v, n)
				})
			if err != nil && (ticketfs.CodeOf(err) == "" || ticketfs.CodeOf(err) == ticketfs.Busy) {
				return made, refused, err
			}
		}
		if err == nil {
			made++
		} else {
			refused = append(refused, importer.Fault{Where: n.Item.Where, Err: err})
		}
	}
	return made, refused, nil
}

// importRule is that of create. A closed ticket waits for nothing, so what it names need only be
// there.
func importRule(v ticketfs.View, n importer.New) error {
	if n.Item.Ticket.Status != document.StatusClosed {
		return newRelations(v, n.Parent, n.BlockedBy)
	}
	var errs []error
	for _, id := range append([]string{n.Parent}, n.BlockedBy...) {
		if id != "" {
			_, err := v.Get(id)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
