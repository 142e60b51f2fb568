package ticketfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/index"
)

// DefaultLockTimeout bounds the wait for all the locks of one change. It is far below the 60 s after which clients give up.
const DefaultLockTimeout = 5 * time.Second

// Store is one ticket folder. Its methods may be called by any number of goroutines; any number of processes may have a Store
// on the same folder.
type Store struct {
	Where       board.Where
	LockTimeout time.Duration
	Now         func() time.Time // of rows in the journal; nil is time.Now

	locks flocker.Locks
	index index.Index
	ids   document.IDs // of new tickets

	mu      sync.Mutex
	dir     string      // the folder, once it was found
	named   fs.FileInfo // the folder whose name is known to be durable
	unused  string      // see UnusedBoard
	trusted string      // the folder whose locks were seen to work
	ignored fs.FileInfo // the folder's .gitignore when git was last made not to see what it should not
}

// NewStore returns the store of the folder that where leads to. The folder need not exist yet.
func NewStore(where board.Where, lockTimeout time.Duration) *Store {
	return &Store{Where: where, LockTimeout: lockTimeout}
}

// Dir returns the ticket folder. It is found once and kept: while it is gone, as during a switch of branches, there is none,
// and never another one that happens to be found then.
func (s *Store) Dir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		found, err := s.Where.Find()
		s.dir = found.Dir
		return s.dir, refused("", err)
	}
	there, err := board.IsDir(s.dir)
	if err == nil && !there {
		err = &board.NotFound{
			Why:  s.dir + ", with which this server began, is gone",
			Next: "retry when it is back, or restart the server to look for another one",
		}
	}
	if err != nil {
		return "", refused("", err)
	}
	return s.dir, nil
}

// dirOrMake is Dir, which makes the folder when none was ever found.
func (s *Store) dirOrMake() (string, error) {
	dir, err := s.Dir()
	s.mu.Lock()
	defer s.mu.Unlock()
	if CodeOf(err) != NoStore || s.dir != "" {
		return dir, err
	}
	made, err := s.Where.Make()
	if err != nil {
		return "", refused("", err)
	}
	s.dir, s.unused = made.Dir, made.Unused
	return s.dir, nil
}

// UnusedBoard tells once, after a Create that made the folder, of one that only the branch of the caller's worktree has.
func (s *Store) UnusedBoard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := s.unused
	s.unused = ""
	return unused
}

// nameFolder makes the folder's own name durable, once: whoever made the folder may have died before it did.
func (s *Store) nameFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	done := s.named != nil && os.SameFile(s.named, info)
	s.mu.Unlock()
	if done {
		return nil
	}
	if err := (board.Board{Dir: dir}).Sync(); err != nil {
		return err
	}
	s.mu.Lock()
	s.named = info
	s.mu.Unlock()
	return nil
}

// locate finds the folder and the file of a ticket that exists.
func (s *Store) locate(id string) (dir, path string, err error) {
	dir, err = s.Dir()
	if err != nil {
		return "", "", err
	}
	path, err = ticketPath(dir, id)
	if err != nil {
		return "", "", err
	}
	_, err = durable.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = notFound(dir, id)
	}
	return dir, path, refused(id, err)
}

// Locate returns the folder of a ticket that exists, without reading it.
func (s *Store) Locate(id string) (dir string, err error) {
	dir, _, err = s.locate(id)
	return dir, err
}

// Get reads a ticket as it is now. It takes no lock: a rename makes each ticket whole.
func (s *Store) Get(id string) (*document.Document, error) {
	dir, path, err := s.locate(id)
	if err != nil {
		return nil, err
	}
	f, err := readTicketFile(path)
	if err != nil {
		return nil, refused(id, err)
	}
	return parse(dir, id, f.Content)
}

// Edit changes a ticket by a rule that looks at nothing but the ticket. fn gets it as it is under the lock and returns what to
// change; its refusals come back unchanged, and no edits are no change. cause goes into the ticket's journal. Where Made says so,
// the document is valid beside an error.
func (s *Store) Edit(ctx context.Context, id string, cause journal.Cause, fn func(*document.Document) ([]document.Edit, error)) (*document.Document, error) {
	return s.change(ctx, id, ticketOnly, cause, func(d *document.Document, _ *View) ([]document.Edit, error) { return fn(d) })
}

// Change is Edit for rules that read other tickets, or that other tickets' rules depend on: they are judged and the change is
// written under the relations lock. The view reads each other ticket at most once, when asked. fn runs more than once, on the
// same ticket and on views of different moments; its last result counts, so it must have no effect but its result.
func (s *Store) Change(ctx context.Context, id string, cause journal.Cause, fn func(*document.Document, *View) ([]document.Edit, error)) (*document.Document, error) {
	return s.change(ctx, id, withRelations, cause, fn)
}

