package journal

import "fmt"

// Undone is what a ticket becomes when some of its rows are undone.
type Undone struct {
	Rows []Row // newest first
	// Content is what the oldest of them found, or, where that one created the ticket, what it
	// made: a ticket is never deleted.
	Content []byte
	Created bool
}

// LaterError says that rows cannot be undone because the ticket is no longer what they made it.
type LaterError struct {
	Row   Row // that cannot be undone
	Later Row // what came after it
}

func (e *LaterError) Error() string {
	return fmt.Sprintf("%s was changed again, by %s", e.Row.ID(), e.Later.Told())
}

// Told names a row for people: its id, or that another program wrote.
func (r Row) Told() string {
	if r.IsOutside() {
		return "another program (outside row of " + r.Time.Format("2006-01-02T15:04:05Z07:00") + ")"
	}
	return fmt.Sprintf("%s (%s, %s)", r.ID(), r.Tool, r.Actor)
}

// Undo takes back those of a ticket's rows, oldest first and with their former texts, that pick
// chooses, all or none: each only if the ticket is still what the row made it once the later ones
// are taken back. Content is the ticket as it is now. Without a row to undo it returns nil; the
// error is a *LaterError where another row forbids it.
func Undo(rows []Row, content []byte, pick func(Row) bool) (*Undone, error) {
	var u *Undone
	for i := len(rows) - 1; i >= 0; i-- {
		r := rows[i]
		if r.IsOutside() || !pick(r) {
			continue
		}
		if u == nil {
			u = &Undone{Content: content}
		}
		if HashOf(u.Content) != r.After {
			return nil, &LaterError{r, after(rows, i)}
		}
		u.Rows = append(u.Rows, r)
		if r.Before == "" {
			u.Created = true
			break // what came before was another file of that name
		}
		former, err := r.Restore(u.Content)
		if err != nil {
			return nil, fmt.Errorf("undo %s: %w", r.ID(), err)
		}
		u.Content = former
	}
	return u, nil
}

// after is the row behind the one at i: where there is none, the reader did not see yet what
// changed the ticket, and it is shown as outside.
func after(rows []Row, i int) Row {
	if i+1 < len(rows) {
		return rows[i+1]
	}
	return rows[i].outside("", "", rows[i].Time)
}
