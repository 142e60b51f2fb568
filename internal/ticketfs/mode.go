package ticketfs

import (
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// mode is what was last seen of whether the board is a local one.
type mode struct {
	board  board.Board
	looked time.Time // at the branches
}

// begin takes over a board that was just found.
func (m *mode) begin(found board.Board, now time.Time) error {
	if err := onlyLocal(found); err != nil {
		return err
	}
	m.board, m.looked = found, now
	return nil
}

// again makes sure that the board is still what it was: by one stat at each call, and by the
// branches, which only git changes, at most once a second.
func (m *mode) again(now time.Time) error {
	branches := now.Sub(m.looked).Abs() > time.Second
	if branches {
		m.looked = now
	}
	return m.board.Recheck(branches)
}

// onlyLocal refuses a board whose tickets are not files.
func onlyLocal(found board.Board) error {
	if found.Shared == nil {
		return nil
	}
	return Refuse(Unreachable, "install ticket-mcp-etcd", "shared board")
}

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
