//go:build unix

package session

import (
	"errors"
	"io/fs"
	"os"
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

// setTimes sets the times of a file, and follows no link. On a file of another user who shares it, only the present can be set.
func setTimes(path string, t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.EPERM) {
		return setTimesToNow(path)
	}
	return err
}

// takeRights gives a file or folder that was just made the rights of the folder it is in, whatever the umask: whoever may write
// there may lock there. Its group too, where that is allowed, and for root its owner.
func takeRights(path, folder string) error {
	like, err := os.Stat(folder)
	if err != nil {
		return err
	}
	made, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	owner := -1
	if os.Geteuid() == 0 {
		owner = int(st.Uid)
	}
	if err := os.Lchown(path, owner, int(st.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	mode := like.Mode().Perm()
	if !made.IsDir() {
		mode &= 0o666
	} else {
		mode |= like.Mode() & fs.ModeSetgid
	}
	if made.Mode()&(fs.ModePerm|fs.ModeSetgid) == mode {
		return nil
	}
	return os.Chmod(path, mode)
}
