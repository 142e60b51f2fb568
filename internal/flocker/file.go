package flocker

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// handle is a file that can be locked.
type handle interface {
	Path() string
	Stat() (fs.FileInfo, error) // of the locked file
	Lock() error
	TryLock() (bool, error)
	TryRLock() (bool, error)
	Unlock() error
}

// way is how a file is opened to be locked.
type way struct {
	open  func(path string, flags int) handle
	flags int
	make  func(path string) error // makes a missing file; nil where there must be one
}

// lockFile is a lock file. It is opened so that Go need not ask for the flags of the descriptor, nor
// set them: four calls.
func lockFile(path string, flags int) handle {
	return flock.New(path, flock.SetFlag(flags|noFollow|noWait), flock.SetPermissions(0o666))
}

// readable is a file that is read by its lock, which gofrs/flock has no way to.
func readable(path string, flags int) handle {
	return &file{path: path, flags: flags | noFollow | noWait}
}

// file is a file that is open while it is locked: the lock ends with the descriptor, which no other
// program inherits.
type file struct {
	path  string
	flags int
	open  *rawfile.File // nil while it is not locked
}

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
	for err = lock(open, how); errors.Is(err, syscall.EINTR); err = lock(open, how) {
	}
	if err != nil {
		return errors.Join(err, open.Close())
	}
	f.open = open
	return nil
}
