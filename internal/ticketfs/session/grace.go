package session

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// grace is how long the tickets of a holder that was seen dead are kept for it: its host may just
// be restarting the server.
const grace = 10 * time.Second

// observation is that a holder was seen dead.
type observation struct {
	marks string // what its slots said
	at    time.Duration
}

// Grace is for how long the tickets of a dead holder are still kept for it; 0 when anybody may take
// them. It begins when somebody first asks, and all processes of this boot agree on it: the first
// one writes it down. So even processes that live for one call take over in the end, and no clock
// that can be set counts. What was written of other marks, on another boot or in the future counts
// for nothing. In a time namespace a process has only its own clock.
func (all *slots) Grace(h Holder) time.Duration {
	now, shared := all.process.SinceBoot()
	if boot := self().Boot; shared && boot != "" {
		path := filepath.Join(all.dir, Folder, h.Key+".seen")
		if o, ok := readSeen(path, boot); ok && o.marks == h.marks && o.at <= now {
			return max(0, grace-(now-o.at))
		}
		if writeSeen(path, boot, observation{h.marks, now}) == nil {
			return grace
		}
	}
	o, known := all.graces[h.Key]
	if !known || o.marks != h.marks {
		o = observation{h.marks, now}
		all.graces[h.Key] = o
	}
	return max(0, grace-(now-o.at))
}

// A file of an observation is one line of a fixed length: boot, nanoseconds since it, hash of the
// marks.
const seenForm = "%s %020d %s\n"

func readSeen(path, boot string) (observation, bool) {
	line, _, err := readLine(path)
	fields := bytes.Fields(line)
	if err != nil || len(fields) != 3 || string(fields[0]) != boot {
		return observation{}, false
	}
	at, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return observation{string(fields[2]), time.Duration(at)}, err == nil && at >= 0
}

// writeSeen writes an observation down. It is not synced: after a power loss it is another boot.
// Two who write at once write nearly the same.
func writeSeen(path, boot string, o observation) (err error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", filepath.Base(path))
	}
	f, err := os.OpenFile(path, os.O_WRONLY|durable.NoFollow, 0)
	if os.IsNotExist(err) {
		if err = durable.MakeFile(path); err == nil {
			f, err = os.OpenFile(path, os.O_WRONLY|durable.NoFollow, 0)
		}
	}
	if err != nil {
		return err
	}
	err = overwrite(f, fmt.Appendf(nil, seenForm, boot, o.at.Nanoseconds(), o.marks))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
