package durable

import (
	"io/fs"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// folder is an open folder whose files are looked at by name: without the whole path a look costs
// half.
type Folder struct {
	dir  string
	file *rawfile.File
	fd   int
}

func OpenFolder(dir string) (Folder, error) {
	f, err := OpenDir(dir)
	if err != nil {
		return Folder{}, err
	}
	return Folder{dir, f, int(f.Fd())}, nil
}

func (f Folder) Close() { _ = f.file.Close() }

// names returns the names of all files, in no order.
func (f Folder) Names() ([]string, error) { return f.file.Readdirnames(-1) }

// stamp is Lstat for one file of the folder.
func (f Folder) Stamp(name string) (Stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Stamp{}, err
	}
	return stampFrom(&st), nil
}

// read is readFile for one file of the folder, into buffer when there is room: by four system calls
// instead of six, and without a copy to be thrown away. Whatever is not as usual is left to
// readFile, whose errors say what it is.
func (f Folder) Read(name string, buffer []byte, most int) (content []byte, s Stamp, err error) {
	if n, st, ok := f.readInto(buffer, name); ok {
		return buffer[:n], stampFrom(&st), nil
	}
	whole, err := ReadFile(filepath.Join(f.dir, name), most)
	if whole.Content == nil {
		return nil, s, err
	}
	return whole.Content, stampOf(whole.Info), err
}

func (f Folder) readInto(buffer []byte, name string) (n int, st unix.Stat_t, ok bool) {
	fd, err := unix.Openat(f.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|NoFollow, 0)
	if err != nil {
		return 0, st, false
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG ||
		st.Size >= int64(len(buffer)) {
		return 0, st, false
	}
	n, err = unix.Read(fd, buffer)
	return n, st, err == nil && int64(n) == st.Size
}

func stampFrom(st *unix.Stat_t) Stamp {
	return Stamp{ino: st.Ino, Links: uint64(st.Nlink), size: st.Size, Mtime: st.Mtim.Nano(),
		Ctime: st.Ctim.Nano()}
}

func stampOf(info fs.FileInfo) Stamp {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Stamp{}
	}
	return Stamp{ino: st.Ino, Links: uint64(st.Nlink), size: st.Size, Mtime: st.Mtim.Nano(),
		Ctime: st.Ctim.Nano()}
}
