package ticketfs

import (
	"context"
	"io/fs"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// locked is the view of an authoritative run: it exists only while the relations lock is held,
// which every change of a relation takes, so what it says holds until the lock is released. It
// reads each ticket asked for from its file, once, or of many from an index that is brought up to
// date under the lock.
type locked struct {
	folder *Folder
	ctx    context.Context // of the call, at whose end nothing more is read
	known  map[string]entry
	fresh  bool // the index was brought up to date under the lock
}

// manyReads is from how many tickets on it asks the index, once that is brought up to date under
// the lock: the search for a cycle may visit all, and another copy of each would cost as much
// memory as the index.
const manyReads = 200

// entry is what is known of one ticket.
type entry struct {
	ticket document.Ticket
	err    error
}

func (f *Folder) locked(ctx context.Context) *locked {
	return &locked{folder: f, ctx: ctx, known: make(map[string]entry)}
}

func (v *locked) Get(id string) (document.Ticket, error) {
	if e, known := v.known[id]; known {
		return e.ticket, e.err
	}
	if err := inTime(v.ctx); err != nil {
		return document.Ticket{}, err
	}
	if len(v.known) >= manyReads {
		if err := v.refresh(); err != nil {
			return document.Ticket{}, err
		}
		return v.folder.view(v.ctx).Get(id)
	}
	var e entry
	e.ticket, e.err = v.folder.read(id)
	v.known[id] = e
	return e.ticket, e.err
}

// read reads the fields of a ticket from its file.
func (f *Folder) read(id string) (document.Ticket, error) {
	if err := checkID(id); err != nil {
		return document.Ticket{}, err
	}
	file, err := readTicketFile(filepath.Join(f.dir, id+document.Ext))
	if err == nil && file.Content == nil {
		err = fs.ErrNotExist
	}
	if !f.engine.Wrote(id, file.Content) {
		return document.Ticket{}, &AlteredError{id}
	}
	if err != nil {
		return document.Ticket{}, refused(id, err)
	}
	if t, ok := document.Scan(id, file.Content); ok {
		return t, nil
	}
	d, err := f.parse(id, file.Content)
	if err != nil {
		return document.Ticket{}, err
	}
	return d.Ticket(), nil
}

func (v *locked) Children(id string) (children []document.Ticket, unreadable []*Refusal, err error) {
	if err := inTime(v.ctx); err != nil {
		return nil, nil, err
	}
	if err := v.refresh(); err != nil {
		return nil, nil, err
	}
	return v.folder.childrenOf(id)
}

func (v *locked) Blocks(id string) ([]document.Ticket, error) {
	if err := v.refresh(); err != nil {
		return nil, err
	}
	return v.folder.store.index.BlockedBy(id), nil
}

func (v *locked) Planned(plan string) (map[string]string, error) {
	if err := v.refresh(); err != nil {
		return nil, err
	}
	return v.folder.store.index.Planned(plan), nil
}

// refresh brings the index up to date, once: nothing that it is asked for changes under the lock.
func (v *locked) refresh() error {
	if v.fresh {
		return nil
	}
	err := v.folder.store.index.Refresh(v.folder.dir)
	if altered := v.folder.store.index.Altered(); err == nil && len(altered) > 0 {
		err = &AlteredError{altered[0]}
	}
	v.fresh = err == nil
	return err
}

// AlteredError says that a file which only shows a ticket does not hold what the board's engine
// wrote: somebody changed it. Nothing can be decided by it. It is about to be written again.
type AlteredError struct{ ID string }

func (e *AlteredError) Error() string {
	return e.ID + document.Ext + " was changed in a folder that only shows the tickets"
}
