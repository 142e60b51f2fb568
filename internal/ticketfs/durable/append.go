package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Append writes text behind the end of the file at path, by one write and without a sync. The file is made when it is not
// there, with the rights of its folder, which must be there. It follows no link and waits for no reader of a FIFO.
func Append(path string, text []byte) error {
	const flags = os.O_WRONLY | os.O_APPEND | NoFollow
	// Without O_CREATE first: in a folder with the sticky bit that is refused for files of other users.
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = createAsFolder(path, flags)
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err == nil {
		_, err = f.Write(text)
	}
	return errors.Join(err, f.Close())
}

func createAsFolder(path string, flags int) (*os.File, error) {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	mode := folder.Mode().Perm() & 0o666
	f, err := os.OpenFile(path, flags|os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	if err := takeRights(path, folder, mode); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// MakeFolder makes a folder with the rights of the one that it is in: whoever may write there may write here, whatever the
// umask of whoever came first. One that is there is fine.
func MakeFolder(path string) error {
	above, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	if err := os.Mkdir(path, above.Mode().Perm()); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return CheckFolder(path)
		}
		return err
	}
	return takeRights(path, above, above.Mode().Perm())
}

// CheckFolder returns a NotFolderError unless a folder stands at path itself: a link could lead anywhere.
func CheckFolder(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() {
		err = &NotFolderError{filepath.Base(path)}
	}
	return err
}
