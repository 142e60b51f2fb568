package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// Step is called at each stage of a change; crash tests set it to die there.
var Step = func(name string) {}

// TempPath is the one hidden name under which a ticket's next content is prepared. It is fixed, so
// that whatever a killed writer leaves is found and replaced by the next writer of that ticket,
// under the ticket's lock.
func TempPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
}

// Replacement makes new content the file at path, whole or not at all. For a ticket t the system
// sees:
//
//	open(".tickets", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = 9
//	access(".tickets/t.md", W_OK)
//	openat(9, ".t.md.tmp", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC) = 10
//	write(10, "---\nschema_version: 1"...)
//	(owner, extended attributes, ACL and mode of .tickets/t.md for 10, where they differ)
//	fsync(10)
//	close(10)
//	(stat of the lock files and of the ticket, as the last check)
//	rename(".tickets/.t.md.tmp", ".tickets/t.md")
//	fsync(9)
//
// natefinch's WriteFile does the same less the last fsync, without which an acknowledged rename can
// be lost by a power cut, and has no place for the last check; hence only its rename is used, which
// also replaces on Windows.
type Replacement struct {
	Path    string
	Old     File
	content []byte // in the temp file, when ready
	// opened before anything is written, so that its sync cannot fail for want of a descriptor. The
	// temp file is made in it, so that the rename, by the path, fails where another folder is there
	// by then.
	folder *rawfile.File
	Ready  bool
}

// Write puts content into the temp file and syncs it, unless it is there already. Content that is
// nil or equal to the old is no change.
func (r *Replacement) Write(content []byte) error {
	if content == nil || r.Old.Content != nil && bytes.Equal(content, r.Old.Content) {
		r.Ready = false
		return nil
	}
	if r.content != nil && bytes.Equal(content, r.content) {
		r.Ready = true
		return nil
	}
	r.Ready, r.content = false, nil
	if r.folder == nil {
		folder, err := OpenDir(filepath.Dir(r.Path))
		if err != nil {
			return fmt.Errorf("open the ticket folder: %w", err)
		}
		r.folder = folder
	}
	if err := writeTemp(r.folder, r.Path, content, r.Old.Info); err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	r.Ready, r.content = true, content
	Step("temp synced")
	return nil
}

// Unchanged returns a ChangedError when the file is no longer the one that was read.
func (r *Replacement) Unchanged() error { return r.Old.unchanged(r.Path) }

// Rename makes the content visible, if the ticket is still the one that was read.
func (r *Replacement) Rename() error {
	if err := r.Unchanged(); err != nil {
		return err
	}
	Step("checked")
	err := atomic.ReplaceFile(TempPath(r.Path), r.Path)
	if errors.Is(err, fs.ErrPermission) && isSticky(filepath.Dir(r.Path)) {
		return &RightsError{filepath.Base(r.Path),
			"may be replaced by its owner alone, as its folder is sticky"}
	}
	if err != nil {
		return fmt.Errorf("replace ticket: %w", err)
	}
	r.content = nil
	Step("renamed")
	return nil
}

// isSticky reports whether in a folder a file may be written by many, and replaced by its owner
// alone.
func isSticky(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.Mode()&fs.ModeSticky != 0
}

// Sync makes the rename durable.
func (r *Replacement) Sync() error {
	if err := SyncFolder(r.folder); err != nil {
		return fmt.Errorf("sync the ticket folder: %w", err)
	}
	Step("folder synced")
	return nil
}

// Discard removes what was prepared and not used. What it cannot remove is hidden, and replaced by
// the next writer.
func (r *Replacement) Discard() {
	if r.content != nil {
		_ = os.Remove(TempPath(r.Path))
	}
	if r.folder != nil {
		_ = r.folder.Close()
	}
}

// writeTemp writes and syncs a new file, with the rights of the one that it will replace, or for a
// new ticket with those of its folder.
func writeTemp(folder *rawfile.File, path string, content []byte, old fs.FileInfo) (err error) {
	if old != nil {
		if err := mayWrite(path); err != nil {
			return err
		}
	}
	temp := TempPath(path)
	f, err := createTemp(folder, temp, old)
	if errors.Is(err, fs.ErrExist) {
		// A killed writer's. Removed rather than truncated: it may have other rights.
		if _, err := Lstat(temp); err != nil {
			return err
		}
		if err := os.Remove(temp); err != nil {
			return err
		}
		f, err = createTemp(folder, temp, old)
	}
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	Step("temp created")
	if _, err := f.Write(content); err != nil {
		return err
	}
	if old != nil {
		if err := keepRights(f, path, old); err != nil {
			return err
		}
	}
	Step("temp written")
	return SyncFile(f)
}

// createTemp makes a temp file. Until it has the rights of the file that it replaces, nobody else
// may read it.
func createTemp(folder *rawfile.File, temp string, old fs.FileInfo) (*rawfile.File, error) {
	if old == nil {
		f, err := create(temp, os.O_WRONLY, true)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			_ = os.Remove(temp)
		}
		return f, err
	}
	return rawfile.OpenIn(folder, filepath.Base(temp), os.O_WRONLY|os.O_CREATE|os.O_EXCL,
		old.Mode().Perm()&0o600)
}

// Syncable is an open file, of this package or of package os.
type Syncable interface {
	Name() string
	Sync() error
}

// SyncFile makes the content of an open file durable. A variable, so that tests can see that it is
// called, and let it fail.
var SyncFile = Syncable.Sync

// SyncFolder makes the names in an open folder durable. A variable, so that tests can let it fail.
var SyncFolder = fsyncFolder

// OpenDir opens a folder.
func OpenDir(dir string) (*rawfile.File, error) {
	return rawfile.Open(dir, os.O_RDONLY|onlyFolder, 0)
}

// SyncPath makes the names in a folder durable.
func SyncPath(dir string) error {
	folder, err := OpenDir(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return SyncFolder(folder)
}
