package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// Whoever may write a folder may use what stands in it, whatever the umask of whoever came first:
// what is made here gets the rights of its folder, and what is replaced keeps those that it had. No
// right is gained that was denied before.

// RightsError says that a file cannot be replaced with the rights that it has.
type RightsError struct {
	name string
	why  string
}

func (e *RightsError) Error() string { return e.name + " " + e.why }

// MakeFile makes an empty file with the rights of the folder that it is in. One that is there is
// fine, whatever it is.
func MakeFile(path string) error {
	f, err := createAsFolder(path, os.O_WRONLY)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// createAsFolder makes a file that must not be there, with the rights of its folder.
func createAsFolder(path string, flags int) (*rawfile.File, error) {
	return create(path, flags, false)
}

// create makes a file that must not be there, with the rights of its folder. One that inherits gets
// the folder's default ACL instead, if there is one.
func create(path string, flags int, inherits bool) (*rawfile.File, error) {
	dir := filepath.Dir(path)
	folder, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	mode := folder.Mode().Perm() & 0o666
	f, err := rawfile.Open(path, flags|os.O_CREATE|os.O_EXCL|NoFollow, mode)
	if err != nil {
		return nil, err
	}
	if err := takeRights(f, dir, folder, mode, inherits); err != nil {
		return nil, errors.Join(fmt.Errorf("give %s the rights of its folder: %w",
			filepath.Base(path), err), f.Close())
	}
	return f, nil
}

// MakeFolder makes a folder with the rights of the one that it is in. One that is there is fine,
// anything else is a NotFolderError.
func MakeFolder(path string) error {
	dir := filepath.Dir(path)
	above, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := os.Mkdir(path, above.Mode().Perm()); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return CheckFolder(path)
		}
		return err
	}
	f, err := rawfile.Open(path, os.O_RDONLY|NoFollow, 0)
	if err != nil {
		return err
	}
	err = takeRights(f, dir, above, above.Mode()&(fs.ModePerm|fs.ModeSetgid), false)
	return errors.Join(err, f.Close())
}

// CheckFolder returns a NotFolderError unless a folder stands at path itself: a link could lead
// anywhere.
func CheckFolder(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() {
		err = &NotFolderError{filepath.Base(path)}
	}
	return err
}

// withoutGroup are the rights to give where a file must have another group: neither that one nor
// the members of the former one, who are others now, may do what they were denied.
func withoutGroup(mode fs.FileMode) fs.FileMode {
	both := mode & (mode << 3) & 0o070
	return mode&^0o077 | both | both>>3
}
