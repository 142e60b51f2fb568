package durable

import (
	"fmt"
	"os"
	"time"
)

// Stamp tells whether a file was written since it was read.
type Stamp struct {
	ino, Links   uint64
	size         int64
	Mtime, Ctime int64 // Unix nanoseconds
}

// PathStamp is the stamp of what stands at path itself.
func PathStamp(path string) (Stamp, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stamp{}, err
	}
	return stampOf(info), nil
}

// String tells two stamps apart, also in a file.
func (s Stamp) String() string {
	return fmt.Sprintf("%x.%x.%x.%x.%x", s.ino, s.Links, s.size, s.Mtime, s.Ctime)
}

const (
	// tick is how far the clock of stamps may be behind: kernels before 6.13 stamp by the tick, 4
	// ms at 250 Hz, 10 ms at 100 Hz.
	tick = 20 * time.Millisecond
	// coarse is the granularity that a filesystem may have whose stamps show no fraction of a
	// second: FAT's is two seconds.
	coarse = 2 * time.Second
)

// Settled reports whether a later write must bear another stamp, for a file that was looked at
// then, in Unix nanoseconds, and had this one: its last change lies farther back than the
// granularity of the filesystem's times. Otherwise an equal stamp proves nothing, and bytes have to
// be compared.
func (s Stamp) Settled(looked int64) bool {
	granularity := tick
	if s.Mtime%int64(time.Second) == 0 && s.Ctime%int64(time.Second) == 0 {
		granularity += coarse
	}
	return looked-max(s.Mtime, s.Ctime) > int64(granularity)
}
