//go:build linux || darwin

package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// attributes are the extended attributes of a file, less its ACL.
type attributes map[string][]byte

// readAttributes reads the extended attributes of a file and, apart from them, its access ACL.
func readAttributes(path string) (attributes, acl, error) {
	names, err := sized(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
	if errors.Is(err, fs.ErrNotExist) {
		err = &ChangedError{filepath.Base(path)}
	}
	if err != nil || len(names) == 0 {
		return nil, nil, err
	}
	var rule acl
	found := attributes{}
	for _, name := range strings.Split(string(bytes.TrimRight(names, "\x00")), "\x00") {
		value, err := sized(func(b []byte) (int, error) { return unix.Lgetxattr(path, name, b) })
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("read %s: %w", name, err)
		case name == accessACL:
			rule = value
		default:
			found[name] = value
		}
	}
	return found, rule, nil
}

// write gives a file the attributes. Those that the system or its administrator sets (security
// labels) are theirs where we may not.
func (a attributes) write(f *rawfile.File) error {
	for name, value := range a {
		err := unix.Fsetxattr(int(f.Fd()), name, value, 0)
		ours := strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "system.")
		if err != nil && (ours || !errors.Is(err, fs.ErrPermission) &&
			!errors.Is(err, unix.ENOTSUP)) {
			return fmt.Errorf("keep %s: %w", name, err)
		}
	}
	return nil
}

// sized calls a system call that fills a buffer, with one that is large enough. A file, or a
// filesystem, without what is asked for gives nothing.
func sized(fill func([]byte) (int, error)) ([]byte, error) {
	buffer := make([]byte, 256)
	for {
		n, err := fill(buffer)
		switch {
		case errors.Is(err, unix.ERANGE):
			buffer = make([]byte, 4*len(buffer))
			continue
		case errors.Is(err, noAttribute), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EPERM):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return buffer[:n], nil
	}
}
