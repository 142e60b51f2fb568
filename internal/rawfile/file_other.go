//go:build !linux

package rawfile

import (
	"io/fs"
	"os"
	"path/filepath"
)

// File is an open file.
type File struct{ *os.File }

// Open is os.OpenFile.
func Open(path string, flags int, mode fs.FileMode) (*File, error) {
	f, err := os.OpenFile(path, flags, mode)
	if err != nil {
		return nil, err
	}
	return &File{f}, nil
}

// OpenIn opens a file of an open folder by its name there.
func OpenIn(folder *File, name string, flags int, mode fs.FileMode) (*File, error) {
	return Open(filepath.Join(folder.Name(), name), flags, mode)
}

// Removed reports whether a file had no name left when it was looked at: this system does not tell.
func Removed(fs.FileInfo) bool { return false }

// SameFile is os.SameFile.
func SameFile(a, b fs.FileInfo) bool { return os.SameFile(a, b) }
