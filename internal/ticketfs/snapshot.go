package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Snapshot is what is known of a board, from memory: for answers, which are advice on files that may
// change, and for speculative runs. It is never older than its making. Other calls of the process
// bring it up to date meanwhile, so two questions to it may see different moments: who asks twice
// about one ticket expects a different answer. A copy for each call would cost more than the call.
type Snapshot struct {
	folder *Folder
	// of the call, at whose end nothing more can be asked: so what visits many tickets ends in time
	ctx context.Context
}

// Snapshot returns the board as it is now: it reflects every write that was answered before.
func (f *Folder) Snapshot() (*Snapshot, error) {
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f.view(f.ctx), nil
}

func (f *Folder) view(ctx context.Context) *Snapshot { return &Snapshot{f, ctx} }

// InTime returns an error once the call is at its end. Whoever passes over errors of single tickets
// asks it at last.
func (s *Snapshot) InTime() error { return inTime(s.ctx) }

// inTime is asked at each visit of a ticket.
func inTime(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("judge: %w", err)
	}
	return nil
}

// After returns the board as it was when the last change was decided, but for that change, which is
// assumed: without another look through the folder. The rule of that change must have asked for
// children; else the view is older.
func (f *Folder) After(changed ...document.Ticket) (View, error) {
	if err := f.store.index.RefreshOld(f.dir); err != nil {
		return nil, err
	}
	return Assuming(f.view(context.Background()), changed...), nil
}

// speculate returns the view for the speculative run of a change of tickets, which are as given. It
// may be stale by up to a second, except for the tickets that these name, which are the most likely
// to matter: a wrong guess costs a sync of the disk under the relations lock.
func (f *Folder) speculate(ctx context.Context, tickets ...document.Ticket) (View, error) {
	var named []string
	for _, t := range tickets {
		if t.Parent != "" {
			named = append(named, t.Parent)
		}
		for _, b := range t.BlockedBy {
			named = append(named, b.ID)
		}
	}
	if err := f.store.index.Revalidate(f.dir, named); err != nil {
		return nil, err
	}
	return Assuming(f.view(ctx), tickets...), nil
}

// Get is View's.
func (s *Snapshot) Get(id string) (document.Ticket, error) {
	if err := s.InTime(); err != nil {
		return document.Ticket{}, err
	}
	t, err := s.folder.store.index.Get(id)
	return t, refused(id, err)
}

// IDs lists the tickets of the board, by id. The caller must not change the list.
func (s *Snapshot) IDs() []string { return s.folder.store.index.Ids() }

// Fingerprint is a number for what the file of a ticket holds: another content has another one, in
// all likelihood, and in every process it is the same. 0 where there is no file.
func (s *Snapshot) Fingerprint(id string) uint64 { return s.folder.store.index.Fingerprint(id) }

// NoTickets lists the files of the folder that would be tickets by their names and do not want to
// be any: a README, an index.
func (s *Snapshot) NoTickets() []string {
	ids, _ := s.folder.store.index.NoTickets()
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id + document.Ext
	}
	return names
}

// BlockerKey is the key by which the files of the board name their blockers, most of them; "" when
// none does.
func (f *Folder) BlockerKey() string { return f.store.index.BlockerKey() }

// Children is View's.
func (s *Snapshot) Children(id string) (children []document.Ticket, unreadable []*Refusal, err error) {
	if err := s.InTime(); err != nil {
		return nil, nil, err
	}
	return s.folder.childrenOf(id)
}

// Planned is View's.
func (s *Snapshot) Planned(plan string) (map[string]string, error) {
	return s.folder.store.index.Planned(plan), nil
}

// Blocks is View's.
func (s *Snapshot) Blocks(id string) ([]document.Ticket, error) {
	return s.folder.store.index.BlockedBy(id), nil
}

// childrenOf asks the index. A file that the system does not let us read may be anybody's child.
func (f *Folder) childrenOf(id string) (children []document.Ticket, unreadable []*Refusal, err error) {
	children, broken := f.store.index.ChildrenOf(id)
	for _, other := range broken {
		_, err := f.store.index.Get(other)
		var refusal *Refusal
		if err != nil && !errors.As(refused(other, err), &refusal) {
			refusal = Refuse(BadFile, "let it be read, then retry", "%s%s: %v", other, document.Ext,
				err)
		}
		if refusal != nil {
			unreadable = append(unreadable, refusal)
		}
	}
	return children, unreadable, nil
}

// Changes returns the tickets that changed since it was last asked, of any snapshot of the store.
// It has one user: whoever keeps something that is made of all tickets.
func (s *Snapshot) Changes() []string { return s.folder.store.index.TakeChanges() }

// Dependents returns the ids of a ticket's children and of the tickets that it blocks.
func (s *Snapshot) Dependents(id string) (children, blocked []string) {
	return s.folder.store.index.Dependents(id)
}

// ConflictMarker returns the line of a merge conflict that git left in a ticket file, 0 if there is
// none.
func (s *Snapshot) ConflictMarker(id string) int {
	// what cannot be read is another finding
	f, _ := readTicketFile(filepath.Join(s.folder.dir, id+document.Ext))
	n := 0
	for line := range bytes.Lines(f.Content) {
		n++
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) || bytes.HasPrefix(line, []byte(">>>>>>> ")) {
			return n
		}
	}
	return 0
}
