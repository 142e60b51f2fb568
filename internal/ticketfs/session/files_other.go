//go:build !unix

package session

import (
	"io/fs"
	"os"
	"time"
)

// identity: this system is not asked, so no mark proves anything here.
func identity(_ fs.FileInfo, err error) (dev, ino uint64, _ error) { return 0, 0, err }

func setTimes(path string, t time.Time) error { return os.Chtimes(path, t, t) }
