package ticketfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Watch tells whoever waits for a board when it is worth a look: a ticket file, the life of a
// holder, or the board itself may be another one. It takes no lock and needs no goroutine. It is
// for one goroutine.
//
// Promised: what happens after Arm returns ends the next Wait, or one that runs. Wait may return
// for nothing.
//
// The kernel's queue of events is used where there is one. Without, and where it does not tell all,
// as on filesystems that other machines may write, Wait returns every two seconds; of a mirror, which
// has one file that tells whether anything is new, as soon as that is another one.
type Watch struct {
	find     func() (dir string, err error)
	notices  *notices // nil where there are none to be had
	partial  bool     // they do not tell all
	record   string   // the mirror's, where the folder is one
	recorded fs.FileInfo
	gone     bool // the folder, when Arm last looked
	sessions time.Time
}

const (
	lookEach     = 2 * time.Second        // where events do not tell all
	lookForBoard = 500 * time.Millisecond // while there is no board
	lookAtRecord = 50 * time.Millisecond  // where events do not tell all of a mirror
	// lookAtMost bounds what no event tells: a clock that was set, a dead holder whom its parent
	// took note of late.
	lookAtMost = 30 * time.Second
)

// afterSession are the times of the looks after an event of a session file. The kernel tells that a
// file was closed before it frees the lock on it, and a process may be seen a little longer than
// its files are open.
var afterSession = []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, 2 * time.Second}

// notice is what an event may be about.
type notice int

const (
	noNotice    notice = iota
	ofTickets          // the look will tell
	ofSession          // a holder's life
	ofBoardGone        // the folder is not where it was
)

// Watch begins to watch the board. It need not be there yet, or still.
func (s *Store) Watch() *Watch {
	return &Watch{find: func() (string, error) {
		f, err := s.Open()
		if err != nil {
			return "", err
		}
		return f.dir, nil
	}}
}

// WatchFolder begins to watch the ticket files of a folder that is no board of its own: a mirror.
func WatchFolder(dir string) *Watch {
	return &Watch{find: func() (string, error) { return dir, durable.CheckFolder(dir) }}
}

// Close frees what the watch holds.
func (w *Watch) Close() error {
	n := w.notices
	w.notices = nil
	if n == nil {
		return nil
	}
	return n.close()
}

// Arm forgets what has happened: it is to be called ahead of each look.
func (w *Watch) Arm() error {
	if w.notices != nil {
		w.take(w.notices.drain())
	}
	dir, err := w.find()
	if err != nil {
		w.gone, w.recorded = true, nil
		return errors.Join(err, w.Close())
	}
	w.gone = false
	w.record = filepath.Join(dir, board.MirrorRecord)
	w.recorded, _ = os.Lstat(w.record) // nil: it is no mirror, or shows nothing yet
	if w.notices == nil {
		w.notices = newNotices(dir)
		w.partial = w.notices == nil || !watchable(dir)
	}
	if w.notices != nil {
		w.notices.watchSessions(dir)
	}
	return nil
}

// take notes what events mean for the watch, and reports whether they are worth a look.
func (w *Watch) take(n notice) bool {
	switch n {
	case ofSession:
		w.sessions = time.Now()
	case ofBoardGone:
		_ = w.Close() // Arm begins another queue
	}
	return n != noNotice
}

// Wait returns when a look may be worth while, at the latest at until; the zero time is for never.
// It returns the error of ctx when that is done.
func (w *Watch) Wait(ctx context.Context, until time.Time) error {
	now := time.Now()
	latest := now.Add(lookAtMost)
	for _, after := range afterSession {
		if again := w.sessions.Add(after); again.After(now) && again.Before(latest) {
			latest = again
		}
	}
	if !until.IsZero() && until.Before(latest) {
		latest = until
	}
	if w.notices == nil || w.partial {
		each := lookEach
		if w.gone {
			each = lookForBoard
		}
		if again := now.Add(each); again.Before(latest) {
			latest = again
		}
	}
	if w.partial && w.recorded != nil {
		return w.waitForRecord(ctx, latest)
	}
	if w.notices == nil {
		return sleep(ctx, time.Until(latest))
	}
	for {
		n, err := w.notices.wait(ctx, latest)
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if w.take(n) || !time.Now().Before(latest) {
			return nil
		}
	}
}

// waitForRecord waits until a mirror's record is not what it was when Arm looked.
func (w *Watch) waitForRecord(ctx context.Context, until time.Time) error {
	for {
		now, err := os.Lstat(w.record)
		if err != nil || !durable.SameVersion(w.recorded, now) || !time.Now().Before(until) {
			return ctx.Err()
		}
		if err := sleep(ctx, min(lookAtRecord, time.Until(until))); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watchable reports whether events tell all of a folder: not where other machines could write
// unseen.
func watchable(dir string) bool {
	kind, err := durable.UnprovenFS(dir)
	return err == nil && kind == ""
}
