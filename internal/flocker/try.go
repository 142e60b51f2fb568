package flocker

import (
	"errors"
	"os"
	"runtime"
	"time"
)

// Try takes the exclusive lock on the file at path, which must exist, without waiting for whoever
// holds it: nil when somebody does. It does wait for probes (see Held), whose shared locks last an
// instant: a probe is not an owner.
func Try(path string) (*Lock, error) {
	const patience = time.Second // a probe that was stopped in its instant counts as an owner
	for began := time.Now(); time.Since(began) < patience; runtime.Gosched() {
		f, got, err := tryLock(path, way{lockFile, os.O_RDWR, nil})
		if err != nil {
			return nil, err
		}
		if !got {
			if held, err := Held(path); held || err != nil {
				return nil, err
			}
			continue // it was a probe
		}
		lock := &Lock{file: f, release: f.Unlock}
		if lock.seen, err = look(f); err == nil {
			err = lock.Check()
		}
		if err == nil {
			return lock, nil
		}
		unlockErr := f.Unlock()
		if !errors.Is(err, ErrReplaced) {
			return nil, err
		}
		if unlockErr != nil {
			return nil, unlockErr
		}
	}
	return nil, nil
}
