//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

// takeRights gives what was just made in a folder its mode, its access ACL and its group, where
// that is allowed, and for root its owner. Files are never executable. With a default ACL, what
// inherits is left as the system made it by that.
func takeRights(f *rawfile.File, dir string, folder fs.FileInfo, mode fs.FileMode,
	inherits bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is, want := info.Sys().(*syscall.Stat_t), folder.Sys().(*syscall.Stat_t)
	owner := -1
	if os.Geteuid() == 0 && is.Uid != want.Uid {
		owner = int(want.Uid)
	}
	if owner >= 0 || is.Gid != want.Gid {
		err := f.Chown(owner, int(want.Gid))
		switch {
		case denied(err):
			mode = withoutGroup(mode) // a root that may not give files away leaves them its own
		case err != nil:
			return err
		}
	}
	rule, err := readACL(dir)
	if err != nil {
		return err
	}
	switch {
	case inherits && hasDefaultACL(dir):
		return nil
	case rule != nil:
		if !info.IsDir() {
			rule = rule.withoutExecute()
		}
		return writeACL(f, rule)
	}
	if err := removeACL(f); err != nil {
		return err
	}
	if err := setMode(f, info, mode); !denied(err) { // FAT has no modes to set
		return err
	}
	return nil
}

// denied reports whether an owner or group may not be set, or is one that this user namespace does
// not know.
func denied(err error) bool {
	return errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, unix.EINVAL)
}

// setMode sets a mode where the file was made with another one, as info says.
func setMode(f *rawfile.File, info fs.FileInfo, mode fs.FileMode) error {
	if info.Mode()&(fs.ModePerm|fs.ModeSetgid) == mode {
		return nil
	}
	return f.Chmod(mode)
}

// keepRights gives a new file the owner, group, mode, ACL and extended attributes of the one at
// path, which it will replace. Where the owner cannot be kept, the former owner must still be able
// to read and write by group and mode.
func keepRights(f *rawfile.File, path string, old fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	attributes, rule, err := readAttributes(path)
	if err != nil {
		return err
	}
	mode := old.Mode().Perm()
	if was.Uid != is.Uid || was.Gid != is.Gid {
		err := f.Chown(int(was.Uid), int(was.Gid))
		if denied(err) {
			mode, err = keepGroup(f, path, was, mode, rule, was.Uid == is.Uid)
		}
		if err != nil {
			return err
		}
	}
	if err := attributes.write(f); err != nil {
		return err
	}
	if rule != nil {
		return writeACL(f, rule)
	}
	if err := removeACL(f); err != nil {
		return err
	}
	return setMode(f, info, mode)
}

// keepGroup keeps at least the group of a file whose owner cannot be kept, and returns the mode
// that then denies what was denied before. It refuses where the former owner, if it is not our own
// file, would be locked out.
func keepGroup(f *rawfile.File, path string, was *syscall.Stat_t, mode fs.FileMode, rule acl,
	own bool) (fs.FileMode, error) {
	name := filepath.Base(path)
	kept := true
	if err := f.Chown(-1, int(was.Gid)); denied(err) {
		if rule != nil {
			return 0, &RightsError{name,
				"has an ACL that you cannot keep, since you are not in its group"}
		}
		mode, kept = withoutGroup(mode), false
	} else if err != nil {
		return 0, err
	}
	if !own && !mayStill(was.Uid, kept && maybeIn(was.Uid, was.Gid), mode, rule) {
		return 0, &RightsError{name, "belongs to uid " + strconv.Itoa(int(was.Uid)) +
			", who could not write it any more if you replaced it"}
	}
	return mode, nil
}

// mayStill reports whether a former owner, who is no longer named as such, can read and write a
// file as a member of its group or as one of the others.
func mayStill(uid uint32, member bool, mode fs.FileMode, rule acl) bool {
	const readWrite = 0o6
	if uid == 0 {
		return true
	}
	if rights, named := rule.user(uid); named {
		return rights&readWrite == readWrite
	}
	rights := mode
	if member {
		rights = mode >> 3
		if rule != nil {
			rights = fs.FileMode(rule.owningGroup())
		}
	}
	return rights&readWrite == readWrite
}

// maybeIn reports whether a user is in a group. Of a user or a group that the system does not know
// it is assumed.
func maybeIn(uid, gid uint32) bool {
	g := strconv.Itoa(int(gid))
	if _, err := user.LookupGroupId(g); err != nil {
		return true
	}
	u, err := user.LookupId(strconv.Itoa(int(uid)))
	if err != nil {
		return true
	}
	groups, err := u.GroupIds()
	if err != nil {
		return true
	}
	for _, of := range groups {
		if of == g {
			return true
		}
	}
	return false
}

// mayWrite returns a RightsError when the caller may not write a file. That it may replace it is a
// right of the folder.
func mayWrite(path string) error {
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
	if errors.Is(err, fs.ErrPermission) {
		return &RightsError{filepath.Base(path), "may not be written by you"}
	}
	return nil // whatever else is wrong, the write itself meets and names
}
