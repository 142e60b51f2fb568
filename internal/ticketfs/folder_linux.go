package ticketfs

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// folder is an open folder whose files are looked at by name: without the whole path a look costs half.
type folder struct{ *os.File }

func openFolder(dir string) (folder, error) {
	f, err := os.Open(dir)
	return folder{f}, err
}

func (f folder) close() { _ = f.Close() }

// stamp is Lstat for one file of the folder.
func (f folder) stamp(name string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(int(f.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return stamp{}, err
	}
	return stamp{ino: st.Ino, links: uint64(st.Nlink), size: st.Size, mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano()}, nil
}

func stampOf(info fs.FileInfo) stamp {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}
	}
	return stamp{ino: st.Ino, links: uint64(st.Nlink), size: st.Size, mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano()}
}
