package ticketfs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// notices are the events of a board's folder and of its folder of sessions, from one inotify(7)
// queue. Whoever waits for them is parked on the runtime's poller: no thread stands in a system
// call, and nothing runs.
type notices struct {
	f        *os.File
	raw      syscall.RawConn
	folder   int32 // watch descriptors
	sessions int32 // -1 for none
	buffer   [16 << 10]byte
}

const (
	// removed are the events of a folder that is not where it was.
	removed = unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_IGNORED | unix.IN_UNMOUNT
	entries = unix.IN_CREATE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF |
		unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_ONLYDIR
)

// newNotices returns nil when there are none to be had: too many queues, no inotify, no such
// folder. On a filesystem on which other machines could write unseen they do not tell all.
func newNotices(dir string) *notices {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	n := &notices{f: os.NewFile(uintptr(fd), "inotify"), sessions: -1}
	// The rights of a file decide whether it can be read. Those of a session's say nothing, and its
	// times change at its calls.
	folder, err := unix.InotifyAddWatch(fd, dir, entries|unix.IN_ATTRIB)
	if err == nil {
		n.raw, err = n.f.SyscallConn()
	}
	if err != nil {
		_ = n.f.Close()
		return nil
	}
	n.folder = int32(folder)
	return n
}

// watchSessions adds the folder of sessions, where it is there and not yet watched. A link would
// lead to another board's.
func (n *notices) watchSessions(dir string) {
	if n.sessions >= 0 {
		return
	}
	_ = n.raw.Control(func(fd uintptr) {
		path := filepath.Join(dir, session.Folder)
		if added, err := unix.InotifyAddWatch(int(fd), path,
			entries|unix.IN_DONT_FOLLOW); err == nil {
			n.sessions = int32(added)
		}
	})
}

func (n *notices) close() error { return n.f.Close() }

// drain empties the queue, and returns the most that its events were about.
func (n *notices) drain() (most notice) {
	if err := n.f.SetReadDeadline(time.Time{}); err != nil {
		return ofBoardGone
	}
	err := n.raw.Read(func(fd uintptr) bool {
		for {
			size, err := unix.Read(int(fd), n.buffer[:])
			switch {
			case err == unix.EINTR:
				continue
			case err == unix.EAGAIN:
				return true
			case err != nil || size <= 0:
				most = ofBoardGone
				return true
			}
			most = max(most, n.about(n.buffer[:size]))
		}
	})
	if err != nil {
		return ofBoardGone
	}
	return most
}

// wait waits for events, until a time or the end of ctx.
func (n *notices) wait(ctx context.Context, until time.Time) (notice, error) {
	if err := n.f.SetReadDeadline(until); err != nil {
		return noNotice, err
	}
	stop := context.AfterFunc(ctx, func() { _ = n.f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	size, err := n.f.Read(n.buffer[:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return noNotice, nil
	case err != nil || size <= 0:
		return ofBoardGone, nil // another queue, or none, will do
	}
	return n.about(n.buffer[:size]), nil
}

// about returns the most that some events are about.
func (n *notices) about(events []byte) (most notice) {
	for len(events) >= unix.SizeofInotifyEvent {
		wd, mask := int32(binary.NativeEndian.Uint32(events)), binary.NativeEndian.Uint32(events[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if size > len(events) {
			return ofBoardGone
		}
		name, _, _ := bytes.Cut(events[unix.SizeofInotifyEvent:size], []byte{0})
		most = max(most, n.aboutOne(wd, mask, string(name)))
		events = events[size:]
	}
	return most
}

func (n *notices) aboutOne(wd int32, mask uint32, name string) notice {
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		return ofSession // and of anything else
	case wd == n.folder && mask&removed != 0:
		return ofBoardGone
	case wd == n.folder && name == session.Folder:
		n.sessions = -1 // Arm looks which folder it is
		return ofSession
	case wd == n.folder && (document.IDOf(name) != "" || name == board.MirrorEnds):
		return ofTickets
	case wd != n.folder && mask&removed != 0:
		if wd == n.sessions {
			n.sessions = -1
		}
		return ofSession
	case wd != n.folder && strings.HasSuffix(name, ".lock"):
		return ofSession
	}
	return noNotice
}
