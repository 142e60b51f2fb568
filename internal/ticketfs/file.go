package ticketfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// file is a ticket file as it was read.
type file struct {
	content []byte      // nil exactly when there was no file
	info    fs.FileInfo // of the open file, before it was read
}

// lstat is Lstat for ticket files: it follows nothing. A missing file is fs.ErrNotExist, one that is not regular a refusal:
// a link may lead outside the folder, a FIFO would block its reader for ever.
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
	return Refuse(BadFile, "replace it by a plain file", "%s is not a regular file (%s)", filepath.Base(path), info.Mode().Type())
}

// readFile reads a ticket file whole. No file at all is no error; of one that is too long the beginning is returned as well.
func readFile(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return file{}, nil
	}
	if err != nil {
		if _, lstatErr := lstat(path); CodeOf(lstatErr) != "" {
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
	content := make([]byte, 0, min(info.Size(), document.MaxFile)+1)
	for {
		n, err := f.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		if err == io.EOF {
			return file{content, info}, nil
		}
		if err != nil {
			return file{}, err
		}
		if len(content) > document.MaxFile {
			return file{content, info}, Refuse(BadFile, "shorten the file", "%s is longer than %d bytes", filepath.Base(path), document.MaxFile)
		}
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
	}
}

// unchanged returns a refusal when the file at path is not the one that was read, or has been written since. Editors and git
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
	return Refuse(Busy, "retry", "%s was changed by another program meanwhile", filepath.Base(path))
}
