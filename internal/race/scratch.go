package race

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Engine keeps a scratch board that many machines share.
type Engine struct {
	Open func(board.Board) (ticketfs.Engine, error)
	// Make makes an empty board, and Remove takes one away with all that it left.
	Make, Remove func(context.Context, board.Shared) error
}

// machines is in how many folders a shared scratch board is shown, as on so many machines.
const machines = 4

// scratch is a board of race's own. It writes the tickets of each round before the round and while
// no server has anything to do: what is raced is what comes after.
type scratch struct {
	root   string
	dirs   []string // of the servers; of a shared board, of its machines
	store  *ticketfs.Store
	engine *Engine      // nil for a local board
	shared board.Shared // where there is an engine
}

// newScratch makes a board in a fresh folder below parent, "" for the system's temporary one.
func newScratch(ctx context.Context, parent string, e *Engine) (*scratch, error) {
	root, err := os.MkdirTemp(parent, "ticket-mcp-race-")
	if err != nil {
		return nil, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	s := &scratch{root: root, engine: e, dirs: []string{filepath.Join(root, board.FolderName)}}
	if e != nil {
		s.shared, s.dirs = board.NewShared(board.Etcd), nil
		for n := range machines {
			s.dirs = append(s.dirs, filepath.Join(root, fmt.Sprint(n), board.FolderName))
		}
		if err := e.Make(ctx, s.shared); err != nil {
			return s, fmt.Errorf("make the scratch board: %w", err)
		}
	}
	for _, dir := range s.dirs {
		err = errors.Join(err, os.MkdirAll(dir, 0o777))
		if err == nil && e != nil {
			err = board.WriteShared(dir, s.shared)
		}
	}
	s.store = ticketfs.NewStore(board.Where{Start: s.dirs[0]}, ticketfs.DefaultLockTimeout)
	if e != nil {
		s.store.OpenShared = e.Open
	}
	return s, err
}

// remove also comes after a race that was interrupted.
func (s *scratch) remove(ctx context.Context) error {
	var err error
	if s.store != nil {
		err = s.store.Close()
	}
	if s.engine != nil {
		err = errors.Join(err, s.engine.Remove(context.WithoutCancel(ctx), s.shared))
	}
	return errors.Join(err, os.RemoveAll(s.root))
}

// lay writes tickets and returns them as they are read back.
func (s *scratch) lay(ctx context.Context, tickets []document.Ticket) (state, error) {
	for _, t := range tickets {
		t.Title, t.Created, t.Priority = "Race "+t.ID, time.Now(), document.DefaultPriority
		content, err := document.New(t, "", "", "")
		if err == nil {
			err = s.write(ctx, t.ID, content)
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

// write writes a ticket: straight to its file, or by the only way there is into an engine.
func (s *scratch) write(ctx context.Context, id string, content []byte) error {
	path := filepath.Join(s.dirs[0], id+document.Ext)
	if s.engine == nil {
		return os.WriteFile(path, content, 0o666)
	}
	folder, err := s.store.Open()
	if err != nil {
		return err
	}
	_, err = folder.CreateAs(ctx, id, journal.Cause{Tool: "race"},
		func(string, ticketfs.View) ([]byte, error) { return content, nil })
	return err
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
// looks for children reads it all. The lock files stay, as they do on every board; so do the tickets
// of a shared board, from which none is ever deleted.
func (s *scratch) clear(tickets []document.Ticket) error {
	if s.engine != nil {
		return nil
	}
	for _, t := range tickets {
		if err := os.Remove(filepath.Join(s.dirs[0], t.ID+document.Ext)); err != nil {
			return err
		}
	}
	return nil
}
