package ticketfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Kept is a ticket on its way from files to an engine, or back.
type Kept struct {
	ID      string
	Content []byte
}

// Moving is a board between two modes. From Freeze to Thaw, or to its end, no version of the program
// changes a ticket in its folder: not this one, by the SharedFile, and not those before, by the
// guard in the place of the lock. Whatever step it dies at, the same step may be done again.
type Moving struct {
	Shared board.Shared
	store  *Store
	dir    string
}

// outFolder is where in the board's folder the tickets are while no mode has them.
const outFolder = ".moving"

// Freeze ends the local board in the folder dir, so that its tickets can be moved to an engine.
func (s *Store) Freeze(ctx context.Context, dir string, to board.Shared) (*Moving, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	for {
		err := s.freeze(ctx, dir, to)
		if err == nil {
			// of two that begin at once, the second goes on with the first one's
			shared, err := board.ReadShared(dir)
			if err != nil {
				return nil, refused("", err)
			}
			return &Moving{Shared: *shared, store: s, dir: dir}, nil
		}
		var lockFile *durable.NotFolderError
		if errors.As(err, &lockFile) {
			continue // another process took the lock again; it is waited for
		}
		return nil, fmt.Errorf("freeze the board: %w", err)
	}
}

// freeze makes the SharedFile and the guard under the relations lock, which every change of a
// relation takes: what began before is finished, and nothing begins after.
func (s *Store) freeze(ctx context.Context, dir string, to board.Shared) error {
	if board.Guarded(dir) { // but a killed process may not have come to its file
		return errors.Join(writeShared(dir, to), board.FillGuard(dir))
	}
	var held locks
	if err := held.take(ctx, s, filepath.Join(dir, relationsLock)); err != nil {
		return err
	}
	err := s.trust(dir, held[0].Lock)
	if err == nil {
		err = writeShared(dir, to)
	}
	if err == nil {
		err = board.MakeGuard(dir)
	}
	return errors.Join(err, held.release())
}

func writeShared(dir string, to board.Shared) error {
	if err := board.WriteShared(dir, to); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// TakeOut moves the tickets out of the board's folder, each under its lock, and returns all that
// were ever moved. Files that are no tickets stay.
func (m *Moving) TakeOut(ctx context.Context) ([]Kept, error) {
	out := filepath.Join(m.dir, outFolder)
	if err := durable.MakeFolder(out); err != nil {
		return nil, err
	}
	ids, err := ticketsIn(m.dir)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := m.takeOut(ctx, id); err != nil {
			return nil, fmt.Errorf("move %s: %w", id, err)
		}
	}
	if err := errors.Join(durable.SyncPath(out), durable.SyncPath(m.dir)); err != nil {
		return nil, err
	}
	return m.Taken()
}

// takeOut moves one ticket, as it is once nobody changes it any more.
func (m *Moving) takeOut(ctx context.Context, id string) (err error) {
	ctx, cancel := m.store.bounded(ctx)
	defer cancel()
	path := filepath.Join(m.dir, id+document.Ext)
	var held locks
	defer func() { err = errors.Join(err, held.release()) }()
	if err := held.takeTicket(ctx, m.store, path, new(part)); err != nil {
		return err
	}
	file, err := readTicketFile(path)
	if err != nil || file.Content == nil || document.NoTicket(file.Content) {
		return refused(id, err)
	}
	if _, err := document.Parse(id, file.Content); err != nil {
		return refused(id, err)
	}
	to := filepath.Join(m.dir, outFolder, id+document.Ext)
	if _, err := os.Lstat(to); err == nil {
		return Refuse(BadFile, "compare the two and remove one",
			"%s is in %s and in %s", id, m.dir, filepath.Dir(to))
	}
	return os.Rename(path, to)
}

