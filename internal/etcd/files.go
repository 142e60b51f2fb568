//go:build etcd

package etcd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Everything that changes a file of a mirror stands here. Nothing is synced: what a mirror holds is
// in the cluster too, and its sums tell what a power loss left of it.

// replaceFile makes content the file at path, whole by rename.
func replaceFile(path string, content []byte, mode fs.FileMode) error {
	temp := durable.TempPath(path)
	if err := writeNew(temp, content, mode); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// writeNew writes a file that was not there: what a killed writer left is removed, not followed.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(path, flags, mode)
	if errors.Is(err, fs.ErrExist) {
		if err := os.Remove(path); err != nil {
			return err
		}
		f, err = os.OpenFile(path, flags, mode)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode) // whatever the umask
	}
	return errors.Join(err, f.Close())
}

// openEnd opens a file to write behind its end.
func openEnd(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|durable.NoFollow, 0o644)
}

// touch sets the times of a file to now.
func touch(path string) error {
	now := time.Now()
	return os.Chtimes(path, now, now)
}

// tellOfEnd tells whoever watches a mirror that a session has ended.
func tellOfEnd(dir string) error {
	f, err := openEnd(filepath.Join(dir, board.MirrorEnds))
	if err != nil {
		return err
	}
	return f.Close()
}

// makeMirror makes the folder of a mirror, and sees whether files can be made in it.
func makeMirror(dir string) error {
	if err := durable.MakeFolder(dir); err != nil {
		return err
	}
	if err := board.HideMirror(dir); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// makeOwnMirror makes a folder that goes with this process: see removeOwnMirror.
func makeOwnMirror() (dir string, err error) { return os.MkdirTemp("", "ticket-mcp-mirror-") }

func removeOwnMirror(dir string) error { return os.RemoveAll(dir) }

// addName gives a file a second name, which nobody must have.
func addName(path, name string) error { return os.Link(path, name) }

// moveTo gives a file another name.
func moveTo(path, name string) error { return os.Rename(path, name) }

// removeFile removes a file of which nothing is lost.
func removeFile(path string) error { return os.Remove(path) }
