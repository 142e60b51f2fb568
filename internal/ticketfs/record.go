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

// record appends the row of a change that is visible now, under the ticket's lock.
func (s *Store) record(path string, cause journal.Cause, before []byte, w Write) error {
	id := document.IDOf(filepath.Base(path))
	if id == "" {
		return nil
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	row := RowOf(id, cause, now(), before, w)
	if before != nil {
		row.Former = journal.FormerOf(before, w.Content)
	}
	if err := journal.Of(filepath.Dir(path)).Append(row); err != nil {
		return fmt.Errorf("%w: %w", ErrNotJournaled, err)
	}
	return nil
}

// RowOf is the journal's row of a write, without the former text. A text that is no ticket, as a
// caller of WithTicketLock may write one, has no status and no fields.
func RowOf(id string, cause journal.Cause, now time.Time, before []byte, w Write) journal.Row {
	row := journal.Row{
		Time: now, Ticket: id, Cause: cause,
		Before: journal.HashOf(before), After: journal.HashOf(w.Content),
	}
	if row.Call == "" {
		row.Call = journal.NewCall()
	}
	if w.After == nil {
		w.Before, _ = document.Parse(id, before)
		w.After, _ = document.Parse(id, w.Content)
	}
	if w.Before != nil {
		row.From = string(w.Before.Ticket().Status)
	}
	if w.After != nil {
		row.To = string(w.After.Ticket().Status)
		for _, c := range w.After.Changes(w.Before) {
			if !follows(c, row.Cause) {
				row.Fields = append(row.Fields, journal.Field(c))
			}
		}
	}
	return row
}
