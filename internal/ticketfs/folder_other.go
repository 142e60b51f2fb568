//go:build !linux

package ticketfs

import (
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a folder whose files are looked at by name.
type folder struct{ dir string }

func openFolder(dir string) (folder, error) { return folder{dir}, nil }

func (f folder) close() {}

// names returns the names of all files, in no order.
func (f folder) names() ([]string, error) {
	open, err := os.Open(f.dir)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	return open.Readdirnames(-1)
}

// stamp is Lstat for one file of the folder.
func (f folder) stamp(name string) (stamp, error) {
	info, err := os.Lstat(filepath.Join(f.dir, name))
	if err != nil {
		return stamp{}, err
	}
	return stampOf(info), nil
}

// read is readFile for one file of the folder.
func (f folder) read(name string, _ []byte, most int) (content []byte, s stamp, err error) {
	file, err := readFile(filepath.Join(f.dir, name), most)
	if err != nil || file.content == nil {
		return nil, s, err
	}
	return file.content, stampOf(file.info), nil
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
}
