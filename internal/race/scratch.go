package race

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// scratch is a ticket folder of race's own. It writes the tickets of each round directly, before
// the round and while no server has anything to do: what is raced is what comes after.
type scratch struct {
	root, dir string
	store     *ticketfs.Store
}

// newScratch makes a ticket folder in a fresh folder below parent, "" for the system's temporary
// one.
func newScratch(parent string) (*scratch, error) {
	root, err := os.MkdirTemp(parent, "ticket-mcp-race-")
	if err != nil {
		return nil, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	s := &scratch{root: root, dir: filepath.Join(root, ".tickets")}
	s.store = ticketfs.NewStore(board.Where{Start: s.dir}, ticketfs.DefaultLockTimeout)
	return s, os.Mkdir(s.dir, 0o777)
}

func (s *scratch) remove() error { return os.RemoveAll(s.root) }

func (s *scratch) path(id string) string { return filepath.Join(s.dir, id+".md") }

// lay writes tickets and returns them as they are read back.
func (s *scratch) lay(tickets []document.Ticket) (state, error) {
	for _, t := range tickets {
		t.Title, t.Created, t.Priority = "Race "+t.ID, time.Now(), document.DefaultPriority
		content, err := document.New(t, "", "", "")
		if err == nil {
			err = os.WriteFile(s.path(t.ID), content, 0o666)
		}
		if err != nil {
			return nil, fmt.Errorf("write ticket %s: %w", t.ID, err)
		}
	}
	before, faults := s.read(tickets)
	if len(faults) > 0 {
		return nil, fmt.Errorf("read tickets back: %s", strings.Join(faults, "; "))
	}
	return before, nil
}

// read returns what the files of tickets hold now, and what is wrong with those that cannot be
// read.
func (s *scratch) read(tickets []document.Ticket) (b state, faults []string) {
	b = make(state)
	folder, err := s.store.Open()
	if err != nil {
		return b, []string{err.Error()}
	}
	for _, t := range tickets {
		d, err := folder.Get(t.ID)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		b[t.ID] = d.Ticket()
	}
	return b, faults
}

// clear removes the tickets of a round that is judged, so that the board stays small: a server that
// looks for children reads it all. The lock files stay, as they do on every board.
func (s *scratch) clear(tickets []document.Ticket) error {
	for _, t := range tickets {
		if err := os.Remove(s.path(t.ID)); err != nil {
			return err
		}
	}
	return nil
}
