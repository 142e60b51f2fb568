package ticketfs

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

// Text reads the bytes of a ticket's file as they are now, also of one that is malformed.
func (f *Folder) Text(id string) ([]byte, error) {
	return f.content(id)
}

// EditText changes the bytes of a ticket's file, also of one that is malformed; what comes of it
// must be a ticket. edit gets the bytes as they are under the ticket's lock, and its refusals come
// back unchanged.
func (f *Folder) EditText(ctx context.Context, id string, cause journal.Cause,
	edit func(content []byte) ([]byte, error)) (Changed, error) {
	if err := f.Exists(id); err != nil {
		return Changed{}, err
	}
	var c Changed
	decide := func(contents [][]byte, _ Viewer) ([]Write, error) {
		return f.rewrite(id, contents[0], &c, edit)
	}
	return changed(&c, f.make(ctx, []string{id}, cause, false, decide))
}

// rewrite gives a ticket the text that edit makes of its content.
func (f *Folder) rewrite(id string, content []byte, c *Changed,
	edit func([]byte) ([]byte, error)) ([]Write, error) {
	if content == nil {
		return nil, f.notFound(id)
	}
	text, err := edit(content)
	if err != nil {
		return nil, err
	}
	if c.Document, err = f.parse(id, text); err != nil {
		return nil, err
	}
	return []Write{{Content: text}}, nil
}

// ReplaceText gives a ticket the text that a rule makes of the present one in view of the other
// tickets, under the relations lock. What comes of it must be a ticket. The rule is run more than
// once, as a Rule is; its refusals come back unchanged.
func (f *Folder) ReplaceText(ctx context.Context, id string, cause journal.Cause,
	rule func(content []byte, v View) ([]byte, error)) (Changed, error) {
	if err := f.Exists(id); err != nil {
		return Changed{}, err
	}
	var c Changed
	decide := func(contents [][]byte, view Viewer) ([]Write, error) {
		v, err := view()
		if err != nil {
			return nil, err
		}
		return f.rewrite(id, contents[0], &c,
			func(content []byte) ([]byte, error) { return rule(content, v) })
	}
	return changed(&c, f.make(ctx, []string{id}, cause, true, decide))
}
