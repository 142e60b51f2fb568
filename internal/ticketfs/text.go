package ticketfs

import (
	"context"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

// Text reads the bytes of a ticket's file as they are now, also of one that is malformed.
func (f *Folder) Text(id string) ([]byte, error) {
	path, err := f.locate(id)
	if err != nil {
		return nil, err
	}
	file, err := readTicketFile(path)
	return file.Content, refused(id, err)
}

// EditText changes the bytes of a ticket's file, also of one that is malformed; what comes of it
// must be a ticket. edit gets the bytes as they are under the ticket's lock, and its refusals come
// back unchanged.
func (f *Folder) EditText(ctx context.Context, id string, cause journal.Cause,
	edit func(content []byte) ([]byte, error)) (Changed, error) {
	path, err := f.locate(id)
	if err != nil {
		return Changed{}, err
	}
	var c Changed
	c.Short, err = made(f.store.change(ctx, []string{path}, cause, nil,
		func(contents [][]byte) ([]write, error) {
			if contents[0] == nil {
				return nil, f.notFound(id)
			}
			text, err := edit(contents[0])
			if err != nil {
				return nil, err
			}
			if c.Document, err = f.parse(id, text); err != nil {
				return nil, err
			}
			return []write{{content: text}}, nil
		}))
	if err != nil {
		return Changed{}, err
	}
	return c, nil
}

// ReplaceText gives a ticket the text that a rule makes of the present one in view of the other
// tickets, under the relations lock. What comes of it must be a ticket. The rule is run more than
// once, as a Rule is; its refusals come back unchanged.
func (f *Folder) ReplaceText(ctx context.Context, id string, cause journal.Cause,
	rule func(content []byte, v View) ([]byte, error)) (Changed, error) {
	path, err := f.locate(id)
	if err != nil {
		return Changed{}, err
	}
	var c Changed
	run := func(contents [][]byte, v View) ([]write, error) {
		if contents[0] == nil {
			return nil, f.notFound(id)
		}
		text, err := rule(contents[0], v)
		if err != nil {
			return nil, err
		}
		if c.Document, err = f.parse(id, text); err != nil {
			return nil, err
		}
		return []write{{content: text}}, nil
	}
	speculative := func(contents [][]byte) ([]write, error) {
		v, err := f.speculate(ctx)
		if err != nil {
			return nil, err
		}
		return run(contents, v)
	}
	authoritative := func(contents [][]byte) ([]write, error) { return run(contents, f.locked(ctx)) }
	c.Short, err = made(f.store.change(ctx, []string{path}, cause, speculative, authoritative))
	if err != nil {
		return Changed{}, err
	}
	return c, nil
}
