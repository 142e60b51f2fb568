//go:build !linux

package durable

import (
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a folder whose files are looked at by name.
type Folder struct{ dir string }

func OpenFolder(dir string) (Folder, error) { return Folder{dir}, nil }

func (f Folder) Close() {}

// names returns the names of all files, in no order.
func (f Folder) Names() ([]string, error) {
	open, err := os.Open(f.dir)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	return open.Readdirnames(-1)
}

// stamp is Lstat for one file of the folder.
func (f Folder) Stamp(name string) (Stamp, error) {
	info, err := os.Lstat(filepath.Join(f.dir, name))
	if err != nil {
		return Stamp{}, err
	}
	return stampOf(info), nil
}

// read is readFile for one file of the folder.
func (f Folder) Read(name string, _ []byte, most int) (content []byte, s Stamp, err error) {
	file, err := ReadFile(filepath.Join(f.dir, name), most)
	if file.Content == nil {
		return nil, s, err
	}
	return file.Content, stampOf(file.Info), err
}

func stampOf(info fs.FileInfo) Stamp {
	return Stamp{size: info.Size(), Mtime: info.ModTime().UnixNano()}
}
