package flocker

import (
	"io/fs"
	"os"
	"runtime"
	"time"
)

// Try takes the exclusive lock on the file at path, which must exist, without waiting for whoever holds it: nil when
// somebody does. It does wait for probes (see Held), whose shared locks last an instant: a probe is not an owner.
func Try(path string) (*Lock, error) {
	const patience = time.Second // a probe that was stopped in its instant counts as an owner
	for began := time.Now(); ; runtime.Gosched() {
		f, got, err := tryLock(path, os.O_RDWR)
		if err != nil {
			return nil, err
		}
		if got {
			same, err := atPath(f)
			if same && err == nil {
				return &Lock{file: f, release: f.Unlock}, nil
			}
			if unlockErr := f.Unlock(); err == nil {
				err = unlockErr
			}
			if err != nil {
				return nil, err
			}
			continue // it was replaced between open and lock
		}
		held, err := Held(path)
		if err != nil || held || time.Since(began) > patience {
			return nil, err
		}
	}
}

// Info is what the system says of the locked file, at its path or not.
func (l *Lock) Info() (fs.FileInfo, error) { return l.file.Stat() }
