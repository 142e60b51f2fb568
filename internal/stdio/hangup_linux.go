package stdio

import "golang.org/x/sys/unix"

// halfClosed is how poll(2) says that the other end of a socket sends no more.
const halfClosed = unix.POLLRDHUP
