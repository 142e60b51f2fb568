package tools

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

// call is one call of a tool. All the rows that it leaves in the journal bear its id.
type call struct{ id, tool string }

type callKey struct{}

// withCall begins a call of a tool, unless ctx belongs to one already.
func withCall(ctx context.Context, tool string) context.Context {
	if _, begun := ctx.Value(callKey{}).(call); begun {
		return ctx
	}
	return context.WithValue(ctx, callKey{}, call{journal.NewCall(), tool})
}

// cause is what the journal says of a change: who makes it, by which call, and why. It names this session as it is now, so it is
// asked for once the session has settled.
func (b *Board) cause(ctx context.Context, agent, reason string) journal.Cause {
	c, _ := ctx.Value(callKey{}).(call)
	return journal.Cause{Call: c.id, Tool: c.tool, Actor: b.who(ctx, agent), Client: clientName(ctx), Reason: reason}
}
