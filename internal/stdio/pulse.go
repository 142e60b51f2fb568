package stdio

import (
	"sync/atomic"
	"time"
)

// pulse is a periodic wake-up while requests are unanswered.
//
// Go's runtime stops the world to collect garbage. When it does so in the very moment in which a
// thread enters a system call that blocks, the read of the next request or a flock(2), it can miss
// that thread and wait for the call's return: with go1.26.8 about one of 50,000 calls took 1 s or 5
// s (TestStall shows it). What ends that wait is the runtime's monitor, which sleeps until the next
// timer; without a pulse that is the deadline of the call. An idle server has no pulse and uses no
// processor.
type pulse struct {
	on    atomic.Bool
	timer *time.Timer
}

// pulseTime bounds the wait. 10 ms cost a crowd of 128 processes that wait for a lock half of its
// rate: each beat wakes one.
const pulseTime = 250 * time.Millisecond

func newPulse() *pulse {
	p := &pulse{}
	p.timer = time.AfterFunc(time.Hour, func() {
		if p.on.Load() {
			p.timer.Reset(pulseTime)
		}
	})
	p.timer.Stop()
	return p
}

func (p *pulse) start() {
	p.on.Store(true)
	p.timer.Reset(pulseTime)
}

// stop may be passed by a beat that is under way, which is then the last.
func (p *pulse) stop() {
	p.on.Store(false)
	p.timer.Stop()
}
