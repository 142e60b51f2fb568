package ticketfs

import (
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// mode is what was last seen of whether the board is a local one or a shared one.
type mode struct {
	board  board.Board
	looked time.Time // at the branches
}

// begin takes over a board that was just found, and keeps it.
func (s *Store) begin(found board.Board) {
	s.mode = mode{found, s.now()}
	s.dir = found.Dir
	s.use(s.engineOf(found))
}

// use has an engine keep the tickets from now on.
func (s *Store) use(engine Engine) {
	s.engine = engine
	s.index.CheckBy(engine.Wrote)
}

// engineOf is what keeps the tickets of a board.
func (s *Store) engineOf(found board.Board) Engine {
	if found.Shared == nil {
		return local{s, found.Dir}
	}
	if s.OpenShared == nil {
		return newShown(s, found.Dir, Refuse(Unreachable, "install ticket-mcp-etcd", "shared board"))
	}
	s.tried = s.now()
	engine, err := s.OpenShared(found)
	if err != nil {
		return newShown(s, found.Dir, refused("", err))
	}
	return engine
}

// tryEach is how often the way to a shared board is tried that was not there before.
const tryEach = 10 * time.Second

// reach tries again to open a shared board that could not be reached.
func (s *Store) reach() {
	if _, cut := s.engine.(shown); cut && s.OpenShared != nil &&
		s.now().Sub(s.tried).Abs() > tryEach {
		s.use(s.engineOf(s.mode.board))
	}
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

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
