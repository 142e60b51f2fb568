//go:build !linux

package ticketfs

import (
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a folder whose files are looked at by name.
type folder string

func openFolder(dir string) (folder, error) { return folder(dir), nil }

func (f folder) close() {}

// stamp is Lstat for one file of the folder.
func (f folder) stamp(name string) (stamp, error) {
	info, err := os.Lstat(filepath.Join(string(f), name))
	if err != nil {
		return stamp{}, err
	}
	return stampOf(info), nil
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
}
