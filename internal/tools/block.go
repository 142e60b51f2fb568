package tools

import (
	"context"
	"fmt"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type blockIn struct {
	ID        string `json:"id"`
	BlockedBy string `json:"blocked_by"`
	Agent     string `json:"agent"`
}

// block makes a ticket wait for another one to be closed, unless they would then wait for each
// other.
func (c *call) block(ctx context.Context, in blockIn) (Answer, error) {
	if !document.ValidID(in.BlockedBy) {
		return nil, invalidID("blocked_by", in.BlockedBy)
	}
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	changed, err := folder.Change(ctx, in.ID, c.cause(in.Agent, ""),
		func(d *document.Document, v ticketfs.View) (ticketfs.Decision, error) {
			t := d.Ticket()
			if t.Status == document.StatusClosed {
				return ticketfs.Decision{}, wrongStatus(t, "block", "open or in_progress",
					"reopen it first, if there is more to do")
			}
			blocker, err := v.Get(in.BlockedBy)
			if err != nil {
				return ticketfs.Decision{}, err
			}
			if t.BlockedByID(in.BlockedBy) {
				return ticketfs.Decision{}, ticketfs.Refuse(ticketfs.NoChange, "nothing to do",
					"%s is already blocked by %s (%s)", t.ID, blocker.ID, blocker.Status)
			}
			if err := checkCycle(v, fmt.Sprintf("blocking %s by %s", t.ID, blocker.ID),
				edge{event{id: t.ID}, event{blocker.ID, true}}); err != nil {
				return ticketfs.Decision{}, err
			}
			return ticketfs.Decision{
				Edits: []document.Edit{d.AddBlocker(blocker.ID, folder.BlockerKey())},
				Message: fmt.Sprintf("%s is now blocked by %s (%s)", t.ID, blocker.ID,
					blocker.Status),
			}, nil
		})
	if err != nil {
		return nil, c.alike(err, in.ID, in.BlockedBy)
	}
	return c.changed(changed), nil
}

// alike adds to a not_found about one of these related tickets, in a change of the ticket id, the
// ids that begin like it.
func (c *call) alike(err error, id string, related ...string) error {
	if ticketfs.CodeOf(err) != ticketfs.NotFound {
		return err
	}
	folder, openErr := c.open()
	if openErr != nil || id != "" && folder.Exists(id) != nil {
		return err
	}
	for _, id := range related {
		if id == "" {
			continue
		}
		if missing := folder.Exists(id); ticketfs.CodeOf(missing) == ticketfs.NotFound {
			return missing
		}
	}
	return err
}

func invalidID(argument, id string) error {
	return ticketfs.Refuse(ticketfs.Invalid, "use an id as list prints it",
		"%s %.80q is not a ticket id", argument, id)
}
