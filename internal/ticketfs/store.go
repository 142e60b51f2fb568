package ticketfs

import (
	"context"
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
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
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
	// OpenShared opens what keeps the tickets of a board that many machines share; nil in a program
	// that has no way to it.
	OpenShared func(board.Board) (Engine, error)

	locks flocker.Locks
	index index.Index
	ids   document.IDs // of new tickets

	mu      sync.Mutex
	dir     string      // the folder, once it was found; links resolved
	engine  Engine      // of that folder
	tried   time.Time   // when OpenShared was last called
	seen    fs.FileInfo // the folder that was there last
	named   fs.FileInfo // the folder whose name is known to be durable
	unused  string      // see UnusedBoard
	trusted string      // the folder whose locks were seen to work
	mode    mode
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
	store  *Store
	engine Engine
	dir    string          // the engine's
	ctx    context.Context // see Within
	sight  *sight
	met    map[string]bool // the ids that Resolve found as they stand
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
		s.begin(found)
		return s.folder(), nil
	}
	err := s.stillThere()
	if err == nil {
		err = s.mode.again(s.now())
	}
	if err != nil {
		return nil, refused("", err)
	}
	s.reach()
	return s.folder(), nil
}

// Begin reads the tickets into memory unless that was done before, for a first call, which looks at
// each file again. What is in the way of that, the call says.
func (s *Store) Begin() {
	if s.index.Began() {
		return
	}
	if f, err := s.Open(); err == nil {
		_ = s.index.RefreshOld(f.dir)
	}
}

func (s *Store) folder() *Folder {
	return &Folder{s, s.engine, s.engine.Dir(), context.Background(), new(sight),
		make(map[string]bool)}
}

// Within returns the same board for a call that ends with ctx.
func (f *Folder) Within(ctx context.Context) *Folder {
	return &Folder{f.store, f.engine, f.dir, ctx, f.sight, f.met}
}

// Close is the orderly end of this process's work on the board.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == nil {
		return nil
	}
	return s.engine.Close()
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
	s.begin(made)
	s.unused = made.Unused
	return s.folder(), nil
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

// Dir is the absolute path of the folder that shows the tickets.
func (f *Folder) Dir() string { return f.dir }

// Attend begins a call of a process on the board: see Engine.
func (f *Folder) Attend(p *session.Process, call session.Call) session.Conversation {
	return f.engine.Attend(p, call)
}

// Fresh brings the folder up to everything that was answered before, for what reads files beside
// the tickets, or as far as it can be: see Older.
func (f *Folder) Fresh() error {
	if err := f.engine.Fresh(f.ctx); err != nil {
		return f.goOn(err)
	}
	return nil
}

// Health is how what keeps a shared board is: see Engine.
func (f *Folder) Health() []Fact { return f.engine.Health(f.ctx) }

// Kept names files that were kept since this process last asked: see Engine.
func (f *Folder) Kept() []string { return f.engine.Kept() }

// refresh is Fresh for the index too.
func (f *Folder) refresh() error {
	if err := f.Fresh(); err != nil {
		return err
	}
	return f.store.index.Refresh(f.dir)
}

// Exists returns a refusal (NotFound, Invalid) unless there is a ticket of that id. It does not
// read it.
func (f *Folder) Exists(id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	err := f.engine.Exists(f.ctx, id)
	if err != nil && err != fs.ErrNotExist && f.goOn(err) == nil {
		err = f.shownExists(id)
	}
	if err == fs.ErrNotExist {
		err = f.notFound(id)
	}
	return refused(id, err)
}

// Meets is Exists for a call that will look again, under the ticket's lock: what Resolve has found
// is not looked for twice.
func (f *Folder) Meets(id string) error {
	if f.met[id] {
		return nil
	}
	return f.Exists(id)
}

// content is what a ticket holds now.
func (f *Folder) content(id string) ([]byte, error) {
	if err := f.Exists(id); err != nil {
		return nil, err
	}
	content, err := f.engine.Read(f.ctx, id)
	if err != nil && f.goOn(err) == nil {
		content, err = f.shown(id)
	}
	if err == nil && content == nil { // it was removed meanwhile
		err = f.notFound(id)
	}
	return content, refused(id, err)
}

// Get reads a ticket as it is now.
func (f *Folder) Get(id string) (*document.Document, error) {
	content, err := f.content(id)
	if err != nil {
		return nil, err
	}
	return f.parse(id, content)
}

// Hash is the SHA-256 of a ticket's bytes as they are now, whether or not they can be read as a
// ticket.
func (f *Folder) Hash(id string) ([sha256.Size]byte, error) {
	content, err := f.content(id)
	return sha256.Sum256(content), err
}

// Look is Get for those who can do with less: of a malformed ticket it returns what document.Open
// does, beside the refusal that says what is wrong; nil where there is no body to be found.
func (f *Folder) Look(id string) (d *document.Document, malformed *Refusal, err error) {
	content, err := f.content(id)
	if err != nil {
		return nil, nil, err
	}
	d, fault := document.Open(id, content)
	if fault == nil {
		return d, nil, nil
	}
	if err := f.fault(id, content, fault); !errors.As(err, &malformed) ||
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
		if err := f.refresh(); err != nil {
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
	if err := f.refresh(); err != nil {
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
