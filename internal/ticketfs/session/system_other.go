//go:build !linux && !darwin

package session

import (
	"os"
	"sync"
	"time"
)

// self is the mark of this process, less what differs from slot to slot. No boot is named: nobody
// is proven dead here.
var self = sync.OnceValue(func() mark {
	m := mark{PID: os.Getpid()}
	m.Host, _ = os.Hostname() // for people
	return m
})

// startOf: not asked here, so a process is no veto.
func startOf(int) uint64 { return 0 }

// sinceBoot: each process has its own clock.
func sinceBoot() (now time.Duration, shared bool) { return time.Since(loaded), false }
