package durable

import "golang.org/x/sys/unix"

// unproven are filesystems whose locks may not reach all their users, by the magic numbers of
// statfs(2).
var unproven = map[int64]string{
	0x6969:     "nfs",
	0xff534d42: "cifs",
	0xfe534d42: "smb2",
	0x517b:     "smb",
	0x65735546: "fuse",
	0x01021997: "9p",
	0x00c36400: "ceph",
	0x5346414f: "afs",
	0x786f4256: "vboxsf",
	0x7c7c6673: "prl_fs",
	0x47504653: "gpfs",
	0x0bd00bd0: "lustre",
	0x794c7630: "overlay",
}

// inMemory are filesystems that keep files in memory alone.
var inMemory = map[int64]string{
	0x01021994: "tmpfs",
	0x858458f6: "ramfs",
}

// UnprovenFS names the filesystem of dir when it is remote, FUSE-like or an overlay, so that a lock
// taken through it and one taken beside it may not see each other; "" for the others.
func UnprovenFS(dir string) (string, error) { return kindOf(dir, unproven) }

// MemoryFS names the filesystem of dir when it keeps files in memory alone: what is written there
// through a shared mapping changes no time of the file, and nothing survives the machine. "" for
// the others.
func MemoryFS(dir string) (string, error) { return kindOf(dir, inMemory) }

func kindOf(dir string, kinds map[int64]string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", err
	}
	return kinds[int64(uint32(st.Type))], nil
}
