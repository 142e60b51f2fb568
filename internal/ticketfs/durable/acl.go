//go:build unix

package durable

import "encoding/binary"

// acl is a POSIX access control list as Linux keeps it in an extended attribute: a version, then
// eight bytes an entry. nil is none.
type acl []byte

// The tags of entries.
const (
	aclUser        = 0x02
	aclOwningGroup = 0x04
	aclMask        = 0x10
)

const (
	aclHead  = 4
	aclEntry = 8
)

// entries calls yield for each entry, with where its rights stand.
func (a acl) entries(yield func(tag uint16, id uint32, rights []byte)) {
	for at := aclHead; at+aclEntry <= len(a); at += aclEntry {
		e := a[at : at+aclEntry]
		yield(binary.LittleEndian.Uint16(e), binary.LittleEndian.Uint32(e[4:]), e[2:4])
	}
}

// withoutExecute is the list for a file, of one for a folder.
func (a acl) withoutExecute() acl {
	file := append(acl{}, a...)
	file.entries(func(_ uint16, _ uint32, rights []byte) {
		binary.LittleEndian.PutUint16(rights, binary.LittleEndian.Uint16(rights)&0o6)
	})
	return file
}

// rights are those of the entry with a tag and, for a named user, an id; the mask, where there is
// one, bounds them.
func (a acl) rights(tag uint16, id uint32) (rights uint16, found bool) {
	mask := uint16(0o7)
	a.entries(func(t uint16, i uint32, r []byte) {
		switch {
		case t == aclMask:
			mask = binary.LittleEndian.Uint16(r)
		case t == tag && (tag != aclUser || i == id):
			rights, found = binary.LittleEndian.Uint16(r), true
		}
	})
	return rights & mask, found
}

func (a acl) user(uid uint32) (rights uint16, named bool) { return a.rights(aclUser, uid) }

func (a acl) owningGroup() uint16 {
	rights, _ := a.rights(aclOwningGroup, 0)
	return rights
}
