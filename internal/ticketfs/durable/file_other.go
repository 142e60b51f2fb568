//go:build !linux && !darwin

package durable

import (
	"io/fs"
	"os"
)

const NoFollow = 0

const onlyFolder = 0

// sameVersion compares what every system tells: identity, size and mtime.
func SameVersion(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
