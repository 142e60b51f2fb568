package ticketfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// CutOff says that an engine cannot bring its folder up to date. What only reads is answered with
// what the folder shows, and how old that is; nothing that leads to work may be.
type CutOff struct {
	AsOf time.Time // when the folder last showed the whole board; zero where it never did
	Why  error
}

func (e *CutOff) Error() string { return fmt.Sprintf("the shared board cannot be reached: %v", e.Why) }

func (e *CutOff) Unwrap() error { return e.Why }

// refusal is what a call is answered that cannot do with what the folder shows.
func (e *CutOff) refusal() *Refusal {
	var known *Refusal
	if errors.As(e.Why, &known) {
		return known
	}
	return Refuse(Unreachable, "retry; nothing was written", "%v", e)
}

// Next is what makes the board reachable from here, "" where that is to wait.
func (e *CutOff) Next() string {
	var known *Refusal
	if errors.As(e.Why, &known) {
		return known.Next
	}
	return ""
}

// sight is how much of the board a call sees.
type sight struct {
	mu     sync.Mutex
	cutOff *CutOff // nil as long as all it was told is current
}

// goOn lets a call that met an error go on with what the folder shows, where that is known to have
// been the board once. Of every other error it returns what to answer.
func (f *Folder) goOn(err error) error {
	var cutOff *CutOff
	if !errors.As(err, &cutOff) || cutOff.AsOf.IsZero() {
		return refused("", err)
	}
	f.sight.mu.Lock()
	defer f.sight.mu.Unlock()
	f.sight.cutOff = cutOff
	return nil
}

// Older returns since when and why what this call was told of the board may have changed unseen,
// nil where all of it is current.
func (f *Folder) Older() *CutOff {
	f.sight.mu.Lock()
	defer f.sight.mu.Unlock()
	return f.sight.cutOff
}

// Current returns a refusal where something that this call was told of the board may have changed
// unseen: for what leads to work.
func (f *Folder) Current() error {
	f.sight.mu.Lock()
	defer f.sight.mu.Unlock()
	if f.sight.cutOff == nil {
		return nil
	}
	return f.sight.cutOff.refusal()
}

// shownExists is Engine.Exists by what the folder shows.
func (f *Folder) shownExists(id string) error {
	_, err := durable.Lstat(filepath.Join(f.dir, id+document.Ext))
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return err
}

// shown is Engine.Read by what the folder shows.
func (f *Folder) shown(id string) ([]byte, error) {
	file, err := readTicketFile(filepath.Join(f.dir, id+document.Ext))
	return file.Content, err
}
