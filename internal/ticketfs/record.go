package ticketfs

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// ErrNotJournaled says that a change was made, but that its row could not be appended to the ticket's journal: its history will
// show it as made by another program.
var ErrNotJournaled = errors.New("written, but not journaled")

// Made reports whether a change was made: err is nil, or says only what it is short of.
func Made(err error) bool {
	return err == nil || errors.Is(err, ErrNotDurable) || errors.Is(err, ErrNotJournaled)
}

// Journal returns the journal of the ticket folder.
func (s *Store) Journal() (journal.Journal, error) {
	dir, err := s.Dir()
	return journal.Of(dir), err
}

// unsaid are the keys that a row leaves out: it has them under other names, or they follow from its time.
var unsaid = map[string]bool{"schema_version": true, "id": true, "status": true, "created": true, "claimed-at": true, "closed": true}

// record is what the journal is told of a change: its cause, and the texts as documents where they were read as such.
type record struct {
	journal.Cause
	before, after *document.Document
}

// append appends the row of a change that is visible now, under the ticket's lock. A text that is no ticket, as a caller of
// WithTicketLock may write one, has no status and no fields.
func (s *Store) append(path string, r *record, before, after []byte) error {
	id := document.IDOf(filepath.Base(path))
	if id == "" {
		return nil
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	row := journal.Row{
		Time: now(), Ticket: id, Cause: r.Cause,
		Before: journal.HashOf(before), After: journal.HashOf(after),
	}
	if row.Call == "" {
		row.Call = journal.NewCall()
	}
	if before != nil {
		row.Former = journal.FormerOf(before, after)
	}
	if r.after == nil {
		r.before, _ = document.Parse(id, before)
		r.after, _ = document.Parse(id, after)
	}
	if r.before != nil {
		row.From = string(r.before.Ticket().Status)
	}
	if r.after != nil {
		row.To = string(r.after.Ticket().Status)
		for _, c := range r.after.Changes(r.before) {
			if !unsaid[c.Key] && (c.Key != "close-reason" || c.New != row.Reason) {
				row.Fields = append(row.Fields, journal.Field(c))
			}
		}
	}
	if err := journal.Of(filepath.Dir(path)).Append(row); err != nil {
		return fmt.Errorf("%w: %w", ErrNotJournaled, err)
	}
	return nil
}
