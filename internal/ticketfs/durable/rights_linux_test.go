package durable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain serves also as the program of other users: it replaces a file, appends to one, or makes
// files.
func TestMain(m *testing.M) {
	what := os.Getenv("DURABLE_CHILD")
	if what == "" {
		os.Exit(m.Run())
	}
	path := os.Args[1]
	syscall.Umask(0o077)
	var err error
	switch what {
	case "replace":
		var old File
		if old, err = ReadFile(path, 1<<20); err == nil {
			err = (&Replacement{Path: path, Old: old}).replace("new")
		}
	case "append":
		err = Append(path, []byte("row\n"))
	case "make":
		err = errors.Join(MakeFile(path), MakeFolder(path+".d"))
	}
	if err != nil {
		fmt.Print(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// needsRoot skips where nobody may give files away. The ids are of nobody whom the system knows.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be several users")
	}
}

const (
	ada, bob   = 61001, 61002
	team, none = 61010, 61011
)

// as runs what a user does with a path, and returns what went wrong.
func as(t *testing.T, what, path string, uid uint32, groups ...uint32) string {
	t.Helper()
	// The test's program may stand where other users cannot go.
	program := filepath.Join(t.TempDir(), "program")
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	open := filepath.Dir(program)
	for ; err == nil && open != filepath.Dir(os.TempDir()) &&
		open != "/"; open = filepath.Dir(open) {
		if info, statErr := os.Stat(open); statErr == nil && info.Mode()&0o001 == 0 {
			err = os.Chmod(open, info.Mode().Perm()|0o011)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, path)
	c.Env = append(os.Environ(), "DURABLE_CHILD="+what)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: groups[0],
		Groups: groups}}
	out, err := c.Output()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}

// entry is one of an ACL.
type entry struct {
	tag, rights uint16
	id          uint32
}

func listOf(entries ...entry) acl {
	list := acl{2, 0, 0, 0}
	for _, e := range entries {
		list = binary.LittleEndian.AppendUint16(list, e.tag)
		list = binary.LittleEndian.AppendUint16(list, e.rights)
		list = binary.LittleEndian.AppendUint32(list, e.id)
	}
	return list
}

const anyID = 1<<32 - 1

// groupReads is user::rw-, user:bob:rw-, group::r--, mask::rw-, other::---: its mode shows the mask
// for the group's rights.
var groupReads = listOf(entry{1, 6, anyID}, entry{2, 6, bob}, entry{4, 4, anyID},
	entry{16, 6, anyID}, entry{32, 0, anyID})

