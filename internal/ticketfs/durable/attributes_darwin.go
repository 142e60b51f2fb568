package durable

import "golang.org/x/sys/unix"

const (
	accessACL   = "" // no attribute has this name
	noAttribute = unix.ENOATTR
)
