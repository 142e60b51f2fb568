package session

import (
	"errors"
	"time"
)

// Marks are where a process shows that the conversations it serves live, and sees who else does:
// locked slots in the folder of a board of this machine, or what stands for them on a board that
// many machines share. They are used by one goroutine at a time.
type Marks interface {
	// Serve shows that a conversation lives; without claim only one that was shown to live before,
	// by this process or another. With alone the error is ErrTwin where another process shows it.
	Serve(key string, call Call, claim, alone bool) error
	// Drop ends that this process shows a conversation to live, if it does.
	Drop(key string) error
	// Probe tells of a conversation. Dead is proven, never guessed.
	Probe(key string) Holder
	// Grace is for how long the tickets of a dead holder are still kept for it; 0 when anybody may
	// take them.
	Grace(h Holder) time.Duration
	// Leave is the orderly end of all that Serve did.
	Leave() error
}

// ErrTwin says that another process has an identity that cannot be shared.
var ErrTwin = errors.New("another process has this identity")

// Grace is that of the board's Marks.
func (p *Process) Grace(h Holder) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.Life != Dead || p.marks == nil {
		return 0
	}
	return p.marks.Grace(h)
}
