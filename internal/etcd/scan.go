//go:build etcd

package etcd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// maxShown bounds what is read of a file of the mirror. A cluster takes less in one value.
const maxShown = 8 << 20

// read returns what the file of a ticket holds, nil where there is none. What is no plain file is
// moved away: nothing of a ticket is in it.
func (w *writer) read(id string) ([]byte, error) {
	file, err := durable.ReadFile(w.path(id), maxShown)
	if durable.FileFault(err) {
		return nil, w.moveMine(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read the mirror: %w", err)
	}
	return file.Content, nil
}

// scan looks for files that are not as they were written. What somebody changed, or put there, is
// kept; w.gone tells what has to be written again.
func (w *writer) scan() error {
	folder, err := durable.OpenFolder(w.dir)
	if err != nil {
		return fmt.Errorf("look through the mirror: %w", err)
	}
	defer folder.Close()
	for id, known := range w.sums.files {
		looked := time.Now().UnixNano()
		stamp, err := folder.Stamp(id + document.Ext)
		if err == nil && stamp == known.stamp && stamp.Settled(known.looked) {
			continue
		}
		content, err := w.read(id)
		if err != nil {
			return err
		}
		if content != nil && sha256.Sum256(content) == known.sum {
			known.stamp, known.looked = stamp, looked
			w.sums.files[id] = known
			continue
		}
		if content != nil && !known.is(content) {
			if err := w.keepMine(id); err != nil {
				return err
			}
		}
		w.gone = append(w.gone, id)
	}
	if w.rec.Revision == 0 {
		return nil // it is not known yet what belongs here
	}
	return w.moveStrangers(folder)
}

// moveStrangers moves away files that would be tickets by their names and are none of the board.
func (w *writer) moveStrangers(folder durable.Folder) error {
	names, err := folder.Names()
	if err != nil {
		return fmt.Errorf("look through the mirror: %w", err)
	}
	for _, name := range names {
		id := document.IDOf(name)
		if _, known := w.sums.files[id]; id != "" && !known {
			if err := w.moveMine(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy scans, and writes again what somebody changed.
func (w *writer) tidy(ctx context.Context) error {
	before := len(w.rec.Kept)
	if err := w.scan(); err != nil {
		return err
	}
	if len(w.gone) == 0 && len(w.rec.Kept) == before {
		return nil
	}
	if err := w.restore(ctx); err != nil {
		return err
	}
	return w.commit()
}

// restore writes again what a scan missed: as the board was at the mirror's revision, or, where
// that is compacted, as it is now.
func (w *writer) restore(ctx context.Context) error {
	for len(w.gone) > 0 {
		id := w.gone[0]
		answer, err := w.board.client.Get(ctx, w.board.keys.ticket(id), clientv3.WithRev(w.rec.Revision))
		if compacted(err) {
			answer, err = w.board.client.Get(ctx, w.board.keys.ticket(id))
		}
		if err != nil {
			return fmt.Errorf("read a ticket: %w", err)
		}
		if len(answer.Kvs) == 0 {
			if err := w.sums.remove(id); err != nil {
				return err
			}
		} else if err := w.show(ctx, id, content(answer.Kvs[0].Value), answer.Kvs[0].ModRevision,
			nil); err != nil {
			return err
		}
		w.gone = w.gone[1:]
	}
	return nil
}

// stamp notes the stamp of a file that was just written.
func (w *writer) stamp(id string) error {
	folder, err := durable.OpenFolder(w.dir)
	if err != nil {
		return fmt.Errorf("look at the mirror: %w", err)
	}
	defer folder.Close()
	known := w.sums.files[id]
	known.looked = time.Now().UnixNano()
	if known.stamp, err = folder.Stamp(id + document.Ext); err != nil {
		return nil // somebody removed it: the next scan finds that
	}
	w.sums.files[id] = known
	return nil
}

// keepMine gives the file of a ticket, which somebody changed, a second name under which it stays.
func (w *writer) keepMine(id string) error {
	path := w.path(id)
	mine, err := w.freeName(id)
	if err != nil || mine == "" {
		return err
	}
	err = addName(path, mine)
	if err != nil && !errors.Is(err, fs.ErrExist) { // no links here
		var content []byte
		if content, err = w.read(id); err == nil {
			err = writeNew(mine, content, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("keep a changed file: %w", err)
	}
	w.kept(filepath.Base(mine))
	return nil
}

// moveMine moves away what stands in the place of a ticket's file.
func (w *writer) moveMine(id string) error {
	mine, err := w.freeName(id)
	if err != nil {
		return err
	}
	if mine == "" {
		err = removeFile(w.path(id))
	} else if err = moveTo(w.path(id), mine); err == nil {
		w.kept(filepath.Base(mine))
	}
	if err != nil {
		return fmt.Errorf("move a file away: %w", err)
	}
	return nil
}

// remove keeps the file of a ticket that is in the cluster no more, as only somebody who goes round
// this program, or a restore, can bring about.
func (w *writer) remove(id string) error {
	if !document.ValidID(id) {
		return nil
	}
	if err := w.sums.remove(id); err != nil {
		return err
	}
	if content, err := w.read(id); content == nil {
		return err
	}
	return w.moveMine(id)
}

// freeName is where the changed file of a ticket can be kept; "" where one of the same content is
// kept already.
func (w *writer) freeName(id string) (string, error) {
	name := w.path(id) + mineExt
	now, err := durable.ReadFile(w.path(id), maxShown)
	if err != nil && !durable.FileFault(err) {
		return "", fmt.Errorf("keep a changed file: %w", err)
	}
	for n, free := 2, name; ; n++ {
		kept, err := durable.ReadFile(free, maxShown)
		switch {
		case err == nil && kept.Content == nil:
			return free, nil
		case err == nil && now.Content != nil && bytes.Equal(kept.Content, now.Content):
			return "", nil
		case err != nil && !durable.FileFault(err):
			return "", fmt.Errorf("keep a changed file: %w", err)
		}
		free = fmt.Sprint(name, ".", n)
	}
}

// kept notes a name to be told.
func (w *writer) kept(name string) {
	const most = 20
	w.rec.Kept = append(slices.DeleteFunc(w.rec.Kept, func(k string) bool { return k == name }),
		name)
	w.rec.Kept = w.rec.Kept[max(0, len(w.rec.Kept)-most):]
}

// Kept lists the files of the mirror's folder that were kept because somebody had changed them.
func (m *Mirror) Kept() ([]string, error) {
	entries, err := os.ReadDir(m.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var kept []string
	for _, e := range entries {
		if strings.Contains(e.Name(), document.Ext+mineExt) {
			kept = append(kept, e.Name())
		}
	}
	return kept, err
}

// NewlyKept is Kept, less what it told before in this process; and without a look at the folder, so
// that each answer can ask.
func (m *Mirror) NewlyKept() []string {
	shown, err := m.record()
	if err != nil {
		return nil // the next answer will do
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var kept []string
	for _, name := range shown.Kept {
		if slices.Contains(m.told, name) {
			continue
		}
		m.told = append(m.told, name)
		if _, err := os.Lstat(filepath.Join(m.dir, name)); err == nil {
			kept = append(kept, name)
		}
	}
	return kept
}

// changing locks a ticket's lock file while its file and its journal change, so that who reads the
// journal does not take one for changed without the other.
func (w *writer) changing(id string, journaled bool) (free func() error, err error) {
	free = func() error { return nil }
	if !journaled {
		return free, nil
	}
	path := w.path(id) + ".lock"
	if err := durable.MakeFile(path); err != nil {
		return nil, err
	}
	lock, err := flocker.Try(path)
	if lock != nil {
		free = lock.Unlock
	}
	return free, err
}
