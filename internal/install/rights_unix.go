//go:build unix

package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// keepRights gives a new file the owner, the mode, and the access list and other extended
// attributes of the old one.
func keepRights(f *os.File, old string, info fs.FileInfo) error {
	was, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("unknown")
	}
	var is unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &is); err != nil {
		return err
	}
	if is.Uid != was.Uid || is.Gid != was.Gid {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return err
		}
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	return keepAttributes(f, old)
}

// giveToOwner gives what root made in somebody's folder to whose the folder is: a client that runs
// as them must be able to read its own configuration. Anybody else owns what they make.
func giveToOwner(path, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("unknown")
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}

func keepAttributes(f *os.File, old string) error {
	list := make([]byte, 64<<10)
	n, err := unix.Listxattr(old, list)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	value := make([]byte, 64<<10)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		size, err := unix.Getxattr(old, name, value)
		if err == nil {
			err = unix.Fsetxattr(int(f.Fd()), name, value[:size], 0)
		}
		// What the kernel keeps for itself, as the label of a security module, it gives to the new
		// file as well.
		if err != nil && !strings.HasPrefix(name, "security.") &&
			!strings.HasPrefix(name, "trusted.") {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// lockTime is how long an install waits for another one. It takes milliseconds.
const lockTime = 10 * time.Second

// lockFolder keeps other installs from the files of a folder. The folder itself is locked, so that
// nothing is left there.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			// Locked, or a filesystem that has no such locks: what is left is the look before the
			// rename.
			return func() { _ = f.Close() }, nil
		case time.Since(began) > lockTime:
			_ = f.Close()
			return nil, fmt.Errorf("%s is held by another program; run this again", dir)
		}
	}
}
