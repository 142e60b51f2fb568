package ticketfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Engine keeps the tickets of a board: files and locks of this machine, or a cluster that many
// machines share. Its methods may be called by any number of goroutines. Errors that the caller can
// do something about are Refusals.
type Engine interface {
	// Dir is the folder that shows the board's tickets as files: of a local board the board itself,
	// of a shared one its mirror.
	Dir() string
	// Fresh returns once Dir shows every change that was answered before the call. Where that cannot
	// be had, Fresh, Exists and Read return a *CutOff.
	Fresh(ctx context.Context) error
	// Wrote reports whether content, nil for no file, is what the engine made the file of a ticket
	// in Dir. It tells what somebody else made of a folder that only shows the tickets; of a local
	// board everything counts.
	Wrote(id string, content []byte) bool
	// Kept names files of Dir, where that only shows the tickets, which were kept since the process
	// last asked because somebody had changed them.
	Kept() []string
	// Exists returns fs.ErrNotExist, unwrapped, unless there is a ticket of that id now.
	Exists(ctx context.Context, id string) error
	// Read returns what a ticket holds now, nil when there is none.
	Read(ctx context.Context, id string) ([]byte, error)
	// Change makes one change of several tickets, whole: see WithTicketLock for what it promises.
	Change(ctx context.Context, c Change) error
	// Attend begins a call of a process on the board, and keeps alive the conversation whose call
	// it is: see session.Process.
	Attend(p *session.Process, call session.Call) session.Conversation
	// Judge runs fn, which only reads, where its refusal counts: on what no answered change is
	// missing from, and while the relations of the board do not change. Its error comes back
	// unchanged.
	Judge(ctx context.Context, fn func() error) error
	// Health tells people who run what keeps a shared board how that is; nil for a local one.
	Health(ctx context.Context) []Fact
	// Close is the orderly end of this process's work on the board.
	Close() error
}

// Fact is something about what keeps a board.
type Fact struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Wrong bool   `json:"wrong,omitempty"` // somebody should do something; Text says what
}

// Change is a change that an engine shall make.
type Change struct {
	IDs       []string // of the tickets, in ascending order
	Cause     journal.Cause
	Relations bool // Decide reads other tickets, or rules of others depend on what it writes
	Decide    Decide
	// Speculate and View show Decide the other tickets: as Dir was a second ago at most, and as it
	// is. What View shows counts only where the engine knows that it is current and stays so.
	Speculate, View Viewer
}

// Decide turns the contents of the tickets into what is to be written, in the order in which the
// tickets shall appear. contents[i] is that of the i-th id, nil when there is no such ticket. It is
// run as often as the engine needs, on contents of different moments; the last result counts, so it
// has no effect but its result. Its error comes back unchanged, and nothing is written.
type Decide func(contents [][]byte, view Viewer) ([]Write, error)

// Viewer returns a view of the board as if tickets were already as given.
type Viewer func(assumed ...document.Ticket) (View, error)

// Write is new content for the N-th ticket of a change. Nil or equal content is no change. Before
// and After are the texts as documents, where they were read as such.
type Write struct {
	N             int
	Content       []byte
	Before, After *document.Document
}

// local keeps the tickets of a folder of this machine: in files, under locks between processes.
type local struct {
	store *Store
	dir   string
}

func (l local) Dir() string { return l.dir }

// Fresh has nothing to do: the files are the board.
func (l local) Fresh(context.Context) error { return nil }

func (l local) Health(context.Context) []Fact { return nil }

// Wrote says so of everything: whoever writes a file changes the ticket.
func (l local) Wrote(string, []byte) bool { return true }

// Kept has nothing to tell: a file that somebody changed is the ticket.
func (l local) Kept() []string { return nil }

// Exists does not read the ticket.
func (l local) Exists(_ context.Context, id string) error {
	_, err := durable.Lstat(filepath.Join(l.dir, id+document.Ext))
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return err
}

// Read takes no lock: rename is atomic, so a reader never sees a torn ticket.
func (l local) Read(_ context.Context, id string) ([]byte, error) {
	file, err := readTicketFile(filepath.Join(l.dir, id+document.Ext))
	return file.Content, err
}

// Change decides on tickets under their locks: see Store.change. Behind the first ticket of a board
// the folder's own name is made durable too.
func (l local) Change(ctx context.Context, c Change) error {
	paths := make([]string, len(c.IDs))
	for i, id := range c.IDs {
		paths[i] = filepath.Join(l.dir, id+document.Ext)
	}
	created := false
	decide := c.Decide
	c.Decide = func(contents [][]byte, view Viewer) ([]Write, error) {
		writes, err := decide(contents, view)
		created = slices.ContainsFunc(writes, func(w Write) bool { return contents[w.N] == nil })
		return writes, err
	}
	err := l.store.change(ctx, paths, c)
	if !created || !Made(err) {
		return err
	}
	if nameErr := l.store.nameFolder(l.dir); nameErr != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", ErrNotDurable, nameErr))
	}
	return err
}

// Attend shows by slots in the folder who lives.
func (l local) Attend(p *session.Process, call session.Call) session.Conversation {
	return p.Attend(l.dir, call)
}

// Close has nothing to do: what a process holds is freed with it.
func (l local) Close() error { return nil }

// Judge runs fn under the relations lock.
func (l local) Judge(ctx context.Context, fn func() error) error {
	s := l.store
	if err := s.prepare(l.dir); err != nil {
		return err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var held locks
	if err := held.take(ctx, s, filepath.Join(l.dir, relationsLock)); err != nil {
		return err
	}
	err := s.trust(l.dir, held[0].Lock)
	if err == nil {
		err = fn()
	}
	if releaseErr := held.release(); releaseErr != nil {
		err = errors.Join(err, fmt.Errorf("release lock: %w", releaseErr))
	}
	return err
}
