package tools

import (
	"context"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

type noteIn struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Agent string `json:"agent"`
}

// note appends a line to a ticket's notes. Anybody may, also a former holder: the line says who.
func (b *Board) note(ctx context.Context, in noteIn) (Answer, error) {
	if strings.TrimSpace(in.Text) == "" {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "say something", "text is empty")
	}
	d, err := b.Store.Edit(ctx, in.ID, b.cause(ctx, in.Agent, in.Text), func(*document.Document) ([]document.Edit, error) {
		return []document.Edit{b.noteEdit(ctx, in.Agent, in.Text)}, nil
	})
	if !done(err) {
		return nil, err
	}
	return b.changed(d, err, "noted on "+in.ID), nil
}

// noteEdit is the line that every note becomes: when, who, what.
func (b *Board) noteEdit(ctx context.Context, agent, text string) document.Edit {
	return document.AppendNote(stamp(b.Now()) + " " + b.who(ctx, agent) + ": " + strings.TrimSpace(text))
}