// Taken are the tickets that TakeOut moved, in the order of their ids.
func (m *Moving) Taken() ([]Kept, error) {
	out := filepath.Join(m.dir, outFolder)
	ids, err := ticketsIn(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []Kept
	for _, id := range ids {
		file, readErr := readTicketFile(filepath.Join(out, id+document.Ext))
		if err = errors.Join(err, refused(id, readErr)); file.Content != nil {
			all = append(all, Kept{id, file.Content})
		}
	}
	return all, err
}

// Thaw makes the board a local one again, with the tickets that were moved out.
func (m *Moving) Thaw() error {
	out := filepath.Join(m.dir, outFolder)
	ids, err := ticketsIn(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.mark(); err != nil {
		return err
	}
	for _, id := range ids {
		path := filepath.Join(m.dir, id+document.Ext)
		if err := os.Link(filepath.Join(out, id+document.Ext), path); err != nil {
			return fmt.Errorf("move %s back: %w", id, err)
		}
		if err := os.Remove(filepath.Join(out, id+document.Ext)); err != nil {
			return err
		}
	}
	return m.unshared()
}

// HandedOver ends a move to an engine, which has all the tickets: their journal goes where the
// mirror will look for it, and the copies go. It returns how many there were.
func (m *Moving) HandedOver() (int, error) {
	mirror := filepath.Join(m.dir, board.MirrorFolder)
	if err := moveJournal(m.dir, mirror); err != nil {
		return 0, err
	}
	if err := board.HideMirror(mirror); err != nil {
		return 0, err
	}
	taken, err := m.Taken()
	if err != nil {
		return 0, err
	}
	out := filepath.Join(m.dir, outFolder)
	for _, t := range taken {
		if err := os.Remove(filepath.Join(out, t.ID+document.Ext)); err != nil {
			return 0, err
		}
	}
	return len(taken), removeFolder(out)
}

// PutBack makes a file of a ticket that an engine kept. A file of that name with another text is
// somebody's: it is kept beside it, under the name that is returned.
func (m *Moving) PutBack(t Kept) (beside string, err error) {
	if err := checkID(t.ID); err != nil {
		return "", err
	}
	path := filepath.Join(m.dir, t.ID+document.Ext)
	old, err := readTicketFile(path)
	if err != nil {
		return "", refused(t.ID, err)
	}
	if old.Content != nil && slices.Equal(old.Content, t.Content) {
		return "", nil
	}
	if old.Content != nil {
		const mine = ".mine"
		err := os.Link(path, path+mine) // which takes no name that is taken
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil {
			return "", fmt.Errorf("keep %s%s: %w", t.ID, document.Ext, err)
		}
		old, beside = durable.File{}, filepath.Base(path)+mine
	}
	r := durable.Replacement{Path: path, Old: old}
	defer r.Discard()
	if err := r.Write(t.Content); err != nil {
		return beside, refused(t.ID, err)
	}
	return beside, refused(t.ID, r.Rename())
}

// Returned ends a move from an engine, whose tickets are all put back.
func (m *Moving) Returned() error {
	if err := durable.SyncPath(m.dir); err != nil {
		return err
	}
	mirror := filepath.Join(m.dir, board.MirrorFolder)
	if err := moveJournal(mirror, m.dir); err != nil {
		return err
	}
	if err := errors.Join(removeMirror(mirror), m.mark()); err != nil {
		return err
	}
	return m.unshared()
}

// returnedName is the file in outFolder which says that a board has its tickets again, until
// everything else that was changed for its sake is settled too: it holds the board's former id.
const returnedName = "returned"

func (m *Moving) mark() error {
	out := filepath.Join(m.dir, outFolder)
	if err := durable.MakeFolder(out); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(out, returnedName))
	if err != nil {
		return err
	}
	_, err = f.WriteString(m.Shared.ID)
	if err == nil {
		err = durable.SyncFile(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return durable.SyncPath(out)
}

// Returning is the former id of a board in the folder dir that has its tickets again, and of which
// not everything else is settled; "" where there is nothing to do.
func Returning(dir string) (id string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, outFolder, returnedName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// Settled says that all is.
func Settled(dir string) error {
	out := filepath.Join(dir, outFolder)
	return errors.Join(removeFolder(filepath.Join(out, returnedName)), removeFolder(out))
}

// removeMirror removes a mirror, of which nothing is lost: what somebody wrote there stays, and so
// does a journal that could not be moved. A process that still follows the board may make it again.
func removeMirror(mirror string) error {
	entries, err := os.ReadDir(mirror)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, _, kept := strings.Cut(e.Name(), keptExt); kept || e.Name() == journal.Folder {
			return nil
		}
	}
	return os.RemoveAll(mirror)
}

// unshared takes away what says that the board is shared.
func (m *Moving) unshared() error {
	return errors.Join(board.RemoveShared(m.dir), board.RemoveGuard(m.dir))
}

// moveJournal moves the journal of one folder to another that has none.
func moveJournal(from, to string) error {
	if err := durable.MakeFolder(to); err != nil {
		return err
	}
	source, target := filepath.Join(from, journal.Folder), filepath.Join(to, journal.Folder)
	if _, err := os.Lstat(source); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(target); err == nil {
		return nil // both have rows; who reads them finds what happened here
	}
	if err := os.Rename(source, target); err != nil {
		return fmt.Errorf("move the journal: %w", err)
	}
	return errors.Join(durable.SyncPath(to), durable.SyncPath(from))
}

// ticketsIn lists the ids that files of a folder have, in their order.
func ticketsIn(dir string) (ids []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if id := document.IDOf(e.Name()); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// removeFolder removes an empty folder, or a file, that may be gone already.
func removeFolder(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