func (s *Store) change(ctx context.Context, id string, scope scope, cause journal.Cause,
	fn func(*document.Document, *View) ([]document.Edit, error)) (*document.Document, error) {
	dir, path, err := s.locate(id)
	if err != nil {
		return nil, err
	}
	var read, changed *document.Document
	r := record{Cause: cause}
	var edits []document.Edit
	err = s.withTicketLock(ctx, path, scope, &r, func(content []byte, forecast bool) ([]byte, error) {
		if read == nil {
			if read, err = parse(dir, id, content); err != nil {
				return nil, err
			}
		}
		view := s.judge(dir, forecast)
		view.known[id] = entry{ticket: read.Ticket()}
		wanted, err := fn(read, view)
		if err != nil {
			return nil, err
		}
		if changed == nil || !slices.Equal(wanted, edits) {
			if changed, err = read.Apply(wanted...); err != nil {
				return nil, refused(id, err)
			}
			edits = wanted
		}
		r.before, r.after = read, changed
		return changed.Bytes(), nil
	})
	if !Made(err) {
		return nil, err
	}
	return changed, err
}

// Create writes a new ticket under an id that no other has, made from now, in a folder that is made if there is none. fn gives
// the content; it is judged and written under the relations lock like a change.
func (s *Store) Create(ctx context.Context, now time.Time, cause journal.Cause,
	fn func(id string, view *View) ([]byte, error)) (*document.Document, error) {
	dir, err := s.dirOrMake()
	if err != nil {
		return nil, err
	}
	id := s.ids.New(now)
	if _, err := fn(id, s.judge(dir, false)); err != nil {
		// So that a refusal leaves no lock file for a ticket that there will not be.
		err = s.underRelations(ctx, dir, func() error { _, err := fn(id, s.judge(dir, false)); return err })
		if err != nil {
			return nil, refused("the new ticket", err)
		}
	}
	for ; ; id = s.ids.New(now) {
		d, err := s.createAt(ctx, dir, id, cause, fn)
		if !errors.Is(err, fs.ErrExist) {
			return d, err
		}
	}
}

// CreateAs is Create under an id that the caller has, as an import does. A ticket that has it already is left as it is and
// refused.
func (s *Store) CreateAs(ctx context.Context, id string, cause journal.Cause,
	fn func(id string, view *View) ([]byte, error)) (*document.Document, error) {
	dir, err := s.dirOrMake()
	if err != nil {
		return nil, err
	}
	if _, err := fn(id, s.judge(dir, false)); err != nil { // which leaves no lock file
		return nil, refused(id, err)
	}
	d, err := s.createAt(ctx, dir, id, cause, fn)
	if errors.Is(err, fs.ErrExist) {
		return nil, Refuse(Invalid, "choose another id", "there is a ticket %s already", id)
	}
	return d, err
}

// createAt creates a ticket under an id; fs.ErrExist if there is one.
func (s *Store) createAt(ctx context.Context, dir, id string, cause journal.Cause,
	fn func(id string, view *View) ([]byte, error)) (*document.Document, error) {
	path, err := ticketPath(dir, id)
	if err != nil {
		return nil, err
	}
	var created []byte
	err = s.withTicketLock(ctx, path, withRelations, &record{Cause: cause}, func(content []byte, forecast bool) ([]byte, error) {
		if content != nil {
			return nil, fs.ErrExist
		}
		var err error
		created, err = fn(id, s.judge(dir, forecast))
		return created, refused(id, err)
	})
	if !Made(err) {
		return nil, err
	}
	if nameErr := s.nameFolder(dir); nameErr != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", ErrNotDurable, nameErr))
	}
	d, parseErr := parse(dir, id, created)
	return d, errors.Join(err, parseErr)
}

// parse reads a ticket's content; there is none when it was removed meanwhile.
func parse(dir, id string, content []byte) (*document.Document, error) {
	if content == nil {
		return nil, notFound(dir, id)
	}
	d, err := document.Parse(id, content)
	return d, refused(id, err)
}

// notFound names up to five tickets whose ids begin like the one asked for: the next step after a slip of the pen.
func notFound(dir, id string) error {
	const most = 5
	ids, err := ticketIDs(dir)
	if err != nil {
		return err
	}
	var alike []string
	for n := len(id); n > 0 && len(alike) == 0; n-- {
		for _, other := range ids {
			if len(alike) < most && strings.HasPrefix(other, id[:n]) {
				alike = append(alike, other)
			}
		}
	}
	if len(alike) == 0 {
		return Refuse(NotFound, "see list", "no ticket %s", id)
	}
	return Refuse(NotFound, "see list", "no ticket %s; ids that begin alike: %s", id, strings.Join(alike, ", "))
}

// ticketIDs lists the tickets of a folder, by id.
func ticketIDs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list tickets: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if id := document.IDOf(e.Name()); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
