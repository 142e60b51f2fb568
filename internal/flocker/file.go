package flocker

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// file is a lock file, which is open while it is locked: the lock ends with the descriptor, which no
// other program inherits.
type file struct {
	path  string
	flags int
	open  *rawfile.File // nil while it is not locked
}

func newFile(path string, flags int) *file { return &file{path: path, flags: flags | openFlags} }

func (f *file) Path() string               { return f.path }
func (f *file) Stat() (fs.FileInfo, error) { return f.open.Stat() }
func (f *file) Lock() error                { return f.take(exclusive) }
func (f *file) TryLock() (bool, error)     { return f.try(exclusive) }
func (f *file) TryRLock() (bool, error)    { return f.try(shared) }

func (f *file) Unlock() error {
	open := f.open
	f.open = nil
	return release(open)
}

func (f *file) try(how int) (bool, error) {
	err := f.take(how | atOnce)
	if errors.Is(err, errHeld) {
		return false, nil
	}
	return err == nil, err
}

// take opens the file and locks it. NFS locks only what is open to be written.
func (f *file) take(how int) error {
	err := f.takeBy(f.flags, how)
	if errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EIO) {
		err = f.takeBy(f.flags|os.O_RDWR, how)
	}
	return err
}

func (f *file) takeBy(flags, how int) error {
	open, err := rawfile.Open(f.path, flags, 0o666)
	if err != nil {
		return err
	}
	for err = flock(open, how); errors.Is(err, syscall.EINTR); err = flock(open, how) {
	}
	if err != nil {
		return errors.Join(err, open.Close())
	}
	f.open = open
	return nil
}
