//go:build unix

package durable

import (
	"io/fs"
	"os"
	"syscall"
)

// takeRights gives what was just made at path the mode where the umask took some of it away, and, where root made it, the owner
// of its folder.
func takeRights(path string, folder fs.FileInfo, mode fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if of, ok := folder.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Lchown(path, int(of.Uid), int(of.Gid)); err != nil {
			return err
		}
	}
	if info.Mode().Perm() == mode {
		return nil
	}
	return os.Chmod(path, mode)
}
