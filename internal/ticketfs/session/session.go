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
	"strings"
	"sync"
	"time"
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
	marks Marks // of the board; nil before there is one
	// own is the key of calls that name no conversation. It is the environment's where that is to
	// be had, else minted.
	own      string
	minted   string
	claimed  bool // own has claimed, and stays
	claiming int  // claims of own that are being written, for which it stays too
}

// New is a process that serves conversations. name is what the environment calls the conversation
// of calls whose host names none, "" for nothing.
func New(name string, now func() time.Time) *Process {
	p := &Process{Now: now, SinceBoot: sinceBoot, name: name}
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
	if s, in := p.marks.(*slots); dir != "" && (!in || s.dir != dir) {
		p.moveTo(&slots{process: p, dir: dir, held: make(map[string]*slot),
			graces: make(map[string]observation)})
	}
	return p.attend(call, dir != "")
}

// AttendBy is Attend where something else than slots in a folder shows who lives.
func (p *Process) AttendBy(marks Marks, call Call) Conversation {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moveTo(marks)
	return p.attend(call, true)
}

// attend says whose call it is, and keeps that conversation alive where there is a board.
func (p *Process) attend(call Call, onBoard bool) Conversation {
	if call.Client != "" {
		call.Client = AgentName(call.Client) // a mark is small
	}
	named := NameIn(call.Meta)
	if onBoard && !p.visitor {
		// An error here is met again, and told, by the Claim that cannot do without a slot. A call
		// that only reads can.
		if named != "" {
			_ = p.marks.Serve(Key(named), call, false, false)
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
		if p.name == "" || p.marks == nil || p.marks.Probe(c.Key).Life != Alive {
			return c, ErrNoSession
		}
		return c, nil
	}
	if p.marks == nil {
		return c, errors.New("claim: there was no board when the call began")
	}
	if NameIn(c.call.Meta) != "" {
		return c, p.marks.Serve(c.Key, c.call, true, false)
	}
	if err := p.serveOwn(c.call, true); err != nil {
		return c, err
	}
	p.claiming++
	c.Key = p.own
	return c, nil
}

// Lasts tells, in the middle of a call that takes long, that it goes on: the slot of the conversation
// stays one that others see, and says that the conversation calls. A lease needs no calls.
func (c Conversation) Lasts() {
	p := c.process
	p.mu.Lock()
	defer p.mu.Unlock()
	all, are := p.marks.(*slots)
	if !are {
		return
	}
	if s := all.held[c.Key]; s != nil {
		_ = all.keep(s, c.call) // the next Claim meets the error again
	}
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
	if p.marks == nil {
		return nil
	}
	return p.marks.Leave()
}

// moveTo releases the marks on a board that is no longer ours.
func (p *Process) moveTo(marks Marks) {
	if marks != p.marks {
		_ = p.leave() // nobody looks there any more
		p.marks = marks
	}
}

// serveOwn finds who the calls are that no host names, and serves them. A slot of the environment's
// name that somebody holds belongs to another client, unless the name is one to be shared: then
// this process takes a fresh identity, until that slot is free. It asks again at each call before
// its first claim: a client that restarts its server may meet the former one.
func (p *Process) serveOwn(call Call, claim bool) error {
	if p.name == "" || p.claimed || p.claiming > 0 || strings.HasPrefix(p.name, SharedPrefix) {
		return p.marks.Serve(p.own, call, claim, false)
	}
	named := Key(p.name)
	err := p.marks.Serve(named, call, claim, true)
	switch {
	case errors.Is(err, ErrTwin):
		p.own = p.minted
		return p.marks.Serve(p.own, call, claim, false)
	case err == nil && p.own == p.minted:
		err = p.marks.Drop(p.minted) // of a start that was refused
	}
	p.own = named
	return err
}

// loaded is when this process began, for systems without a clock that processes share.
var loaded = time.Now()
