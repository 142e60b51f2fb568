package ticketfs

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// View is what a rule, or an answer, may ask about the tickets of a folder. To judge a change, under the relations lock that
// every change of a relation takes, it reads each ticket asked for from its file and brings the index up to date, and what it
// says holds until the lock is released. For a forecast of that it takes the index as it stands. For an answer it looks into the
// index, brought up to date first: advice, on files that may change.
type View struct {
	store    *Store
	dir      string
	judging  bool
	forecast bool
	fresh    bool             // the index was refreshed for this view
	known    map[string]entry // read from files, or assumed
}

type entry struct {
	ticket  document.Ticket
	err     error
	assumed bool
}

func (s *Store) judge(dir string, forecast bool) *View {
	return &View{store: s, dir: dir, judging: true, forecast: forecast, known: make(map[string]entry)}
}

// View returns a view of the folder as it is now.
func (s *Store) View() (*View, error) {
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	v := &View{store: s, dir: dir, known: make(map[string]entry)}
	return v, v.refresh()
}

// ViewAfter returns a view of the folder as it was when the last change was judged, but for that change, which is assumed:
// without another look through the folder. The rule of that change must have asked for children; else the view is older.
func (s *Store) ViewAfter(changed document.Ticket) (*View, error) {
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	v := &View{store: s, dir: dir, fresh: true, known: make(map[string]entry)}
	v.Assume(changed)
	return v, s.index.RefreshOld(dir)
}

// refresh brings the index up to date, once for each view: what changes later is another view's. A forecast does so only when
// much may have changed, which is then read before the relations lock is taken, and not under it.
func (v *View) refresh() error {
	if v.fresh {
		return nil
	}
	refresh := v.store.index.Refresh
	if v.forecast {
		refresh = v.store.index.RefreshOld
	}
	if err := refresh(v.dir); err != nil {
		return err
	}
	v.fresh = true
	return nil
}

// Assume makes the view answer as if the ticket were already as t says.
func (v *View) Assume(t document.Ticket) { v.known[t.ID] = entry{ticket: t, assumed: true} }

// Get returns a ticket. A missing or malformed one is a Refusal that names the file and its fault.
func (v *View) Get(id string) (document.Ticket, error) {
	if e, known := v.known[id]; known {
		return e.ticket, e.err
	}
	if !v.judging {
		t, err := v.store.index.Get(id)
		return t, refused(id, err)
	}
	var e entry
	path, err := ticketPath(v.dir, id)
	var f durable.File
	if err == nil {
		f, err = readTicketFile(path)
	}
	switch t, ok := document.Scan(id, f.Content); {
	case err != nil:
		e.err = refused(id, err)
	case f.Content == nil:
		e.err = refused(id, fs.ErrNotExist)
	case ok:
		e.ticket = t
	default:
		d, err := parse(v.dir, id, f.Content)
		if e.err = err; err == nil {
			e.ticket = d.Ticket()
		}
	}
	v.known[id] = e
	return e.ticket, e.err
}

// IDs lists the tickets of the folder, by id. The caller must not change the list.
func (v *View) IDs() ([]string, error) {
	if err := v.refresh(); err != nil {
		return nil, err
	}
	return v.store.index.Ids(), nil
}

// Children returns the tickets whose parent is id, and a refusal for each file that cannot be read and may be one: whose bytes
// contain the id.
func (v *View) Children(id string) (children []document.Ticket, unreadable []*Refusal, err error) {
	if err := v.refresh(); err != nil {
		return nil, nil, err
	}
	children, broken := v.store.index.ChildrenOf(id)
	children = v.assumed(children, func(t document.Ticket) bool { return t.Parent == id })
	for _, other := range broken {
		if other == id {
			continue
		}
		f, err := readTicketFile(filepath.Join(v.dir, other+document.Ext))
		if err != nil && !durable.FileFault(err) {
			return nil, nil, err
		}
		var refusal *Refusal
		_, err = v.store.index.Get(other)
		if bytes.Contains(f.Content, []byte(id)) && errors.As(refused(other, err), &refusal) {
			unreadable = append(unreadable, refusal)
		}
	}
	return children, unreadable, nil
}

// Blocks returns the tickets that have id among their blockers.
func (v *View) Blocks(id string) ([]document.Ticket, error) {
	if err := v.refresh(); err != nil {
		return nil, err
	}
	return v.assumed(v.store.index.BlockedBy(id), func(t document.Ticket) bool { return t.BlockedByID(id) }), nil
}

// assumed puts the tickets that are assumed in the place of those in a list to which they belong, or not any more.
func (v *View) assumed(list []document.Ticket, belongs func(document.Ticket) bool) []document.Ticket {
	for id, e := range v.known {
		if e.assumed {
			list = slices.DeleteFunc(list, func(t document.Ticket) bool { return t.ID == id })
			if belongs(e.ticket) {
				list = append(list, e.ticket)
			}
		}
	}
	return list
}

// Changes returns the tickets that changed since it was last asked, of any view of the store. It has one user: whoever keeps
// something that is made of all tickets.
func (v *View) Changes() []string { return v.store.index.TakeChanges() }

// Dependents returns the ids of a ticket's children and of the tickets that it blocks.
func (v *View) Dependents(id string) (children, blocked []string) {
	return v.store.index.Dependents(id)
}

// Contains reports whether the title or the body of a ticket holds a text, case ignored.
func (v *View) Contains(id, text string) bool {
	f, err := readTicketFile(filepath.Join(v.dir, id+document.Ext))
	if err != nil {
		return false
	}
	d, err := document.Parse(id, f.Content)
	return err == nil && strings.Contains(strings.ToLower(d.Body()), strings.ToLower(text))
}

// ConflictMarker returns the line of a merge conflict that git left in a ticket file, 0 if there is none.
func (v *View) ConflictMarker(id string) int {
	f, _ := readTicketFile(filepath.Join(v.dir, id+document.Ext)) // what cannot be read is another finding
	n := 0
	for line := range bytes.Lines(f.Content) {
		n++
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) || bytes.HasPrefix(line, []byte(">>>>>>> ")) {
			return n
		}
	}
	return 0
}
