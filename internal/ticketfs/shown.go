package ticketfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// shown is a shared board that this process has no way to: its mirror can be read, as of whenever it
// was written, and everything else is refused.
type shown struct {
	local // the mirror, to read
	why   error
}

// newShown is the board that is shared in the folder dir.
func newShown(s *Store, dir string, why error) shown {
	return shown{local{s, filepath.Join(dir, board.MirrorFolder)}, why}
}

// Fresh never is. A mirror that is not there shows nothing that could be old.
func (s shown) Fresh(context.Context) error {
	info, err := os.Lstat(filepath.Join(s.dir, board.MirrorRecord))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.why
	case err != nil:
		return err
	}
	return &CutOff{AsOf: info.ModTime(), Why: s.why}
}

func (s shown) Exists(ctx context.Context, _ string) error { return s.Fresh(ctx) }

func (s shown) Read(ctx context.Context, _ string) ([]byte, error) { return nil, s.Fresh(ctx) }

func (s shown) Health(context.Context) []Fact {
	return []Fact{{Name: "engine", Text: s.why.Error(), Wrong: true}}
}

func (s shown) Change(context.Context, Change) error { return s.why }

func (s shown) Judge(context.Context, func() error) error { return s.why }

// Attend shows nobody that the conversation lives.
func (s shown) Attend(p *session.Process, call session.Call) session.Conversation {
	return p.AttendBy(noMarks{s.why}, call)
}

// noMarks are those of a board to which there is no way.
type noMarks struct{ why error }

func (m noMarks) Serve(_ string, _ session.Call, claim, _ bool) error {
	if claim {
		return m.why
	}
	return nil
}

func (noMarks) Drop(string) error { return nil }

func (noMarks) Probe(key string) session.Holder {
	return session.Holder{Claim: session.Claim{Key: key}, Life: session.Unknown}
}

func (noMarks) Grace(session.Holder) time.Duration { return 0 }

func (noMarks) Leave() error { return nil }
