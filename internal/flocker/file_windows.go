package flocker

import (
	"errors"

	"golang.org/x/sys/windows"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

const (
	noFollow = 0
	noWait   = 0
)

const (
	exclusive = windows.LOCKFILE_EXCLUSIVE_LOCK
	shared    = 0
	atOnce    = windows.LOCKFILE_FAIL_IMMEDIATELY
	errHeld   = windows.ERROR_LOCK_VIOLATION
)

// lock locks the first byte.
func lock(f *rawfile.File, how int) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), uint32(how), 0, 1, 0, new(windows.Overlapped))
}

// release does not leave it to the end of the handle, which may free a lock later.
func release(f *rawfile.File) error {
	return errors.Join(
		windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, new(windows.Overlapped)), f.Close())
}