func setACL(t *testing.T, path, name string, list acl) {
	t.Helper()
	if err := unix.Setxattr(path, name, list, 0); errors.Is(err, unix.ENOTSUP) {
		t.Skip("this filesystem has no ACLs")
	} else if err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// rightsOf is owner, group and mode, and the access ACL.
func rightsOf(t *testing.T, path string) (string, acl) {
	t.Helper()
	info, err := os.Lstat(path)
	must(t, err)
	list, err := readACL(path)
	must(t, err)
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d %s", st.Uid, st.Gid, info.Mode()), list
}

// TestRootKeepsAll: whatever root replaces stays its owner's, with mode, ACL and attributes,
// whatever the umask and the folder.
func TestRootKeepsAll(t *testing.T) {
	needsRoot(t)
	defer syscall.Umask(syscall.Umask(0o077))
	for _, mode := range []fs.FileMode{0o640, 0o664, 0o600, 0o444, 0o666} {
		path, _ := board(t, "old")
		must(t, os.Chown(path, ada, team), os.Chmod(path, mode))
		setACL(t, filepath.Dir(path), defaultACL,
			listOf(entry{1, 7, anyID}, entry{2, 7, bob}, entry{4, 7, anyID}, entry{16, 7, anyID},
				entry{32, 7, anyID}))
		must(t, unix.Setxattr(path, "user.note", []byte("kept"), 0))
		before, _ := rightsOf(t, path)
		must(t, reading(t, path).replace("new"))
		after, list := rightsOf(t, path)
		if after != before || list != nil {
			t.Errorf("%s became %s, ACL %x", before, after, list)
		}
		value := make([]byte, 9)
		if n, err := unix.Getxattr(path, "user.note", value); err != nil ||
			string(value[:n]) != "kept" {
			t.Errorf("the attribute is %q (%v)", value[:n], err)
		}
	}
	path, _ := board(t, "old")
	must(t, os.Chown(path, ada, team))
	setACL(t, path, accessACL, groupReads)
	before, _ := rightsOf(t, path)
	must(t, reading(t, path).replace("new"))
	if after, list := rightsOf(t, path); after != before || string(list) != string(groupReads) {
		t.Errorf("%s became %s, ACL %x", before, after, list)
	}
}

// TestOtherUserReplaces: a user who is not the owner keeps what can be kept, or is refused; nobody
// gains a right.
func TestOtherUserReplaces(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	needsRoot(t)
	all := listOf(entry{1, 6, anyID}, entry{4, 6, anyID}, entry{16, 6, anyID}, entry{32, 6, anyID})
	for _, test := range []struct {
		name          string
		owner, group  int
		mode          fs.FileMode
		list          acl
		groups        []uint32 // of bob
		after, denied string
	}{
		{name: "in the group", owner: ada, group: team, mode: 0o664, groups: []uint32{none, team},
			after: "61002:61010 -rw-rw-r--"},
		{name: "in the group, private", owner: ada, group: team, mode: 0o660,
			groups: []uint32{none, team}, after: "61002:61010 -rw-rw----"},
		{name: "not writable", owner: ada, group: team, mode: 0o644, groups: []uint32{none, team},
			denied: "may not be written"},
		{name: "of root", owner: 0, group: team, mode: 0o660, groups: []uint32{team},
			after: "61002:61010 -rw-rw----"},
		{name: "by the others", owner: ada, group: team, mode: 0o666, groups: []uint32{none},
			after: "61002:61011 -rw-rw-rw-"},
		{name: "the group was denied what others may", owner: ada, group: team, mode: 0o606,
			groups: []uint32{none}, denied: "could not write it"},
		{name: "the owner would be locked out", owner: ada, group: team, mode: 0o646,
			groups: []uint32{none}, denied: "could not write it"},
		{name: "an ACL, its group kept", owner: ada, group: team, list: all,
			groups: []uint32{none, team}, after: "61002:61010 -rw-rw-rw-"},
		{name: "an ACL, its group lost", owner: ada, group: team, list: all, groups: []uint32{none},
			denied: "cannot keep"},
		{name: "an ACL whose group only reads", owner: ada, group: team, list: groupReads,
			groups: []uint32{none, team}, denied: "could not write it"},
		{name: "own", owner: bob, group: team, mode: 0o640, groups: []uint32{none, team},
			after: "61002:61010 -rw-r-----"},
		{name: "own, of a group that was left", owner: bob, group: team, mode: 0o660,
			groups: []uint32{none}, after: "61002:61011 -rw-------"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, _ := board(t, "old")
			must(t, os.Chmod(filepath.Dir(path), 0o777), os.Chown(path, test.owner, test.group),
				os.Chmod(path, test.mode))
			if test.list != nil {
				setACL(t, path, accessACL, test.list)
			}
			before, _ := rightsOf(t, path)
			said := as(t, "replace", path, bob, test.groups...)
			after, list := rightsOf(t, path)
			if test.denied != "" {
				if !strings.Contains(said, test.denied) || after != before ||
					textOf(t, path) != "old" {
					t.Errorf("said %q; %s became %s, %q", said, before, after, textOf(t, path))
				}
				return
			}
			if said != "" || after != test.after || string(list) != string(test.list) ||
				textOf(t, path) != "new" {
				t.Errorf("said %q; %s became %s, want %s; ACL %x", said, before, after, test.after,
					list)
			}
		})
	}
}

