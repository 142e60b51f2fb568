// Package spec is the oracle of the ticket lifecycle: what every operation
// must answer, and what it must leave behind, one operation at a time.
//
// Authority. It says the table "The rules" of the design (section 5, with 7
// for who holds a ticket) once more as code, and was written from that table,
// not from the program. Where program and spec differ, the program is wrong,
// or the table is, never "the test". Names of codes are shared with the
// program, logic is not. Only tests import this package.
//
// How to check it: column "refused when" of the table is [refusal] in
// refusals.go, rule by rule in order; column "from -> to" is [effect] in
// effects.go; the paragraph on the cycle of waiting is [waits] in cycle.go.
//
// It promises: [Step] is a pure function. It never writes to its arguments,
// the same arguments give the same answer, and a refusal returns the state
// that went in. States may share memory: change one by making a new one.
//
// It does not promise anything about: bytes of files, texts of messages,
// times other than the order of creation, agents' readable names, sections,
// check boxes and the shape of texts (line breaks, size), locks and their
// time-outs. It never answers busy, no_store or unsafe_fs by itself, and it
// has no operation for repair. It says nothing about concurrency: a history
// is right when some one-at-a-time order of it is right here (see [StepOne]).
//
// A panic means that the test which calls it is wrong.
package spec

import (
	"maps"
	"regexp"
	"slices"
)

// State is one board and its sessions, as every process would read them.
type State struct {
	Tickets map[string]Ticket // by id
	// Sessions says who lives. A key that is not here is one of which nobody
	// can tell. Step only reads it: sessions begin and die by the test's hand.
	Sessions map[string]Life
}

// Life is what the kernel says of a session.
type Life string

// A claim without a session key has a holder that no session has, so that
// the zero value is right for it too.
const (
	CannotTell Life = "" // no session file, or one of another host
	Alive      Life = "alive"
	Dead       Life = "dead"
)

// Ticket is what the rules read of one file.
type Ticket struct {
	// Malformed: the file is there and cannot be read. Then Mentions holds
	// the ids which its bytes contain, and no other field means anything.
	Malformed bool
	Mentions  []string

	Status    Status
	Holder    string // session key of the claim; "" = no claim at all
	Parent    string // "" = none
	BlockedBy []string

	Title       string
	Type        string
	Priority    int // 1 (highest) to 4
	Assignee    string
	CloseReason string
	Notes       []string // texts, oldest first
	Created     int64    // age: smaller is older; equal ones go by id
}

// Status of a ticket that can be read.
type Status string

const (
	Open       Status = "open"
	InProgress Status = "in_progress"
	Closed     Status = "closed"
)

// Op is one call.
type Op struct {
	User    UserInput
	Machine MachineInput
}

// Verb names an operation.
type Verb string

const (
	Start     Verb = "start"      // with an id
	StartNext Verb = "start next" // the same tool without an id
	Close     Verb = "close"
	Reopen    Verb = "reopen"
	Release   Verb = "release"
	Block     Verb = "block"
	Unblock   Verb = "unblock"
	Create    Verb = "create"
	Update    Verb = "update"
	Note      Verb = "note"
)

// UserInput is what the caller gives. A nil pointer is an absent argument.
// Texts are trimmed before they are stored.
type UserInput struct {
	Verb Verb
	ID   string // every verb but StartNext and Create

	Takeover  bool     // Start
	Reason    string   // Close, Reopen, Release; "" = none
	Text      string   // Note
	Blocker   string   // Block, Unblock
	BlockedBy []string // Create

	// Create and Update; of these Type and Parent also filter StartNext,
	// where Parent means the children of it, not all descendants.
	Title    *string
	Type     *string
	Priority *int
	Assignee *string
	Parent   *string // Create, Update: "" = no parent
}

