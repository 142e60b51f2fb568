package ticketfs

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Code is the kind of a refusal. There is one for each thing that the caller can do next.
type Code string

const (
	NotFound Code = "not_found" // no such ticket, parent or blocker: fix the id
	Invalid  Code = "invalid"   // an argument breaks a rule: fix the argument
	// the ticket's status does not allow it: another tool, or nothing
	WrongStatus  Code = "wrong_status"
	Claimed      Code = "claimed"       // another session holds the ticket: take another one
	Blocked      Code = "blocked"       // a blocker is not closed: work on that one
	OnHold       Code = "on_hold"       // it waits for a person: another ticket
	ParentStatus Code = "parent_status" // the parent is in the wrong state: start or reopen it
	OpenChildren Code = "open_children" // children are not closed: close them
	Cycle        Code = "cycle"         // tickets would wait for each other: choose another edge
	NoChange     Code = "no_change"     // it is so already: nothing to do
	BadFile      Code = "malformed"     // a ticket file cannot be read: repair the file
	Busy         Code = "busy"          // a lock was not free, or another program wrote: retry
	NoStore      Code = "no_store"      // there is no ticket folder: say where, or create
	UnsafeFS     Code = "unsafe_fs"     // locks do not work on this filesystem: another place
	// the board is shared, and is not to be used from here as things stand: what the text names
	Unreachable Code = "unreachable"
)

// Refusal is an operation that was not done, by a rule. Nothing was written. Everything that is not
// a Refusal is an error of the system and keeps the system's words.
type Refusal struct {
	Code Code
	Why  string // what and why, ids named
	Next string // what to do now; never something destructive
}

func (r *Refusal) Error() string {
	text := string(r.Code) + ": " + r.Why
	if r.Next != "" {
		text += "; " + r.Next
	}
	return text
}

// Refuse makes a Refusal whose reason is formatted.
func Refuse(code Code, next, why string, args ...any) *Refusal {
	return &Refusal{Code: code, Why: fmt.Sprintf(why, args...), Next: next}
}

// CodeOf returns the code of a refusal, "" for every other error and for none.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// refused is the one boundary at which errors of the packages below become refusals, with the words
// that agents read. id is the ticket that the caller asked for. Every other error passes as it is.
func refused(id string, err error) error {
	if err == nil {
		return nil // before the places below are made, on each visit of a ticket
	}
	var malformed *document.Malformed
	var edit *document.EditError
	var notRegular *durable.NotRegularError
	var tooLong *durable.TooLongError
	var changed *durable.ChangedError
	var notFolder *durable.NotFolderError
	var noBoard *board.NotFound
	var brokenMode *board.BrokenError
	var elsewhere *board.Unreachable
	var locked *flocker.BusyError
	var notFile *flocker.NotFileError
	var rights *durable.RightsError
	var cutOff *CutOff
	switch {
	case errors.As(err, &cutOff): // whatever is behind it
		return cutOff.refusal()
	case CodeOf(err) != "":
		return err
	case err == fs.ErrNotExist: // of the index and of a read; wrapped in a system error it is another file's
		return Refuse(NotFound, "see list", "no ticket %s", id)
	case errors.As(err, &malformed):
		return Refuse(BadFile, "repair the file by hand, then retry", "%s%s:%v", id, document.Ext,
			malformed)
	case errors.As(err, &edit) && edit.NoChange:
		return Refuse(NoChange, "leave it out; nothing was written", "%s: %v", id, edit)
	case errors.As(err, &edit):
		return Refuse(Invalid, "nothing was written", "%s: %v", id, edit)
	case errors.As(err, &notRegular):
		return Refuse(BadFile, "replace it by a plain file", "%v", notRegular)
	case errors.As(err, &tooLong):
		return Refuse(BadFile, "shorten the file", "%v", tooLong)
	case errors.As(err, &notFolder):
		return Refuse(BadFile, "replace it by a folder", "%v", notFolder)
	case errors.As(err, &changed):
		return Refuse(Busy, "retry", "%v", changed)
	case errors.As(err, &locked):
		return Refuse(Busy, "retry; a process that was stopped keeps its locks until it goes on or ends", "%v", locked)
	case errors.Is(err, flocker.ErrReplaced):
		return Refuse(Busy, "retry", "a lock file was removed by another program meanwhile")
	case errors.As(err, &notFile):
		return Refuse(BadFile, "move it away; a lock file is made when it is needed", "%v", notFile)
	case errors.As(err, &rights):
		return Refuse(BadFile,
			"give yourself, by its group, the right to write it, or let its owner make the change", "%v", rights)
	case errors.As(err, &noBoard):
		return Refuse(NoStore, noBoard.Next, "%s", noBoard.Why)
	case errors.As(err, &brokenMode):
		return Refuse(BadFile, brokenMode.Next, "%v", brokenMode)
	case errors.As(err, &elsewhere):
		return Refuse(Unreachable, elsewhere.Next, "%s", elsewhere.Why)
	}
	return err
}

// Refused makes refusals of the errors of a session, which tools call beside the store.
func Refused(err error) error { return refused("", err) }
