package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// file is a ticket file as it was read.
type File struct {
	Content []byte      // nil exactly when there was no file
	Info    fs.FileInfo // of the open file, before it was read

	looked int64 // when that was, in Unix nanoseconds
}

// now is the clock that stamps are compared with. A variable, so that tests can look at any moment.
var now = time.Now

// notRegularError says that something else than a plain file stands where a ticket should: a link
// may lead outside the folder, a FIFO would block its reader for ever.
type NotRegularError struct {
	name string
	kind fs.FileMode
}

func (e *NotRegularError) Error() string {
	return fmt.Sprintf("%s is not a regular file (%s)", e.name, e.kind)
}

// tooLongError says that a file is longer than may be read.
type TooLongError struct {
	name string
	most int
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%s is longer than %d bytes", e.name, e.most)
}

// changedError says that another program, which takes no locks, wrote a file after it was read.
type ChangedError struct{ name string }

func (e *ChangedError) Error() string {
	return e.name + " was changed by another program meanwhile"
}

// notFolderError says that something else than a folder stands where one should.
type NotFolderError struct{ Name string }

func (e *NotFolderError) Error() string { return e.Name + " is not a folder" }

// fileFault reports whether an error is about the file itself, not about the system that reads it.
func FileFault(err error) bool {
	var notRegular *NotRegularError
	var tooLong *TooLongError
	return errors.As(err, &notRegular) || errors.As(err, &tooLong)
}

// lstat is Lstat for ticket files: it follows nothing. A missing file is fs.ErrNotExist, one that
// is not regular a notRegularError.
func Lstat(path string) (fs.FileInfo, error) {
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
	return &NotRegularError{filepath.Base(path), info.Mode().Type()}
}

// Open opens a regular file to read it. It follows no link and waits for no writer of a FIFO.
func Open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|NoFollow, 0)
	if err != nil {
		return nil, nil, openFault(path, err)
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// openFault is why a file could not be opened.
func openFault(path string, err error) error {
	if _, lstatErr := Lstat(path); FileFault(lstatErr) {
		return lstatErr
	}
	return err
}

// ReadFile reads a file of at most the given number of bytes whole. No file at all is no error; of
// one that is longer the beginning is returned as well.
func ReadFile(path string, most int) (File, error) {
	looked := now()
	f, err := rawfile.Open(path, os.O_RDONLY|NoFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, openFault(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return File{}, err
	}
	return ReadOpen(f, info, looked, most)
}

// ReadOpen is ReadFile of a file that is open, and was looked at then, with what it then was.
func ReadOpen(f io.Reader, info fs.FileInfo, looked time.Time, most int) (File, error) {
	content := make([]byte, 0, min(info.Size(), int64(most))+1)
	for {
		n, err := f.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		read := File{content, info, looked.UnixNano()}
		switch {
		case err == io.EOF:
			return read, nil
		case err != nil:
			return File{}, err
		case len(content) > most:
			return read, &TooLongError{info.Name(), most}
		case int64(len(content)) == info.Size():
			return read, nil // as long as it was, and there was room for more: the end
		}
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
	}
}

// unchanged returns a ChangedError when the file at path is not the one that was read, or has been
// written since. Editors and git do not take our locks; this closes the window to the microseconds
// before the rename. Where the file was so young when it was read that a later write may bear the
// same stamp, its bytes are compared.
func (f File) unchanged(path string) error {
	changed := &ChangedError{filepath.Base(path)}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if f.Info == nil {
			return nil
		}
		return changed
	case err != nil:
		return fmt.Errorf("look at the ticket again: %w", err)
	case f.Info == nil || !SameVersion(f.Info, info):
		return changed
	case stampOf(f.Info).Settled(f.looked):
		return nil
	}
	again, err := ReadFile(path, len(f.Content))
	switch {
	case FileFault(err), err == nil && !bytes.Equal(again.Content, f.Content):
		return changed
	case err != nil:
		return fmt.Errorf("look at the ticket again: %w", err)
	}
	return nil
}
