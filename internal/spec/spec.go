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
// effects.go. One idea a file for the rest: who may do what with a claim in
// caller.go, hold in hold.go, a close that drops work in drop.go, plan in
// plan.go, the cycle of waiting in cycle.go, what start gives out in ready.go.
//
// It promises: [Step] is a pure function. It never writes to its arguments,
// the same arguments give the same answer, and a refusal returns the state
// that went in. States may share memory: change one by making a new one.
//
// It does not promise anything about: bytes of files (also which of the keys
// deps and blocked-by an edit writes), texts of messages, agents' readable
// names, sections, check boxes and the shape of texts (line breaks, size),
// locks and their time-outs. It never answers busy, no_store, unsafe_fs or
// unreachable by itself, and it has no operation for repair. It says nothing about
// concurrency: a history is right when some one-at-a-time order of it is right
// here (see [StepOne]).
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
	InGrace    Life = "in grace" // dead, but a client may be restarting it: ten seconds
	Dead       Life = "dead"     // and its grace is over
)

// Ticket is what the rules read of one file.
type Ticket struct {
	// Malformed: the file is there and cannot be read. Then Mentions holds
	// the ids of which it may be a child, and no other field means anything.
	Malformed bool
	Mentions  []string
	Fenced    bool // and its body can be found, so that it can be noted

	Status    Status
	Holder    string   // of the claim: a session's key or a person; "" = no claim at all
	Agent     string   // of the claim: the session's named agent; "" = the session itself
	Parent    string   // "" = none
	BlockedBy []string // the union of blocked-by and deps

	Hold      string // why, for whom; "" = not on hold
	HoldUntil int64  // the hold ends at this time; 0 = never by itself

	Title    string
	Type     string
	Priority int // 0 (highest) to 4
	Assignee string
	Tags     []string
	Links    []string
	PlanRef  string   // <plan>/<name> of the plan that made it
	Notes    []string // texts, oldest first
	Created  int64    // age: smaller is older; equal ones go by id

	// Of closed tickets alone.
	ClosedBy    string // key of the session, or person
	CloseReason string
	Resolution  Resolution
	Evidence    []string
}

// Status of a ticket that can be read.
type Status string

const (
	Open       Status = "open"
	InProgress Status = "in_progress"
	Closed     Status = "closed"
)

// Resolution says how a ticket ended that was not simply done.
type Resolution string

const (
	Done      Resolution = ""
	Dropped   Resolution = "dropped"
	Duplicate Resolution = "duplicate"
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
	Plan      Verb = "plan"
)

// UserInput is what the caller gives. A nil pointer is an absent argument.
// Texts are trimmed before they are stored.
type UserInput struct {
	Verb  Verb
	ID    string // every verb but StartNext, Create and Plan
	Agent string // a named agent of the session; "" = the session itself, also by its own name

	Takeover  bool     // Start
	Reason    string   // Close, Reopen, Release; "" = none
	Force     bool     // Release, by a person alone
	Text      string   // Note
	Blocker   string   // Block, Unblock
	BlockedBy []string // Create

	// Close.
	Resolution  Resolution
	DuplicateOf string
	Children    bool // drop the descendants too
	Evidence    []string
	Next        bool // then start without an id

	// Create and Update; of these Type and Parent also filter StartNext,
	// where Parent means the children of it, not all descendants.
	Title     *string
	Type      *string
	Priority  *int
	Assignee  *string
	Parent    *string  // Create, Update: "" = no parent
	Tags      []string // Update: nil = as they are, empty = none
	Hold      *string  // Update: "" ends it. Also Release
	HoldUntil *int64   // Update: a time; 0 = no end

	Tag string // StartNext: a filter; "" = none

	// Plan.
	Plan    string // its name; "" = none, so that a repeat finds nothing
	Tickets []Planned
	DryRun  bool
}

// Planned is one ticket of a plan.
type Planned struct {
	Name string
	New  UserInput // as for Create; Parent and BlockedBy take names of the plan or ids
}

