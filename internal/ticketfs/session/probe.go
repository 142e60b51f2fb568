package session

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Life is what can be told of the holder of a ticket.
type Life string

const (
	Mine  Life = "mine"  // the conversation that asks, or the person
	Alive Life = "alive" // a process holds a slot of the conversation; or it is a person
	Dead  Life = "dead"  // proven: see the package
	// no session named, no file, another machine's, a copy: it may live where we cannot see it
	Unknown Life = "unknown"
)

// Holder is what can be told of the holder of a ticket.
type Holder struct {
	Claim
	Life Life
	// of the living: when a call last came, to ten seconds; zero if not known. No rule uses it.
	LastCalled time.Time
	PID        int      // of the living: the process that it came to, 0 if not known
	Agents     []string // the names by which the conversation itself goes or went
	Elsewhere  []string // and those by which other living processes call it

	marks string // of the dead: what all its slots say, as a hash
}

// Holder tells of the holder whom a claim names, for the conversation that asks.
func (c Conversation) Holder(claim string) Holder {
	h := Holder{Claim: ParseClaim(claim), Life: Unknown}
	switch {
	case h.Person():
		h.Life = Alive
	case h.Key != "" && h.Key == c.Key && h.Name == AgentName(c.call.Agent):
		h.Life = Mine // by its own name: its slots would say nothing that anybody asks of it
	case h.Key != "":
		c.process.mu.Lock()
		defer c.process.mu.Unlock()
		named := h.Claim
		if c.process.marks != nil {
			h = c.process.marks.Probe(h.Key)
		}
		h.Claim = named
		if h.Key == c.Key {
			h.Life = Mine
		}
	}
	return h
}

// Probe tells of a conversation by its slots.
func (all *slots) Probe(key string) Holder {
	h := Holder{Claim: Claim{Key: key}, Life: Unknown}
	if durable.CheckFolder(filepath.Join(all.dir, Folder)) != nil {
		return h // a link would lead to marks of another board
	}
	proven, hash, found := true, sha256.New(), 0
	var called, pidCalled time.Time
	for n, missing := 0, 0; missing <= gap && n < maxSlots; n++ {
		s, err := look(slotPath(all.dir, key, n))
		if s.mtime.IsZero() {
			proven = proven && errors.Is(err, fs.ErrNotExist)
			missing++
			continue
		}
		if missing > 0 || err != nil {
			proven = false // somebody removed a slot before this one, or this one cannot be read
		}
		missing = 0
		found++
		h.Agents = append(h.Agents, s.mark.names("")...)
		if own := all.held[key]; s.held && s.mark.Agent != "" &&
			(own == nil || own.path != slotPath(all.dir, key, n)) {
			h.Elsewhere = append(h.Elsewhere, s.mark.Agent)
		}
		called = later(called, s.mtime)
		// The lock may be free where the file is a copy, or locks prove nothing.
		if s.held || err == nil && s.mark.lives() {
			h.Life = Alive
			if h.PID == 0 || s.mtime.After(pidCalled) {
				h.PID, pidCalled = s.mark.PID, s.mtime
			}
			continue
		}
		proven = proven && s.provesEnd(self())
		hash.Write(s.line)
		hash.Write([]byte{'\n'})
	}
	if h.Life == Alive {
		h.LastCalled = called
	}
	if h.Life == Unknown && found > 0 && proven && provable(all.dir) {
		h.Life, h.marks = Dead, hex.EncodeToString(hash.Sum(nil))
	}
	return h
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// gap is for how many missing slots the search for a living one goes on: there are none unless
// somebody removes files.
const gap = 3

// seenSlot is what a look at a slot shows.
type seenSlot struct {
	held     bool
	line     []byte
	mark     mark // zero if the file holds none
	dev, ino uint64
	mtime    time.Time
}

// look reads a slot, then probes its lock: a holder that signs in between is seen to hold it. The
// error says what is wrong with it; that it is held is told in any case. Without an mtime nothing
// is there, or nothing that can be seen.
func look(path string) (seenSlot, error) {
	var s seenSlot
	info, err := os.Lstat(path)
	if err != nil {
		return s, err
	}
	s.mtime = info.ModTime()
	if !info.Mode().IsRegular() {
		return s, errors.New("not a regular file")
	}
	line, info, err := readLine(path)
	if err == nil {
		s.line = line
		if s.mark, err = parseMark(line); err == nil {
			s.dev, s.ino, err = identity(info, nil)
		}
	}
	held, lockErr := flocker.Held(path)
	s.held = held
	return s, errors.Join(err, lockErr)
}

// provesEnd reports whether a slot whose lock is free shows that its holder has ended, to a process
// that is here.
func (s seenSlot) provesEnd(here mark) bool {
	m := s.mark
	if s.held || m.Boot == "" || here.Boot == "" || m.Ino == 0 || m.Ino != s.ino {
		return false
	}
	if m.Boot == here.Boot {
		return m.Dev == s.dev
	}
	// The numbers of devices change from boot to boot.
	return m.Machine != "" && m.Machine == here.Machine && m.Host != "" && m.Host == here.Host
}

// lives reports whether the process of a mark is seen to live.
func (m mark) lives() bool {
	here := self()
	return m.Boot == here.Boot && m.PIDNS != 0 && m.PIDNS == here.PIDNS && m.Start != 0 &&
		startOf(m.PID) == m.Start
}

// LivenessOK is what Liveness says where nothing limits it.
const LivenessOK = "ok"

// Liveness says what limits this process in telling who of a folder's holders lives.
func Liveness(dir string) string {
	here := self()
	_, shared := sinceBoot()
	switch {
	case here.Boot == "":
		return "no holder is ever proven dead: this system does not tell one boot from another"
	case !provable(dir):
		return "no holder is ever proven dead: locks on this filesystem may be out of sight"
	case here.Machine == "" || here.Host == "":
		return "no holder is proven dead after a reboot: this system has no machine-id"
	case !shared:
		return "this process waits ten seconds of its own clock for the dead, which is not the others' (a time namespace)"
	}
	return LivenessOK
}

// provable reports whether a free lock in a folder can prove an end at all: not on a remote or
// FUSE-like filesystem, where others may hold locks that we do not see. Those who reach the files
// of an overlay beside it see them on another device.
func provable(dir string) bool {
	kind, err := durable.UnprovenFS(dir)
	return err == nil && (kind == "" || kind == "overlay")
}
