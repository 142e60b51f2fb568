//go:build etcd

package etcd

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// engine is a shared board and the folder that shows it, for one process.
type engine struct {
	*Board
	mirror  *Mirror
	marks   *Marks
	written *sumReader // what the mirror's files hold
}

// OpenEngine connects to a board, which there must be, and lets it show itself in the folder mirror.
// The processes of a machine wait for each other in a folder below that.
func OpenEngine(ctx context.Context, c Config, mirror string) (ticketfs.Engine, error) {
	b, err := Open(ctx, c)
	if err != nil {
		return nil, err
	}
	m, err := OpenMirror(b, mirror, KeepRows)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.QueueDir = filepath.Join(m.dir, ".queue")
	if err := durable.MakeFolder(b.QueueDir); err != nil && !errors.Is(err, fs.ErrExist) {
		b.QueueDir = "" // advice that cannot be had is not needed
	}
	return &engine{b, m, b.Marks(), newSumReader(m.dir)}, nil
}

// FindAccess is AccessFrom for the process's user. Its error is a refusal.
func FindAccess(getenv func(string) string) (Access, error) {
	file, err := AccessFile()
	if err != nil {
		return Access{}, err
	}
	access, err := AccessFrom(getenv, file)
	return access, refused(err)
}

// Attend shows by marks under the process's lease who lives.
func (e *engine) Attend(p *session.Process, call session.Call) session.Conversation {
	return p.AttendBy(e.marks, call)
}

// Close ends the watch, and lets the process's marks live a little longer for the one that follows.
func (e *engine) Close() error { return errors.Join(e.mirror.Close(), e.Board.Close()) }
