package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Decision is what a rule wants of a ticket: the edits, and what to say once they are made. No
// edits are no change.
type Decision struct {
	Edits   []document.Edit
	Message string
}

// Rule decides on a ticket in view of the others. It is run more than once, on the same ticket and
// on views of different moments; the last result counts, so it has no effect but its result. Its
// refusals come back unchanged.
type Rule func(*document.Document, View) (Decision, error)

// Changed is a ticket as a change left it.
type Changed struct {
	Document *document.Document
	Decision Decision
	// what the change is short of: ErrNotDurable, ErrNotJournaled, with their causes; nil for
	// nothing
	Short error
}

// Edit changes a ticket by a rule that reads nothing but the ticket. cause goes into the ticket's
// journal.
func (f *Folder) Edit(ctx context.Context, id string, cause journal.Cause,
	rule func(*document.Document) (Decision, error)) (Changed, error) {
	return f.change(ctx, id, cause, false,
		func(d *document.Document, _ View) (Decision, error) { return rule(d) })
}

// Note appends to a ticket's notes, also to those of a malformed one whose body can be found: note
// is a document.AppendNote.
func (f *Folder) Note(ctx context.Context, id string, cause journal.Cause,
	note document.Edit) (Changed, error) {
	if err := f.Meets(id); err != nil {
		return Changed{}, err
	}
	var c Changed
	decide := func(contents [][]byte, _ Viewer) ([]Write, error) {
		if contents[0] == nil {
			return nil, f.notFound(id)
		}
		d, fault := document.Open(id, contents[0])
		if fault != nil {
			if err := f.fault(id, contents[0], fault); d == nil || CodeOf(err) != BadFile {
				return nil, err // a file that is no ticket gets no note either
			}
		}
		var err error
		if c.Document, err = d.Apply(note); err != nil {
			return nil, refused(id, err)
		}
		return []Write{{Content: c.Document.Bytes(), Before: d, After: c.Document}}, nil
	}
	return changed(&c, f.make(ctx, []string{id}, cause, false, decide))
}

// Change changes a ticket by a rule that reads other tickets, or that other tickets' rules depend
// on: it is decided and written under the relations lock.
func (f *Folder) Change(ctx context.Context, id string, cause journal.Cause,
	rule Rule) (Changed, error) {
	return f.change(ctx, id, cause, true, rule)
}

func (f *Folder) change(ctx context.Context, id string, cause journal.Cause, relations bool,
	rule Rule) (Changed, error) {
	if err := f.Meets(id); err != nil {
		return Changed{}, err
	}
	var read *document.Document
	var c Changed
	decide := func(contents [][]byte, view Viewer) (_ []Write, err error) {
		if read == nil || !bytes.Equal(read.Bytes(), contents[0]) {
			if read, err = f.parse(id, contents[0]); err != nil {
				return nil, err
			}
			c.Document = nil
		}
		v, err := view(read.Ticket())
		if err != nil {
			return nil, err
		}
		wanted, err := rule(read, v)
		if err != nil {
			return nil, err
		}
		if c.Document == nil || !slices.Equal(wanted.Edits, c.Decision.Edits) {
			if c.Document, err = read.Apply(wanted.Edits...); err != nil {
				return nil, refused(id, err)
			}
		}
		c.Decision = wanted
		return []Write{{Content: c.Document.Bytes(), Before: read, After: c.Document}}, nil
	}
	return changed(&c, f.make(ctx, []string{id}, cause, relations, decide))
}

// make lets the engine make a change.
func (f *Folder) make(ctx context.Context, ids []string, cause journal.Cause, relations bool,
	decide Decide) error {
	return f.engine.Change(ctx, Change{IDs: ids, Cause: cause, Relations: relations, Decide: decide,
		Speculate: func(assumed ...document.Ticket) (View, error) {
			return f.speculate(ctx, assumed...)
		},
		View: func(assumed ...document.Ticket) (View, error) {
			return Assuming(f.locked(ctx), assumed...), nil
		}})
}

// changed tells a change that was made, and what it is short of, from one that failed.
func changed(c *Changed, err error) (Changed, error) {
	if c.Short, err = made(err); err != nil {
		return Changed{}, err
	}
	return *c, nil
}

// made is changed, for a change of which nothing else is to be said.
func made(err error) (short, failed error) {
	if Made(err) {
		return err, nil
	}
	return nil, err
}

// Create writes a new ticket under an id that no other has, made from now. content gives its bytes;
// it is run like a Rule.
func (f *Folder) Create(ctx context.Context, now time.Time, cause journal.Cause,
	content func(id string, view View) ([]byte, error)) (Changed, error) {
	id := f.store.ids.New(now)
	if _, err := content(id, f.locked(ctx)); err != nil {
		// Decided before anything is locked, so that a refusal leaves no lock file for a ticket
		// that there will not be.
		err = f.engine.Judge(ctx,
			func() error { _, err := content(id, f.locked(ctx)); return err })
		if err != nil {
			return Changed{}, refused("the new ticket", err)
		}
	}
	for ; ; id = f.store.ids.New(now) {
		c, err := f.createAt(ctx, id, cause, content)
		if !errors.Is(err, fs.ErrExist) {
			return c, err
		}
	}
}

// CreateAs is Create under an id that the caller has, as an import does. A ticket that has it
// already is left as it is and refused.
func (f *Folder) CreateAs(ctx context.Context, id string, cause journal.Cause,
	content func(id string, view View) ([]byte, error)) (Changed, error) {
	if _, err := content(id, f.locked(ctx)); err != nil { // which leaves no lock file
		return Changed{}, refused(id, err)
	}
	c, err := f.createAt(ctx, id, cause, content)
	if errors.Is(err, fs.ErrExist) {
		return Changed{}, Refuse(Invalid, "choose another id", "there is a ticket %s already", id)
	}
	return c, err
}

// createAt creates a ticket under an id; fs.ErrExist if there is one.
func (f *Folder) createAt(ctx context.Context, id string, cause journal.Cause,
	content func(id string, view View) ([]byte, error)) (Changed, error) {
	if err := checkID(id); err != nil {
		return Changed{}, err
	}
	var created []byte
	decide := func(contents [][]byte, view Viewer) ([]Write, error) {
		if contents[0] != nil {
			return nil, fs.ErrExist
		}
		v, err := view()
		if err == nil {
			created, err = content(id, v)
		}
		return []Write{{Content: created}}, refused(id, err)
	}
	short, err := made(f.make(ctx, []string{id}, cause, true, decide))
	if err != nil {
		return Changed{}, err
	}
	d, err := f.parse(id, created)
	return Changed{Document: d, Short: short}, err
}