// MachineInput is what the program and the moment choose. A test reads it off
// the answer or arranges it; none of it is the caller's.
type MachineInput struct {
	Session string            // key of the calling session, or the person; never ""
	NewID   string            // Create: not in use
	NewIDs  map[string]string // Plan: by name, none in use, all different
	Now     int64             // becomes Created; decides whether a hold is over
	Lane    []string          // StartNext without a tag: only tickets with one of these; none = all

	// Close, Release: this session has held this ticket before, since the
	// session began. If the claim names another now, it has been replaced.
	Former bool
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
	OnHold       Code = "on_hold"
	OpenChildren Code = "open_children"
	Cycle        Code = "cycle"
	NoChange     Code = "no_change"
	Malformed    Code = "malformed"
	Busy         Code = "busy"
	NoStore      Code = "no_store"
	UnsafeFS     Code = "unsafe_fs"
	Unreachable  Code = "unreachable"
)

// Result is the answer. A refusal carries its code and nothing else.
type Result struct {
	Code Code
	ID   string // the ticket, also the one that StartNext or Create chose

	AlreadyYours bool     // Start: this session held it before; nothing changed
	TakenOver    bool     // Start: it was in progress under another claim ...
	From         string   // ... of this holder; "" = there was no claim
	Unblocked    []string // Close: what this caller can start now and could not before

	Dropped  []string // Close: descendants that were closed with it, leaves first
	Next     string   // Close: the ticket that was started after it, "" = none ...
	NextCode Code     // ... for this reason

	IDs    map[string]string // Plan: by name; of a dry run only those that exist
	Exists []string          // Plan: names of tickets that an earlier call made
	Layers [][]string        // Plan: names; what can be started now, after that, and so on
}

// Step is one operation on one state: the whole lifecycle.
func Step(s State, op Op) (State, Result) {
	mustFit(s, op)
	switch op.User.Verb {
	case Plan:
		return stepPlan(s, op)
	case StartNext:
		id, code := next(s, op)
		if code != OK {
			return s, Result{Code: code}
		}
		op.User.Verb, op.User.ID = Start, id
	case Create:
		op.User.ID = op.Machine.NewID
	}
	// What it would be is made first, since a cycle is looked for in it.
	after, result := effect(s, op)
	if code := refusal(s, after, op); code != OK {
		return s, Result{Code: code}
	}
	if op.User.Verb == Close && op.User.Next { // a second change: the close stands whatever becomes of it
		more, given := Step(after, Op{UserInput{Verb: StartNext, Agent: op.User.Agent}, op.Machine})
		after, result.Next, result.NextCode = more, given.ID, given.Code
	}
	return after, result
}

// mustFit panics when no program could have made these choices.
func mustFit(s State, op Op) {
	if op.Machine.Session == "" {
		panic("spec: an operation needs a session")
	}
	if op.User.Force && !isPerson(op.Machine.Session) {
		panic("spec: only a person can force")
	}
	var chosen, names []string
	switch op.User.Verb {
	case Create:
		chosen = []string{op.Machine.NewID}
	case Plan:
		made := s.madeBefore(op)
		for _, p := range op.User.Tickets {
			if id := op.Machine.NewIDs[p.Name]; made[p.Name] == "" &&
				!slices.Contains(names, p.Name) {
				chosen, names = append(chosen, id), append(names, p.Name)
			}
		}
	}
	for i, id := range chosen {
		if _, used := s.Tickets[id]; used || !ValidID(id) || slices.Contains(chosen[:i], id) {
			panic("spec: a new ticket needs a valid id that is not in use, not " + id)
		}
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

// mayHaveChild reports whether a file that cannot be read may be a child of
// this ticket.
func (s State) mayHaveChild(id string) bool {
	for _, t := range s.Tickets {
		if t.Malformed && slices.Contains(t.Mentions, id) {
			return true
		}
	}
	return false
}
