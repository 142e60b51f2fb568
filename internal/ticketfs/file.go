package ticketfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// file is a ticket file as it was read.
type file struct {
	content []byte      // nil exactly when there was no file
	info    fs.FileInfo // of the open file, before it was read
}

// notRegularError says that something else than a plain file stands where a ticket should: a link may lead outside the folder,
// a FIFO would block its reader for ever.
type notRegularError struct {
	name string
	kind fs.FileMode
}

func (e *notRegularError) Error() string {
	return fmt.Sprintf("%s is not a regular file (%s)", e.name, e.kind)
}

// tooLongError says that a file is longer than may be read.
type tooLongError struct {
	name string
	most int
}

func (e *tooLongError) Error() string {
	return fmt.Sprintf("%s is longer than %d bytes", e.name, e.most)
}

// changedError says that another program, which takes no locks, wrote a file after it was read.
type changedError struct{ name string }

func (e *changedError) Error() string {
	return e.name + " was changed by another program meanwhile"
}

// fileFault reports whether an error is about the file itself, not about the system that reads it.
func fileFault(err error) bool {
	var notRegular *notRegularError
	var tooLong *tooLongError
	return errors.As(err, &notRegular) || errors.As(err, &tooLong)
}

// lstat is Lstat for ticket files: it follows nothing. A missing file is fs.ErrNotExist, one that is not regular a
// notRegularError.
func lstat(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	return info, regular(path, info)
}

func regular(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &notRegularError{filepath.Base(path), info.Mode().Type()}
}

// readFile reads a file of at most the given number of bytes whole. No file at all is no error; of one that is longer the
// beginning is returned as well.
func readFile(path string, most int) (file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return file{}, nil
	}
	if err != nil {
		if _, lstatErr := lstat(path); fileFault(lstatErr) {
			return file{}, lstatErr
		}
		return file{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return file{}, err
	}
	if err := regular(path, info); err != nil {
		return file{}, err
	}
	content := make([]byte, 0, min(info.Size(), int64(most))+1)
	for {
		n, err := f.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		if err == io.EOF {
			return file{content, info}, nil
		}
		if err != nil {
			return file{}, err
		}
		if len(content) > most {
			return file{content, info}, &tooLongError{filepath.Base(path), most}
		}
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
	}
}

// unchanged returns a changedError when the file at path is not the one that was read, or has been written since. Editors and git
// do not take our locks; this closes the window to the microseconds before the rename.
func (f file) unchanged(path string) error {
	now, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if f.info == nil {
			return nil
		}
	case err != nil:
		return fmt.Errorf("look at the ticket again: %w", err)
	case f.info != nil && sameVersion(f.info, now):
		return nil
	}
	return &changedError{filepath.Base(path)}
}
