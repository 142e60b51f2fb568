//go:build unix

package session

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// identity is the device and inode of a file.
func identity(info fs.FileInfo, err error) (dev, ino uint64, _ error) {
	if err != nil {
		return 0, 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.New("the system tells no inode")
	}
	return uint64(st.Dev), st.Ino, nil
}

// setTimes sets the times of a file, and follows no link. On a file of another user who shares it,
// only the present can be set.
func setTimes(path string, t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.EPERM) {
		return setTimesToNow(path)
	}
	return err
}
