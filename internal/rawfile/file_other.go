//go:build !linux

package rawfile

import (
	"io/fs"
	"os"
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

// Removed reports whether a file had no name left when it was looked at: this system does not tell.
func Removed(fs.FileInfo) bool { return false }

// SameFile is os.SameFile.
func SameFile(a, b fs.FileInfo) bool { return os.SameFile(a, b) }
