//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// takeRights gives what was just made at path the mode where the umask took some of it away, and, where root made it, the owner
// of its folder. A root that may not give files away leaves them its own.
func takeRights(path string, folder fs.FileInfo, mode fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if of, ok := folder.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		err := os.Lchown(path, int(of.Uid), int(of.Gid))
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	if info.Mode().Perm() == mode {
		return nil
	}
	return os.Chmod(path, mode)
}
