package tools

import (
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

// cause is what the journal says of a change: who makes it, by which call, and why. It names this session as it is now, so it is
// asked for once the session has settled.
func (c *call) cause(agent, reason string) journal.Cause {
	return journal.Cause{Call: c.id, Tool: c.tool, Actor: c.who(agent), Client: c.client, Reason: reason}
}
