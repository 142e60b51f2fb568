package session

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// self is the mark of this process, less what differs from slot to slot. No machine-id: an earlier
// boot proves nothing here.
var self = sync.OnceValue(func() mark {
	m := mark{PID: os.Getpid()}
	m.Host, _ = os.Hostname() // for people
	m.Boot, _ = unix.Sysctl("kern.bootsessionuuid")
	return m
})

// startOf: not asked here, so a process is no veto.
func startOf(int) uint64 { return 0 }

// sinceBoot: each process has its own clock.
func sinceBoot() (now time.Duration, shared bool) { return time.Since(loaded), false }