// TestMadeAsFolder: what is made has the rights of its folder, of root's also the owner, whatever
// the umask.
func TestMadeAsFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	needsRoot(t)
	withExecute := listOf(entry{1, 7, anyID}, entry{2, 7, bob}, entry{4, 5, anyID},
		entry{16, 7, anyID}, entry{32, 0, anyID})
	without := listOf(entry{1, 6, anyID}, entry{2, 6, bob}, entry{4, 4, anyID}, entry{16, 6, anyID},
		entry{32, 0, anyID})
	inherited := listOf(entry{1, 7, anyID}, entry{4, 5, anyID}, entry{16, 5, anyID},
		entry{32, 0, anyID})
	for _, test := range []struct {
		name                 string
		mode                 fs.FileMode
		list, inherit        acl // of the folder
		uid                  uint32
		groups               []uint32
		file, folder, ticket string
		acl                  acl
	}{
		{name: "root", mode: 0o755, groups: []uint32{0}, file: "61001:61010 -rw-r--r--",
			folder: "61001:61010 drwxr-xr-x", ticket: "61001:61010 -rw-r--r--"},
		{name: "a group's", mode: 0o775 | fs.ModeSetgid, uid: bob, groups: []uint32{none, team},
			file: "61002:61010 -rw-rw-r--", folder: "61002:61010 dgrwxrwxr-x", ticket: "61002:61010 -rw-rw-r--"},
		{name: "a group's without its bit", mode: 0o770, uid: bob, groups: []uint32{none, team},
			file: "61002:61010 -rw-rw----", folder: "61002:61010 drwxrwx---", ticket: "61002:61010 -rw-rw----"},
		{name: "everybody's", mode: 0o777 | fs.ModeSticky, uid: bob, groups: []uint32{none},
			file: "61002:61011 -rw-rw-rw-", folder: "61002:61011 drwxrwxrwx", ticket: "61002:61011 -rw-rw-rw-"},
		{name: "of another group, whose former members were to have less than the others",
			mode: 0o757, uid: bob, groups: []uint32{none},
			file: "61002:61011 -rw-r--r--", folder: "61002:61011 drwxr-xr-x", ticket: "61002:61011 -rw-r--r--"},
		{name: "an ACL", list: withExecute, groups: []uint32{0}, file: "61001:61010 -rw-rw----",
			folder: "61001:61010 drwxrwx---",
			ticket: "61001:61010 -rw-rw----", acl: without},
		{name: "a default ACL is the tickets' alone", mode: 0o775, inherit: inherited,
			groups: []uint32{0},
			file:   "61001:61010 -rw-rw-r--", folder: "61001:61010 drwxrwxr-x", ticket: "61001:61010 -rw-r-----"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tickets")
			must(t, os.Mkdir(dir, 0o777), os.Chown(dir, ada, team), os.Chmod(dir, test.mode))
			if test.list != nil {
				setACL(t, dir, accessACL, test.list)
			}
			if test.inherit != nil {
				setACL(t, dir, defaultACL, test.inherit)
			}
			for name, what := range map[string]string{"lock": "make", "rows": "append",
				"t.md": "replace"} {
				if said := as(t, what, filepath.Join(dir, name), test.uid,
					test.groups...); said != "" {
					t.Fatalf("%s: %s", what, said)
				}
			}
			for name, want := range map[string]string{"lock": test.file, "rows": test.file,
				"lock.d": test.folder, "t.md": test.ticket} {
				got, list := rightsOf(t, filepath.Join(dir, name))
				if got != want || test.acl != nil && name != "lock.d" &&
					string(list) != string(test.acl) {
					t.Errorf("%s is %s, want %s; ACL %x", name, got, want, list)
				}
			}
			// Whoever may write the folder may write there, also in a sticky one.
			if test.mode&0o077 == 0o077 {
				if said := as(t, "append", filepath.Join(dir, "rows"), 61003, 61003); said != "" {
					t.Errorf("another user: %s", said)
				}
			}
		})
	}
}

// TestFormerOwner: of whom the system knows, it is also known whether they are in the group.
func TestFormerOwner(t *testing.T) {
	for _, test := range []struct {
		name   string
		uid    uint32
		member bool
		mode   fs.FileMode
		list   acl
		may    bool
	}{
		{"a member", ada, true, 0o660, nil, true},
		{"a member whom the group's rights deny what others may", ada, true, 0o606, nil, false},
		{"no member", ada, false, 0o660, nil, false},
		{"one of the others", ada, false, 0o606, nil, true},
		{"root", 0, false, 0o600, nil, true},
		{"named", bob, false, 0o660, groupReads, true},
		{"a member, as the list has it", ada, true, 0o660, groupReads, false},
	} {
		if may := mayStill(test.uid, test.member, test.mode, test.list); may != test.may {
			t.Errorf("%s: %v", test.name, may)
		}
	}
	if !maybeIn(ada, team) || !maybeIn(0, 0) || maybeIn(65534, 0) {
		t.Error("nobody is in the group of root, root is, and of unknown ones it is assumed")
	}
}
