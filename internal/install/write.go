package install

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// config is a configuration file at a path without links, as it was when it was read.
type config struct {
	path string
	text []byte      // nil for one that is not there
	info fs.FileInfo // nil for one that is not there
}

// resolve follows the links on the way to a configuration file, also to one that is not there yet.
// A project's file comes from its repository, which may be a stranger's: a link out of the project
// is refused. A user's own links lead where they lead.
func resolve(path, project string, scope string) (string, error) {
	there, rest := path, ""
	for {
		info, err := os.Lstat(there)
		if err == nil {
			if real, err := filepath.EvalSymlinks(there); err == nil {
				there = real
				break
			}
			if info.Mode()&fs.ModeSymlink != 0 {
				return "", fmt.Errorf("%s is a link that leads nowhere", there)
			}
			return "", err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		there, rest = filepath.Dir(there), filepath.Join(filepath.Base(there), rest)
	}
	real := filepath.Join(there, rest)
	if below, err := filepath.Rel(project, real); scope == "project" &&
		(err != nil || !filepath.IsLocal(below)) {
		return "", fmt.Errorf("%s is a link out of the project, to %s; it was not followed", path,
			real)
	}
	return real, nil
}

// openFolder makes the folder of a configuration file if need be, and keeps other installs from its
// files.
func openFolder(dir string) (unlock func(), err error) {
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	return lockFolder(dir)
}

func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if err := makeFolder(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // made by another install just now
		}
		return err
	}
	return giveToOwner(dir, above)
}

// readConfig reads a configuration file at a path without links. Nothing but a regular file is
// opened for long: a pipe would never end.
func readConfig(path string) (c config, err error) {
	c.path = path
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer f.Close()
	if c.info, err = f.Stat(); err != nil {
		return c, err
	}
	if !c.info.Mode().IsRegular() {
		return c, fmt.Errorf("%s is not a regular file", path)
	}
	c.text, err = io.ReadAll(f)
	return c, err
}

// replace writes text in the place of what was read: readers see the one or the other, never a
// part. The file keeps its mode, owner and access list. A new file of a user is nobody else's to
// read.
func (c config) replace(text []byte, scope string) (err error) {
	mode := fs.FileMode(0o600)
	if scope == "project" {
		mode = 0o666
	}
	if c.info != nil {
		mode = c.info.Mode().Perm()
		// A rename does not ask whether the file itself may be written.
		f, err := os.OpenFile(c.path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	// Not os.CreateTemp, whose files are 0600 whatever the umask would give.
	temp := filepath.Join(filepath.Dir(c.path),
		fmt.Sprintf(".%s.%08x.tmp", filepath.Base(c.path), rand.Uint32()))
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
	switch {
	case err != nil:
	case c.info == nil:
		err = giveToOwner(temp, filepath.Dir(c.path))
	default:
		if err = keepRights(f, c.path, c.info); err != nil {
			err = fmt.Errorf("keep the owner and rights of %s: %w", c.path, err)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// Clients write these files too, and take no lock.
	now, err := readConfig(c.path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now.text, c.text) || (now.info == nil) != (c.info == nil) {
		return fmt.Errorf("%s was changed by another program; nothing was written, run this again",
			c.path)
	}
	return os.Rename(temp, c.path)
}
