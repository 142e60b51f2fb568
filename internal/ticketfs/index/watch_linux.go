package index

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Watch is an inotify(7) queue of one folder, read only when somebody asks. The kernel puts an
// event into the queue before the system call that causes it returns, so whatever was answered
// before a question is in the queue when the question comes. A library that reads the queue in a
// goroutine and passes events on through a channel does not give that: of 2,000 renames, 361 were
// not yet to be seen.
type Watch struct {
	fd     int
	buffer [16 << 10]byte
}

// newWatch returns nil when there is none to be had: too many instances, no inotify, or a
// filesystem on which other machines could write unseen.
func newWatch(dir string) *Watch {
	if kind, err := durable.UnprovenFS(dir); err != nil || kind != "" {
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	const events = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_CLOSE_WRITE |
		unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, dir, events); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	return &Watch{fd: fd}
}

func (w *Watch) close() { _ = unix.Close(w.fd) }

// lost are events after which the queue does not tell the whole any more: it ran over, or the
// folder itself went.
const lost = unix.IN_Q_OVERFLOW | unix.IN_IGNORED | unix.IN_UNMOUNT |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

// drain returns the names of files that changed since the last time, each once; complete is false
// when there may be more.
func (w *Watch) drain() (names []string, complete bool) {
	seen := make(map[string]bool)
	for {
		n, err := unix.Read(w.fd, w.buffer[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return names, true
		case err != nil || n <= 0:
			return nil, false
		}
		for rest := w.buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			mask := binary.NativeEndian.Uint32(rest[4:])
			size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(rest[12:]))
			if mask&lost != 0 || size > len(rest) {
				return nil, false
			}
			name, _, _ := bytes.Cut(rest[unix.SizeofInotifyEvent:size], []byte{0})
			if !seen[string(name)] {
				seen[string(name)] = true
				names = append(names, string(name))
			}
			rest = rest[size:]
		}
	}
}
