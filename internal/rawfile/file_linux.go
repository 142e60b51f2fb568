package rawfile

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// File is an open file.
type File struct {
	fd   int
	path string
}

// Open is os.OpenFile.
func Open(path string, flags int, mode fs.FileMode) (*File, error) {
	return openAt(unix.AT_FDCWD, path, path, flags, mode)
}

// OpenIn opens a file of an open folder by its name there.
func OpenIn(folder *File, name string, flags int, mode fs.FileMode) (*File, error) {
	return openAt(folder.fd, name, filepath.Join(folder.path, name), flags, mode)
}

func openAt(folder int, name, path string, flags int, mode fs.FileMode) (*File, error) {
	var fd int
	err := again(func() (err error) {
		fd, err = syscall.Openat(folder, name, flags|syscall.O_CLOEXEC, uint32(mode.Perm()))
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &File{fd, path}, nil
}

// again makes a system call until no signal interrupts it.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// fault gives an error the file's name.
func (f *File) fault(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.path, Err: err}
}

// Name is the path that the file was opened by.
func (f *File) Name() string { return f.path }

// Fd is the descriptor.
func (f *File) Fd() uintptr { return uintptr(f.fd) }

// Close closes the file. As with os.File, an interrupted close has closed it.
func (f *File) Close() error {
	err := syscall.Close(f.fd)
	f.fd = -1
	if errors.Is(err, syscall.EINTR) {
		err = nil
	}
	return f.fault("close", err)
}

func (f *File) Read(b []byte) (n int, err error) {
	err = again(func() (err error) { n, err = syscall.Read(f.fd, b); return err })
	if err != nil {
		return 0, f.fault("read", err)
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write writes all of b.
func (f *File) Write(b []byte) (written int, err error) {
	for written < len(b) {
		var n int
		err := again(func() (err error) { n, err = syscall.Write(f.fd, b[written:]); return err })
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return written, f.fault("write", err)
		}
		written += n
	}
	return written, nil
}

// Readdirnames returns the names in an open folder, in no order, from where the last call ended; n
// must be negative, for all.
func (f *File) Readdirnames(n int) (names []string, err error) {
	const usual = 8 << 10 // as package os has it: some 250 names
	buffer := make([]byte, usual)
	for {
		var read int
		err := again(func() (err error) { read, err = unix.ReadDirent(f.fd, buffer); return err })
		if err != nil || read == 0 {
			return names, f.fault("readdirent", err)
		}
		_, _, names = unix.ParseDirent(buffer[:read], n, names)
	}
}

// Sync makes what was written durable.
func (f *File) Sync() error {
	return f.fault("sync", again(func() error { return syscall.Fsync(f.fd) }))
}

// Chmod sets the rights, and of the other bits the one of the group.
func (f *File) Chmod(mode fs.FileMode) error {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetgid != 0 {
		bits |= syscall.S_ISGID
	}
	return f.fault("chmod", again(func() error { return syscall.Fchmod(f.fd, bits) }))
}

// Chown sets owner and group; -1 leaves one as it is.
func (f *File) Chown(uid, gid int) error {
	return f.fault("chown", again(func() error { return syscall.Fchown(f.fd, uid, gid) }))
}

// Stat tells of the open file.
func (f *File) Stat() (fs.FileInfo, error) {
	i := &info{path: f.path}
	if err := again(func() error { return syscall.Fstat(f.fd, &i.stat) }); err != nil {
		return nil, f.fault("stat", err)
	}
	return i, nil
}

// Removed reports whether a file had no name left when it was looked at.
func Removed(info fs.FileInfo) bool { return info.Sys().(*syscall.Stat_t).Nlink == 0 }

// SameFile is os.SameFile, which knows only what package os has looked at.
func SameFile(a, b fs.FileInfo) bool {
	x, y := a.Sys().(*syscall.Stat_t), b.Sys().(*syscall.Stat_t)
	return x.Dev == y.Dev && x.Ino == y.Ino
}

// info is what the system said of an open file.
type info struct {
	path string
	stat syscall.Stat_t
}

func (i *info) Name() string       { return filepath.Base(i.path) }
func (i *info) Size() int64        { return i.stat.Size }
func (i *info) ModTime() time.Time { return time.Unix(i.stat.Mtim.Unix()) }
func (i *info) IsDir() bool        { return i.Mode().IsDir() }
func (i *info) Sys() any           { return &i.stat }

// The bits of a mode that tell the kind of a file, and those beside its rights.
var (
	kinds = [...]struct {
		bits uint32
		mode fs.FileMode
	}{
		{syscall.S_IFDIR, fs.ModeDir}, {syscall.S_IFLNK, fs.ModeSymlink},
		{syscall.S_IFIFO, fs.ModeNamedPipe}, {syscall.S_IFSOCK, fs.ModeSocket},
		{syscall.S_IFBLK, fs.ModeDevice}, {syscall.S_IFCHR, fs.ModeDevice | fs.ModeCharDevice},
	}
	extra = [...]struct {
		bit  uint32
		mode fs.FileMode
	}{{syscall.S_ISUID, fs.ModeSetuid}, {syscall.S_ISGID, fs.ModeSetgid}, {syscall.S_ISVTX, fs.ModeSticky}}
)

func (i *info) Mode() fs.FileMode {
	mode := fs.FileMode(i.stat.Mode).Perm()
	for _, k := range kinds {
		if i.stat.Mode&syscall.S_IFMT == k.bits {
			mode |= k.mode
		}
	}
	for _, e := range extra {
		if i.stat.Mode&e.bit != 0 {
			mode |= e.mode
		}
	}
	return mode
}
