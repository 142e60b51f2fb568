//go:build !windows

package durable

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// replaceFile renames a file to the place of another one. os.Rename would look at that one first.
func replaceFile(source, target string) error {
	err := unix.Rename(source, target)
	for errors.Is(err, unix.EINTR) {
		err = unix.Rename(source, target)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: source, New: target, Err: err}
	}
	return nil
}
