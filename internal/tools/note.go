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
func (c *call) note(ctx context.Context, in noteIn) (Answer, error) {
	if strings.TrimSpace(in.Text) == "" {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "give what is to be noted",
			"text must not be empty")
	}
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	changed, err := folder.Note(ctx, in.ID, c.cause(in.Agent, in.Text),
		c.noteEdit(in.Agent, in.Text))
	if err != nil {
		return nil, err
	}
	changed.Decision.Message = "noted on " + in.ID
	return c.changed(changed), nil
}

// noteEdit is the line that every note becomes: when, who, what.
func (c *call) noteEdit(agent, text string) document.Edit {
	return document.AppendNote(stamp(c.Now()) + " " + c.who(agent) + ": " + strings.TrimSpace(text))
}
