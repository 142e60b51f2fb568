package tools

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// call is one call of a tool. It finds its board once and passes it on. All the rows that it leaves
// in the journal bear its id.
type call struct {
	*Board
	id, tool string
	meta     map[string]any  // of the request
	ctx      context.Context // whose end also ends the judging of what is read

	folder       *ticketfs.Folder // nil until it is opened
	conversation session.Conversation
	own, client  string // the conversation's own name in claims, and its client's
}

func (b *Board) newCall(tool string) *call {
	return &call{Board: b, id: journal.NewCall(), tool: tool, ctx: context.Background()}
}

// open finds the board of the call. Arguments that are wrong in themselves are refused before.
func (c *call) open() (*ticketfs.Folder, error) {
	if c.folder != nil {
		return c.folder.Within(c.ctx), nil
	}
	folder, err := c.Store.Open()
	if err != nil {
		return nil, err
	}
	c.folder = folder.Within(c.ctx)
	return c.folder, nil
}

// openOrMake is open for a tool that may write the first ticket.
func (c *call) openOrMake() (*ticketfs.Folder, error) {
	folder, err := c.Store.OpenOrMake()
	if err != nil {
		return nil, err
	}
	c.folder = folder.Within(c.ctx)
	return c.folder, nil
}

// snapshot is the board as it is now.
func (c *call) snapshot() (*ticketfs.Snapshot, error) {
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	return folder.Snapshot()
}

// change changes a ticket of the board by a rule that reads others too.
func (c *call) change(ctx context.Context, id string, cause journal.Cause,
	rule ticketfs.Rule) (ticketfs.Changed, error) {
	folder, err := c.open()
	if err != nil {
		return ticketfs.Changed{}, err
	}
	return folder.Change(ctx, id, cause, rule)
}
