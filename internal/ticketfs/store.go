package ticketfs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/index"
)

// DefaultLockTimeout bounds the wait for all the locks of one change. It is far below the 60 s
// after which clients give up.
const DefaultLockTimeout = 5 * time.Second

// Store is one ticket folder. Its methods may be called by any number of goroutines; any number of
// processes may have a Store on the same folder.
type Store struct {
	Where       board.Where
	LockTimeout time.Duration
	Now         func() time.Time // of rows in the journal; nil is time.Now

	locks flocker.Locks
	index index.Index
	ids   document.IDs // of new tickets

	mu      sync.Mutex
	dir     string      // the folder, once it was found; links resolved
	seen    fs.FileInfo // the folder that was there last
	named   fs.FileInfo // the folder whose name is known to be durable
	unused  string      // see UnusedBoard
	trusted string      // the folder whose locks were seen to work
	// the folder's .gitignore when git was last made not to see what it should not
	ignored fs.FileInfo
}

// NewStore returns the store of the folder that where leads to. The folder need not exist yet.
func NewStore(where board.Where, lockTimeout time.Duration) *Store {
	return &Store{Where: where, LockTimeout: lockTimeout,
		locks: flocker.Locks{Make: durable.MakeFile}}
}

// NewIDs draws ids for n new tickets, in the order of their creation. Whether a file has one shows
// when it is used.
func (s *Store) NewIDs(n int, now time.Time) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = s.ids.New(now)
	}
	return ids
}

// Folder is the board of one call: it is found once and passed on.
type Folder struct {
	store *Store
	dir   string
}

// Open finds the board. It is found once and kept: while it is gone, as during a switch of
// branches, there is none, and never another one that happens to be found then.
func (s *Store) Open() (*Folder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		found, err := s.Where.Find()
		if err != nil {
			return nil, refused("", err)
		}
		s.dir = found.Dir
		return &Folder{s, s.dir}, nil
	}
	if err := s.stillThere(); err != nil {
		return nil, refused("", err)
	}
	return &Folder{s, s.dir}, nil
}

// stillThere makes sure that the folder with which this process began is there. One that is there
// again, as after a switch of branches, must not be, nor lie behind, a link that the switch brought
// along.
func (s *Store) stillThere() error {
	info, err := os.Stat(s.dir)
	if err == nil && s.seen != nil && os.SameFile(s.seen, info) {
		return nil
	}
	wait := "retry when it is back, or restart the server to look for another one"
	there, err := board.IsDir(s.dir)
	if err != nil {
		return err
	}
	if !there {
		return &board.NotFound{Why: s.dir + ", with which this server began, is gone", Next: wait}
	}
	real, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return err
	}
	if real != s.dir {
		return &board.NotFound{Why: fmt.Sprintf("%s, with which this server began, is a link now, to %s", s.dir, real), Next: wait}
	}
	s.seen = info
	return nil
}

// OpenOrMake is Open for a first ticket: it makes the folder when none was ever found.
func (s *Store) OpenOrMake() (*Folder, error) {
	f, err := s.Open()
	s.mu.Lock()
	defer s.mu.Unlock()
	if CodeOf(err) != NoStore || s.dir != "" {
		return f, err
	}
	made, err := s.Where.Make()
	if err != nil {
		return nil, refused("", err)
	}
	s.dir, s.unused = made.Dir, made.Unused
	return &Folder{s, s.dir}, nil
}

// UnusedBoard tells once, after OpenOrMake made the folder, of one that only the branch of the
// caller's worktree has.
func (s *Store) UnusedBoard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := s.unused
	s.unused = ""
	return unused
}

// named makes the folder's own name durable, behind a change that created a ticket and is short of
// something already or not.
func (f *Folder) named(short error) error {
	if err := f.store.nameFolder(f.dir); err != nil {
		return errors.Join(short, fmt.Errorf("%w: %w", ErrNotDurable, err))
	}
	return short
}

