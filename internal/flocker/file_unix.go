//go:build unix

package flocker

import (
	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// A symbolic link in the place of a file is refused, not followed, and a FIFO does not block the
// open.
const (
	noFollow = unix.O_NOFOLLOW
	noWait   = unix.O_NONBLOCK
)

const (
	exclusive = unix.LOCK_EX
	shared    = unix.LOCK_SH
	atOnce    = unix.LOCK_NB
	errHeld   = unix.EWOULDBLOCK
)

func lock(f *rawfile.File, how int) error { return unix.Flock(int(f.Fd()), how) }

func release(f *rawfile.File) error { return f.Close() }
