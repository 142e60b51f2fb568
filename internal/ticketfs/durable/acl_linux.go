package durable

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

const (
	accessACL   = "system.posix_acl_access"
	defaultACL  = "system.posix_acl_default"
	noAttribute = unix.ENODATA
)

// readACL reads the access ACL of a folder; nil where its mode says all.
func readACL(dir string) (acl, error) {
	return sized(func(b []byte) (int, error) { return unix.Getxattr(dir, accessACL, b) })
}

func hasDefaultACL(dir string) bool {
	n, err := unix.Getxattr(dir, defaultACL, nil)
	return err == nil && n > 0
}

func writeACL(f *rawfile.File, rule acl) error {
	return unix.Fsetxattr(int(f.Fd()), accessACL, rule, 0)
}

// removeACL takes away the ACL that the folder's default gave a new file.
func removeACL(f *rawfile.File) error {
	err := unix.Fremovexattr(int(f.Fd()), accessACL)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}
