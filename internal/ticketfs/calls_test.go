package ticketfs

import (
	"context"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// What a call does, in one step each: open the board, then read or change a ticket.

func (s *Store) dirOf() (string, error) {
	f, err := s.Open()
	if err != nil {
		return "", err
	}
	return f.Dir(), nil
}

func (s *Store) get(id string) (*document.Document, error) {
	f, err := s.Open()
	if err != nil {
		return nil, err
	}
	return f.Get(id)
}

func (s *Store) snapshot() (*Snapshot, error) {
	f, err := s.Open()
	if err != nil {
		return nil, err
	}
	return f.Snapshot()
}

func (s *Store) editWith(ctx context.Context, id string,
	fn func(*document.Document) ([]document.Edit, error)) (*document.Document, error) {
	return s.editFor(ctx, id, journal.Cause{}, fn)
}

func (s *Store) editFor(ctx context.Context, id string, cause journal.Cause,
	fn func(*document.Document) ([]document.Edit, error)) (*document.Document, error) {
	f, err := s.Open()
	if err != nil {
		return nil, err
	}
	return result(f.Edit(ctx, id, cause, func(d *document.Document) (Decision, error) {
		edits, err := fn(d)
		return Decision{Edits: edits}, err
	}))
}

func (s *Store) changeWith(ctx context.Context, id string,
	fn func(*document.Document, View) ([]document.Edit, error)) (*document.Document, error) {
	return s.changeFor(ctx, id, journal.Cause{}, fn)
}

func (s *Store) changeFor(ctx context.Context, id string, cause journal.Cause,
	fn func(*document.Document, View) ([]document.Edit, error)) (*document.Document, error) {
	f, err := s.Open()
	if err != nil {
		return nil, err
	}
	return result(f.Change(ctx, id, cause, func(d *document.Document, v View) (Decision, error) {
		edits, err := fn(d, v)
		return Decision{Edits: edits}, err
	}))
}

func (s *Store) createWith(ctx context.Context, now time.Time,
	content func(string, View) ([]byte, error)) (*document.Document, error) {
	return s.createFor(ctx, now, journal.Cause{}, content)
}

func (s *Store) createFor(ctx context.Context, now time.Time, cause journal.Cause,
	content func(string, View) ([]byte, error)) (*document.Document, error) {
	f, err := s.OpenOrMake()
	if err != nil {
		return nil, err
	}
	return result(f.Create(ctx, now, cause, content))
}

// result tells what a change is short of by an error, as the door does.
func result(c Changed, err error) (*document.Document, error) {
	if err == nil {
		err = c.Short
	}
	return c.Document, err
}

// scope says which locks a change of one ticket needs.
type scope int

const (
	ticketOnly scope = iota
	withRelations
)

// withTicketLock sends new bytes through the door, under the relations lock or without it.
func (s *Store) withTicketLock(ctx context.Context, path string, scope scope,
	fn func(content []byte) ([]byte, error)) error {
	return s.change(ctx, []string{path}, Change{Relations: scope == withRelations,
		Decide: func(contents [][]byte, _ Viewer) ([]Write, error) {
			content, err := fn(contents[0])
			return []Write{{Content: content}}, err
		}})
}
