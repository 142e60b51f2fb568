//go:build unix

package board

import (
	"os"
	"path/filepath"
	"syscall"
)

// otherDevice reports whether path is on another device than the folder around it: without a table
// of mounts it is the only sign of one.
func otherDevice(path string) (bool, error) {
	here, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	around, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return false, err
	}
	a, isStat := here.Sys().(*syscall.Stat_t)
	b, isStatToo := around.Sys().(*syscall.Stat_t)
	return isStat && isStatToo && a.Dev != b.Dev, nil
}