// MachineInput is what the program and the moment choose. A test reads it off
// the answer or arranges it; none of it is the caller's.
type MachineInput struct {
	Session string // key of the calling session; never ""
	NewID   string // Create: not in use
	Now     int64  // Create: becomes Created

	// Close, Release: this session has held this ticket before, since the
	// session began. If the claim names another now, it has been replaced.
	Former bool

	// StartNext: dead sessions that were first seen dead a moment ago (10 s).
	// Their tickets are passed over.
	JustDied []string
}

// Code is the kind of a refusal, one for each next step of the caller.
type Code string

const (
	OK           Code = ""
	NotFound     Code = "not_found"
	Invalid      Code = "invalid"
	WrongStatus  Code = "wrong_status"
	Claimed      Code = "claimed"
	Blocked      Code = "blocked"
	ParentStatus Code = "parent_status"
	OpenChildren Code = "open_children"
	Cycle        Code = "cycle"
	NoChange     Code = "no_change"
	Malformed    Code = "malformed"
	Busy         Code = "busy"
	NoStore      Code = "no_store"
	UnsafeFS     Code = "unsafe_fs"
)

// Result is the answer. A refusal carries its code and nothing else.
type Result struct {
	Code Code
	ID   string // the ticket, also the one that StartNext or Create chose

	AlreadyYours bool     // Start: this session held it before; nothing changed
	TakenOver    bool     // Start: it was in progress under another claim ...
	From         string   // ... of this holder; "" = there was no claim
	Unblocked    []string // Close: what this session can start now and could not before
}

// Step is one operation on one state: the whole lifecycle.
func Step(s State, op Op) (State, Result) {
	mustFit(s, op)
	switch op.User.Verb {
	case StartNext:
		id, code := next(s, op)
		if code != OK {
			return s, Result{Code: code}
		}
		op.User.Verb, op.User.ID = Start, id
	case Create:
		op.User.ID = op.Machine.NewID
	}
	// What it would be is made first, since a circle is looked for in it.
	after, result := effect(s, op)
	if code := refusal(s, after, op); code != OK {
		return s, Result{Code: code}
	}
	return after, result
}

// mustFit panics when no program could have made these choices.
func mustFit(s State, op Op) {
	if op.Machine.Session == "" {
		panic("spec: an operation needs a session")
	}
	_, used := s.Tickets[op.Machine.NewID]
	if op.User.Verb == Create && (used || !ValidID(op.Machine.NewID)) {
		panic("spec: create needs a valid id that is not in use, not " + op.Machine.NewID)
	}
}

var idGrammar = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// ValidID reports whether id can name a ticket.
func ValidID(id string) bool { return len(id) <= 64 && idGrammar.MatchString(id) }

// with is s with one ticket written.
func (s State) with(id string, t Ticket) State {
	tickets := maps.Clone(s.Tickets)
	if tickets == nil {
		tickets = map[string]Ticket{}
	}
	tickets[id] = t
	s.Tickets = tickets
	return s
}

func (s State) missing(id string) bool    { _, ok := s.Tickets[id]; return !ok }
func (s State) unreadable(id string) bool { return s.Tickets[id].Malformed }

// closed is never true of a ticket that is missing or malformed.
func (s State) closed(id string) bool {
	t := s.Tickets[id]
	return !t.Malformed && t.Status == Closed
}

// children are the tickets known to have this parent and not to be closed.
func (s State) children(id string) []string {
	var ids []string
	for child, t := range s.Tickets {
		if !t.Malformed && t.Parent == id && t.Status != Closed {
			ids = append(ids, child)
		}
	}
	slices.Sort(ids)
	return ids
}

// mayHaveChild reports whether a file that cannot be read contains this id,
// and so might be a child of it.
func (s State) mayHaveChild(id string) bool {
	for _, t := range s.Tickets {
		if t.Malformed && slices.Contains(t.Mentions, id) {
			return true
		}
	}
	return false
}

// heldBy is the one way of being somebody's: in progress, with their claim.
// A claim on a ticket that is not in progress is a leftover.
func (t Ticket) heldBy(session string) bool {
	return t.Status == InProgress && t.Holder == session
}
