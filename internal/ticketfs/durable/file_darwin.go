package durable

import (
	"io/fs"
	"syscall"
)

// noFollow refuses a symbolic link in a ticket's place and does not block on a FIFO.
const NoFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// onlyFolder refuses what is no folder, and does not block on a FIFO.
const onlyFolder = syscall.O_DIRECTORY

// sameVersion compares device, inode, size, mtime and ctime. ctime cannot be set back by a program
// that keeps the mtime.
func SameVersion(a, b fs.FileInfo) bool {
	x, okX := a.Sys().(*syscall.Stat_t)
	y, okY := b.Sys().(*syscall.Stat_t)
	return okX && okY && x.Dev == y.Dev && x.Ino == y.Ino && x.Size == y.Size &&
		x.Mtimespec == y.Mtimespec && x.Ctimespec == y.Ctimespec
}
