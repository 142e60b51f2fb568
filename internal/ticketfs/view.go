package ticketfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// View is what a rule, or an answer, may ask about the tickets of a folder. Each file is read at most once, when it is first
// needed. Under the relations lock, which every change of a relation takes, what it says holds until the lock is released;
// without it, it is a look at files that may change: advice.
type View struct {
	dir     string
	entries map[string]*entry
	ids     []string // of the whole folder; nil until somebody asks
}

// entry is a ticket file as far as it is known: read, then, when its fields are needed, parsed.
type entry struct {
	content []byte
	assumed bool // there is no content to look into
	parsed  bool
	ticket  Ticket
	err     error // why it cannot be read
}

func newView(dir string) *View {
	return &View{dir: dir, entries: make(map[string]*entry)}
}

// View returns a view of the folder as it is from now on.
func (s *Store) View() (*View, error) {
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	return newView(dir), nil
}

func (v *View) put(id string, d *Document) {
	v.entries[id] = &entry{content: d.Bytes(), parsed: true, ticket: d.Ticket()}
}

// Assume makes the view answer as if the ticket were already as t says.
func (v *View) Assume(t Ticket) {
	v.entries[t.ID] = &entry{assumed: true, parsed: true, ticket: t}
}

// Contains reports whether the title or the body of a ticket holds a text, case ignored.
func (v *View) Contains(id, text string) bool {
	e := v.read(id)
	d, err := Parse(id, e.content)
	return err == nil && strings.Contains(strings.ToLower(d.Body()), strings.ToLower(text))
}

// ConflictMarker returns the line of a merge conflict that git left in a ticket file, 0 if there is none.
func (v *View) ConflictMarker(id string) int {
	n := 0
	for line := range bytes.Lines(v.read(id).content) {
		n++
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) || bytes.HasPrefix(line, []byte(">>>>>>> ")) {
			return n
		}
	}
	return 0
}

// Get returns a ticket. A missing or malformed one is a Refusal that names the file and its fault.
func (v *View) Get(id string) (Ticket, error) {
	e := v.read(id)
	if !e.parsed {
		e.parsed = true
		d, err := parse(v.dir, id, e.content)
		if err == nil {
			e.ticket = d.Ticket()
		}
		e.err = err
	}
	return e.ticket, e.err
}

// read loads a ticket's bytes.
func (v *View) read(id string) *entry {
	if e := v.entries[id]; e != nil {
		return e
	}
	e := &entry{}
	path, err := ticketPath(v.dir, id)
	if err == nil {
		var f file
		f, err = readFile(path)
		if err == nil && f.content == nil {
			err = Refuse(NotFound, "see list", "no ticket %s", id)
		}
		e.content = f.content
	}
	e.err, e.parsed = err, err != nil
	v.entries[id] = e
	return e
}

// IDs lists the tickets of the folder, by id.
func (v *View) IDs() ([]string, error) {
	if v.ids == nil {
		ids, err := ticketIDs(v.dir)
		if err != nil {
			return nil, err
		}
		v.ids = ids
	}
	return v.ids, nil
}

// Children returns the tickets whose parent is id, and a refusal for each file that cannot be read and may be one: whose bytes
// contain the id.
func (v *View) Children(id string) (children []Ticket, unreadable []*Refusal, err error) {
	err = v.mentions(id, func(t Ticket) {
		if t.Parent == id {
			children = append(children, t)
		}
	}, func(r *Refusal) { unreadable = append(unreadable, r) })
	return children, unreadable, err
}

// Blocks returns the tickets that have id among their blockers.
func (v *View) Blocks(id string) (blocked []Ticket, err error) {
	err = v.mentions(id, func(t Ticket) {
		if t.BlockedByID(id) {
			blocked = append(blocked, t)
		}
	}, func(*Refusal) {})
	return blocked, err
}

// mentions calls found for each other ticket that may refer to id, and broken for each that cannot be read but holds its
// bytes. A file without these bytes is not parsed, which is what makes asking for children affordable; a backslash could
// write them as an escape.
func (v *View) mentions(id string, found func(Ticket), broken func(*Refusal)) error {
	ids, err := v.IDs()
	if err != nil {
		return err
	}
	for _, other := range ids {
		if other == id {
			continue
		}
		e := v.read(other)
		holds := bytes.Contains(e.content, []byte(id))
		if !holds && !e.assumed && bytes.IndexByte(e.content, '\\') < 0 {
			continue
		}
		t, err := v.Get(other)
		var refusal *Refusal
		switch {
		case err == nil:
			found(t)
		case errors.As(err, &refusal):
			if holds {
				broken(refusal)
			}
		default:
			return fmt.Errorf("read ticket %s: %w", other, err)
		}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
