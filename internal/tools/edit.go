package tools

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// ruled are the keys that only the tools change, because rules depend on them, and the tool for
// each.
var ruled = map[string]string{
	"status": "start, close, release or reopen", "claimed-by": "start or release", "claimed-at": "start or release",
	"closed": "close or reopen", "closed-by": "close or reopen", "close-reason": "close or reopen", "resolution": "close or reopen",
	"parent": "update", "blocked-by": "block or unblock", "deps": "block or unblock",
}

// Text is a ticket's file as it is, for a person's editor.
func (b *Board) Text(id string) ([]byte, error) {
	folder, err := b.Store.Open()
	if err != nil {
		return nil, err
	}
	return folder.Text(id)
}

// EditText gives a ticket the text that a person made of it in an editor, where before is what they
// began with. Nobody else's change is overwritten, and what rules depend on stays as it is; a
// malformed ticket may become any ticket.
func (b *Board) EditText(ctx context.Context, id string, before, after []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, b.Store.LockTimeout)
	defer cancel()
	c := b.newCall("edit")
	c.attend(ctx)
	folder, err := c.open()
	if err != nil {
		return nil, err
	}
	message := "edited " + id
	changed, err := folder.EditText(ctx, id, c.cause("", ""), func(content []byte) ([]byte, error) {
		if !bytes.Equal(content, before) {
			return nil, ticketfs.Refuse(ticketfs.Busy, "edit it again and take your change over",
				"%s was changed while you edited it", id)
		}
		old, err := document.Parse(id, before)
		if err != nil {
			return after, nil
		}
		edited, err := document.Parse(id, after)
		if err != nil {
			return after, nil // which is refused, with its place
		}
		var parts []string
		for _, change := range edited.Changes(old) {
			if tool := ruled[change.Key]; tool != "" {
				return nil, ticketfs.Refuse(ticketfs.Invalid, "use "+tool,
					"an editor does not change %s of %s", change.Key, id)
			}
			parts = append(parts, change.Key)
		}
		if parts = slices.Compact(parts); len(parts) > 0 {
			message = "edited " + strings.Join(parts, ", ") + " of " + id
		}
		return after, nil
	})
	if err != nil {
		return nil, err
	}
	changed.Decision.Message = message
	return c.changed(changed), nil
}
