//go:build unix

package stdio

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// hungUp reports whether nothing more can come from in than what is there: its other end is closed,
// or it is a file. It is asked only when we cannot read on to find out.
func hungUp(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return true
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: halfClosed}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR|halfClosed) != 0
}
