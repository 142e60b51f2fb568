//go:build unix

package flocker

import "syscall"

// openFlags for lock files: a symbolic link in their place is refused, not followed, and a FIFO
// does not block the open.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
