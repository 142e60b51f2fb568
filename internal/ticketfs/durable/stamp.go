package durable

// stamp tells whether a file was written since it was read.
type Stamp struct {
	ino, Links   uint64
	size         int64
	Mtime, Ctime int64 // Unix nanoseconds
}
