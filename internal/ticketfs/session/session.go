// Package session tells who works on a ticket, and whether they still live.
//
// A holder is a conversation of an agent with its host, or an agent that the conversation names. A
// process is only the witness that a conversation lives: one process may serve many conversations,
// and one conversation may go on in another process. Liveness is a kernel lock: each process that
// serves a conversation holds a slot of it, a locked file in .sessions, until the process ends,
// however it ends. So there are no heartbeats, and no time after which a living holder loses a
// ticket.
//
// Promised: Dead is proven, never guessed. Each slot of the conversation is free, and the mark in
// each shows that no lock on it can be out of sight: the file is the one that the holder signed, on
// this boot of the kernel or on an earlier one of this machine. Reading a slot never blocks, never
// follows a link and never reads more than 4 KiB, whatever stands in its place.
//
// Not promised: that a conversation which lives still knows of its ticket; a person decides that.
// Nor that a holder whom somebody else has proven dead comes back too late: the claim in the
// ticket, not the slot, says whose it is.
package session

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// ErrNoSession says that a command which acts for an agent's conversation may not claim: nobody
// shows that the conversation lives, and the command ends before its work does.
var ErrNoSession = errors.New("no living session")

// Process is this process: the conversations it serves, and what it knows of others. Its methods
// may be called by any number of goroutines.
type Process struct {
	Now func() time.Time
	// SinceBoot is a clock that all processes of this boot share; false where there is none.
	SinceBoot func() (time.Duration, bool)

	name    string // of the conversation that the environment names, "" for none
	visitor bool

	mu    sync.Mutex
	dir   string           // the ticket folder of the slots
	slots map[string]*slot // held, by key
	// own is the key of calls that name no conversation. It is the environment's where that is to
	// be had, else minted.
	own      string
	minted   string
	claimed  bool                   // own has claimed, and stays
	claiming int                    // claims of own that are being written, for which it stays too
	graces   map[string]observation // holders seen dead, for want of a common clock
}

// New is a process that serves conversations. name is what the environment calls the conversation
// of calls whose host names none, "" for nothing.
func New(name string, now func() time.Time) *Process {
	p := &Process{Now: now, SinceBoot: sinceBoot, name: name, slots: make(map[string]*slot),
		graces: make(map[string]observation)}
	p.minted = Key(rand.Text())
	p.own = p.minted
	if name != "" {
		p.own = Key(name)
	}
	return p
}

// NewVisitor is a process that acts for the conversation of the given name without being its
// witness, as a command in an agent's shell does: it holds no slot, and claims only while somebody
// else shows that the conversation lives. Without a name it never claims.
func NewVisitor(name string, now func() time.Time) *Process {
	p := New(name, now)
	p.visitor = true
	if name == "" {
		p.own = ""
	}
	return p
}

// Conversation is who calls.
type Conversation struct {
	Key     string // "" for a visitor whose conversation nobody names
	process *Process
	call    Call
}

// Call is what is known of a call.
type Call struct {
	Meta   map[string]any // the request's _meta
	Client string         // the client program's name, for people who look into the slot
	Agent  string         // the conversation's own name in claims
}

// Attend begins a call on the ticket folder dir ("" when there is none yet): it says whose call it
// is, and keeps the slots of that conversation. A conversation that has a slot file, of a former
// process, is alive again from here on.
func (p *Process) Attend(dir string, call Call) Conversation {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moveTo(dir)
	if call.Client != "" {
		call.Client = AgentName(call.Client) // a mark is small
	}
	named := NameIn(call.Meta)
	if dir != "" && !p.visitor {
		// An error here is met again, and told, by the Claim that cannot do without a slot. A call
		// that only reads can.
		if named != "" {
			_ = p.serve(Key(named), call, false, false)
		} else {
			_ = p.serveOwn(call, false)
		}
	}
	key := p.own
	if named != "" {
		key = Key(named)
	}
	return Conversation{Key: key, process: p, call: call}
}

// Claim makes sure that a claim of the conversation can be seen to live: that this process holds a
// signed slot of it. Calls that no host names may find that another client has their name; the
// conversation that it returns is the one to claim for. Where there is no error, Done must follow.
func (c Conversation) Claim() (Conversation, error) {
	p := c.process
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visitor {
		if p.name == "" || p.probe(c.Key).Life != Alive {
			return c, ErrNoSession
		}
		return c, nil
	}
	if NameIn(c.call.Meta) != "" {
		return c, p.serve(c.Key, c.call, true, false)
	}
	if err := p.serveOwn(c.call, true); err != nil {
		return c, err
	}
	p.claiming++
	c.Key = p.own
	return c, nil
}

// Visits reports whether the conversation is only visited, by a command in its agent's shell.
func (c Conversation) Visits() bool { return c.process.visitor }

// Done ends a Claim: its claim was written, or was not. Once one was, calls that no host names keep
// their identity.
func (c Conversation) Done(written bool) {
	p := c.process
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visitor || NameIn(c.call.Meta) != "" {
		return
	}
	p.claiming--
	p.claimed = p.claimed || written
}

// Close frees all slots, as the end of the process does.
func (p *Process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leave()
}

func (p *Process) leave() error {
	var errs []error
	for key, s := range p.slots {
		errs = append(errs, s.lock.Unlock())
		delete(p.slots, key)
	}
	return errors.Join(errs...)
}

// moveTo lets go of the slots in a folder that is no longer ours.
func (p *Process) moveTo(dir string) {
	if dir != "" && dir != p.dir {
		_ = p.leave() // nobody looks there any more
		p.dir = dir
	}
}

// serveOwn finds who the calls are that no host names, and serves them. A slot of the environment's
// name that somebody holds belongs to another client, unless the name is one to be shared: then
// this process takes a fresh identity, until that slot is free. It asks again at each call before
// its first claim: a client that restarts its server may meet the former one.
func (p *Process) serveOwn(call Call, claim bool) error {
	if p.name == "" || p.claimed || p.claiming > 0 || strings.HasPrefix(p.name, SharedPrefix) {
		return p.serve(p.own, call, claim, false)
	}
	named := Key(p.name)
	err := p.serve(named, call, claim, true)
	switch {
	case errors.Is(err, errTwin):
		p.own = p.minted
		return p.serve(p.own, call, claim, false)
	case err == nil && p.own == p.minted:
		if s := p.slots[p.minted]; s != nil { // of a start that was refused
			delete(p.slots, p.minted)
			err = s.lock.Unlock()
		}
	}
	p.own = named
	return err
}

// errTwin says that another process holds a slot of an identity that cannot be shared.
var errTwin = errors.New("another process has this identity")

// serve keeps the slot of a conversation that this process holds, takes one where the conversation
// has a slot file, and makes one where it is to claim.
func (p *Process) serve(key string, call Call, claim, alone bool) error {
	s := p.slots[key]
	if s != nil {
		return p.keep(s, call)
	}
	if !claim {
		if _, err := os.Lstat(slotPath(p.dir, key, 0)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if err := makeFolder(p.dir); err != nil {
		return err
	}
	s, err := p.take(key, alone)
	if err != nil {
		return err
	}
	p.slots[key] = s
	return p.keep(s, call)
}

// makeFolder makes the folder of the slots. A link in its place could lead outside the ticket
// folder.
func makeFolder(dir string) error {
	path := filepath.Join(dir, Folder)
	err := durable.CheckFolder(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := durable.MakeFolder(path); err != nil {
		return err
	}
	return durable.SyncPath(dir)
}

// loaded is when this process began, for systems without a clock that processes share.
var loaded = time.Now()
