package stdio

import (
	"io"
	"log/slog"
	"sync"
	"time"
)

// maxQueued bounds the answers that wait for the host to read, in bytes. Beyond it calls wait
// before they can answer.
const maxQueued = 64 << 20

// outbox writes messages to the host, in the order in which they are put in. They wait in memory,
// so that a host may send many requests before it reads the first answer, and so that nothing waits
// in the middle of a call for a host that does not read.
type outbox struct {
	out io.Writer
	log *slog.Logger

	mu      sync.Mutex
	changed *sync.Cond
	queue   [][]byte
	size    int       // of the queue and the message that is being written, in bytes
	since   time.Time // when the write that is under way began; zero for none
	deaf    bool      // the host has closed its end
	closed  bool      // no more messages come

	late     *time.Timer   // a periodic wake-up while the host does not take a message
	progress chan struct{} // told when a message is written
	done     chan struct{} // closed when the last message is written
}

// newOutbox calls unread now and then while the host does not take a message.
func newOutbox(out io.Writer, log *slog.Logger, progress chan struct{}, unread func()) *outbox {
	o := &outbox{out: out, log: log, progress: progress, done: make(chan struct{})}
	o.changed = sync.NewCond(&o.mu)
	o.late = time.AfterFunc(time.Hour, func() {
		if o.stuck(DrainTime) {
			unread()
			o.late.Reset(DrainTime / 5)
		}
	})
	o.late.Stop()
	go o.run()
	return o
}

// put adds a message, which it keeps. It waits while too much is queued.
func (o *outbox) put(message []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.size > maxQueued && !o.deaf {
		o.changed.Wait()
	}
	if o.deaf || o.closed {
		return
	}
	o.queue = append(o.queue, message)
	o.size += len(message)
	o.changed.Broadcast()
}

// run writes until the outbox is closed and empty.
func (o *outbox) run() {
	defer close(o.done)
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.queue) == 0 && !o.closed {
			o.changed.Wait()
		}
		if len(o.queue) == 0 {
			return
		}
		message := o.queue[0]
		o.queue = o.queue[1:]
		o.since = time.Now()
		o.mu.Unlock()
		o.late.Reset(DrainTime)
		_, err := o.out.Write(message)
		o.late.Stop()
		o.mu.Lock()
		o.since = time.Time{}
		o.size -= len(message)
		if err != nil {
			// What becomes of answers is not the calls' business: those that are under way go on to
			// their end.
			o.log.Warn("write answer", "err", err)
			o.deaf, o.queue, o.size = true, nil, 0
		}
		o.changed.Broadcast()
		tell(o.progress) // behind the size: who is told looks at it
	}
}

// empty reports whether the host has taken everything, or never will.
func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size == 0
}

// stuck reports whether the host has not taken a message for this long.
func (o *outbox) stuck(d time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero() && time.Since(o.since) >= d
}

// close waits until everything is written.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.changed.Broadcast()
	o.mu.Unlock()
	<-o.done
}

// tell tells a channel of capacity 1 that something happened.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
