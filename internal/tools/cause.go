package tools

import (
	"encoding/json"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// cause is what the journal says of a change: who makes it, by which call, and why. It names this
// session as it is now, so it is asked for once the session has settled.
func (c *call) cause(agent, reason string) journal.Cause {
	return journal.Cause{Call: c.id, Tool: c.tool, Actor: c.who(agent), Client: c.client,
		Reason: reason}
}

// readers are the tools that change nothing, so that a refusal of theirs says nothing of an agent's
// work.
var readers = []string{"ready", "list", "show", "history", "wait"}

// noteRefusal lets the journal count a refused change. It is nothing that the call promises: where
// it cannot be written, the count is short of it.
func (c *call) noteRefusal(err error, args json.RawMessage) {
	code := ticketfs.CodeOf(err)
	if code == "" || c.folder == nil || slices.Contains(readers, c.tool) {
		return
	}
	var named struct{ ID, Agent string }
	_ = json.Unmarshal(args, &named) // what they are not is not named
	_ = c.folder.Journal().Refused(journal.Refusal{
		Time: c.Now(), Actor: c.who(named.Agent), Tool: c.tool, Ticket: named.ID, Code: string(code),
	})
}
