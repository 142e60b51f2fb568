package ticketfs

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// ErrNotJournaled says that a change was made, but that its row could not be appended to the
// ticket's journal: its history will show it as made by another program.
var ErrNotJournaled = errors.New("written, but not journaled")

// Made reports whether a change was made: err is nil, or says only what it is short of.
func Made(err error) bool {
	return err == nil || errors.Is(err, ErrNotDurable) || errors.Is(err, ErrNotJournaled)
}

// Journal returns the journal of the board.
func (f *Folder) Journal() journal.Journal { return journal.Of(f.dir) }

// follows reports whether a row need not say a change, since it follows from its ticket, its time,
// its status and its cause.
func follows(c document.Change, cause journal.Cause) bool {
	switch c.Key {
	case "schema_version", "id", "status", "created", "claimed-at", "closed":
		return true
	case "close-reason":
		return c.New == cause.Reason
	case "closed-by":
		return c.New == "" || c.New == cause.Actor
	case "## Notes":
		return cause.Tool == "note"
	case "claimed-by":
		return c.Old == "" && c.New == cause.Actor || c.New == "" && c.Old == cause.Actor
	}
	return false
}

// record appends the row of a change that is visible now, under the ticket's lock. A text that is
// no ticket, as a caller of WithTicketLock may write one, has no status and no fields.
func (s *Store) record(path string, cause journal.Cause, before []byte, w write) error {
	id := document.IDOf(filepath.Base(path))
	if id == "" {
		return nil
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	row := journal.Row{
		Time: now(), Ticket: id, Cause: cause,
		Before: journal.HashOf(before), After: journal.HashOf(w.content),
	}
	if row.Call == "" {
		row.Call = journal.NewCall()
	}
	if before != nil {
		row.Former = journal.FormerOf(before, w.content)
	}
	if w.after == nil {
		w.before, _ = document.Parse(id, before)
		w.after, _ = document.Parse(id, w.content)
	}
	if w.before != nil {
		row.From = string(w.before.Ticket().Status)
	}
	if w.after != nil {
		row.To = string(w.after.Ticket().Status)
		for _, c := range w.after.Changes(w.before) {
			if !follows(c, row.Cause) {
				row.Fields = append(row.Fields, journal.Field(c))
			}
		}
	}
	if err := journal.Of(filepath.Dir(path)).Append(row); err != nil {
		return fmt.Errorf("%w: %w", ErrNotJournaled, err)
	}
	return nil
}
