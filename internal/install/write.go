package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readConfig reads a configuration file; nil for one that is not there.
func readConfig(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		// A link that leads nowhere is a fault, not a file to be made.
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s is a link that leads nowhere", path)
		}
		return nil, nil
	}
	if err == nil && text == nil {
		text = []byte{}
	}
	return text, err
}

// replaceConfig writes text in the place of old, what readConfig returned: readers see the one or the other, never a part. The
// file keeps its mode, and a link to it stays a link. A new file of a user is nobody else's to read.
func replaceConfig(path string, old, text []byte, scope string) (err error) {
	mode := fs.FileMode(0o600)
	if scope == "project" {
		mode = 0o666
	}
	if old == nil {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
	} else {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	// Not os.CreateTemp, whose files are 0600 whatever the umask would give.
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d.tmp", filepath.Base(path), os.Getpid()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp))
		}
	}()
	_, err = f.Write(text)
	if err == nil && old != nil {
		err = f.Chmod(mode) // what the umask took
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// Clients write these files too.
	now, err := readConfig(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) || (now == nil) != (old == nil) {
		return fmt.Errorf("%s was changed by another program; nothing was written, run this again", path)
	}
	return os.Rename(temp, path)
}