// nameFolder makes the folder's own name durable, once: whoever made the folder may have died
// before it did.
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

// Dir is the absolute path of the ticket folder.
func (f *Folder) Dir() string { return f.dir }

// locate returns the path of a ticket that exists.
func (f *Folder) locate(id string) (path string, err error) {
	path, err = ticketPath(f.dir, id)
	if err != nil {
		return "", err
	}
	_, err = durable.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = f.notFound(id)
	}
	return path, refused(id, err)
}

// Exists returns a refusal (NotFound, Invalid) unless there is a ticket of that id. It does not
// read it.
func (f *Folder) Exists(id string) error {
	_, err := f.locate(id)
	return err
}

// Get reads a ticket as it is now. It takes no lock: rename is atomic, so a reader never sees a
// torn ticket.
func (f *Folder) Get(id string) (*document.Document, error) {
	path, err := f.locate(id)
	if err != nil {
		return nil, err
	}
	file, err := readTicketFile(path)
	if err != nil {
		return nil, refused(id, err)
	}
	return f.parse(id, file.Content)
}

// Hash is the SHA-256 of a ticket's file as it is now, whether or not it can be read as a ticket.
func (f *Folder) Hash(id string) ([sha256.Size]byte, error) {
	path, err := f.locate(id)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	file, err := readTicketFile(path)
	if err == nil && file.Content == nil {
		err = f.notFound(id)
	}
	return sha256.Sum256(file.Content), refused(id, err)
}

// Look is Get for those who can do with less: of a malformed ticket it returns what document.Open
// does, beside the refusal that says what is wrong; nil where there is no body to be found.
func (f *Folder) Look(id string) (d *document.Document, malformed *Refusal, err error) {
	path, err := f.locate(id)
	if err != nil {
		return nil, nil, err
	}
	file, err := readTicketFile(path)
	if err == nil && file.Content == nil {
		err = f.notFound(id)
	}
	if err != nil {
		return nil, nil, refused(id, err)
	}
	d, fault := document.Open(id, file.Content)
	if fault == nil {
		return d, nil, nil
	}
	if err := f.fault(id, file.Content, fault); !errors.As(err, &malformed) ||
		malformed.Code != BadFile || d == nil {
		return nil, nil, err
	}
	return d, malformed, nil
}

// parse reads a ticket's content; there is none when it was removed meanwhile.
func (f *Folder) parse(id string, content []byte) (*document.Document, error) {
	if content == nil {
		return nil, f.notFound(id)
	}
	d, err := document.Parse(id, content)
	if err != nil {
		return nil, f.fault(id, content, err)
	}
	return d, nil
}

// fault is the refusal of a file that cannot be read as a ticket: it is malformed, or does not want
// to be one.
func (f *Folder) fault(id string, content []byte, fault error) error {
	if document.NoTicket(content) {
		// Whether another ticket names it all the same, the index knows.
		if err := f.store.index.Refresh(f.dir); err != nil {
			return err
		}
		if f.store.index.IsNone(id) {
			return Refuse(NotFound, "see list", "%s%s is no ticket: %v", id, document.Ext, fault)
		}
	}
	return refused(id, fault)
}

// notFound names up to five tickets whose ids begin like the one asked for: the next step after a
// typo.
func (f *Folder) notFound(id string) error {
	const most = 5
	if err := f.store.index.Refresh(f.dir); err != nil {
		return fmt.Errorf("list tickets: %w", err)
	}
	var alike []string
	for n := len(id); n > 0 && len(alike) == 0; n-- {
		for _, other := range f.store.index.Ids() {
			if len(alike) < most && len(other) >= n && strings.EqualFold(other[:n], id[:n]) {
				alike = append(alike, other)
			}
		}
	}
	if len(alike) == 0 {
		return Refuse(NotFound, "see list", "no ticket %s", id)
	}
	return Refuse(NotFound, "see list", "no ticket %s; ids that begin alike: %s", id,
		strings.Join(alike, ", "))
}
