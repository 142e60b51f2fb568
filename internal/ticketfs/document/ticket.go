package document

import (
	"slices"
	"time"
)

// Status is where a ticket is in its life.
type Status string

const (
	StatusOpen       Status = "open"
	StatusInProgress Status = "in_progress"
	StatusClosed     Status = "closed"
)

var Statuses = []string{string(StatusOpen), string(StatusInProgress), string(StatusClosed)}

// Types are the types that this program gives a ticket. A file may have others.
var Types = []string{"bug", "feature", "task", "epic", "chore"}

// DefaultPriority is that of a ticket that says none; 0 is the highest, 4 the lowest.
const DefaultPriority = 2

var priorities = []string{"0", "1", "2", "3", "4"}

// The two names of the list of blockers: ours and that of wedow's ticket program. They mean the
// same.
const (
	KeyBlockedBy = "blocked-by"
	KeyDeps      = "deps"
)

// Blocker is an item of the list of blockers.
type Blocker struct{ ID, Reason string }

// Ticket is what a ticket file says. Fields that the file does not set are zero, but for Priority.
// Times are UTC; one that is written in another form than RFC 3339 is in Raw as well. It shares no
// memory with the file.
type Ticket struct {
	ID     string
	Status Status

	ClaimedBy string
	ClaimedAt time.Time

	Closed      time.Time
	ClosedBy    string
	Resolution  string
	CloseReason string
	Evidence    []string

	BlockedBy []Blocker // of both names: a file that has both waits for the union
	// the name to add blockers under: KeyBlockedBy where the file has both, "" where it has none
	BlockerKey string
	Hold       string
	HoldUntil  time.Time

	Created     time.Time
	Type        string
	Priority    int // 0 to 4
	Assignee    string
	Parent      string
	Tags        []string
	Links       []string
	ExternalRef string
	PlanRef     string
	Title       string // the body's first heading, else the key of that name

	// Raw are the texts of times that are no RFC 3339, by key. The time itself is set when it can
	// be told, e.g. of a date.
	Raw map[string]string
	// Lookalikes are keys that look like a relation, or like a key that is known here, and have no
	// meaning.
	Lookalikes []string
}

// BlockedByID reports whether id is among the blockers, closed or not.
func (t Ticket) BlockedByID(id string) bool {
	return slices.ContainsFunc(t.BlockedBy, func(b Blocker) bool { return b.ID == id })
}

// When returns a time as it is to be shown: RFC 3339, or the file's own words. key is created,
// closed, claimed-at or hold-until.
func (t Ticket) When(key string) string {
	if text, odd := t.Raw[key]; odd {
		return text
	}
	if at := t.timeOf(key); at != nil && !at.IsZero() {
		return at.UTC().Format(time.RFC3339)
	}
	return ""
}

// timeOf returns the field of a time, nil for every other key.
func (t *Ticket) timeOf(key string) *time.Time {
	switch key {
	case "created":
		return &t.Created
	case "closed":
		return &t.Closed
	case "claimed-at":
		return &t.ClaimedAt
	case "hold-until":
		return &t.HoldUntil
	}
	return nil
}

// textOf returns the field of a text that no rule reads, nil for every other key.
func (t *Ticket) textOf(key string) *string {
	switch key {
	case "claimed-by":
		return &t.ClaimedBy
	case "closed-by":
		return &t.ClosedBy
	case "resolution":
		return &t.Resolution
	case "close-reason":
		return &t.CloseReason
	case "hold":
		return &t.Hold
	case "type":
		return &t.Type
	case "assignee":
		return &t.Assignee
	case "external-ref":
		return &t.ExternalRef
	case "plan-ref":
		return &t.PlanRef
	}
	return nil
}

// listOf returns the field of a list of texts, nil for every other key.
func (t *Ticket) listOf(key string) *[]string {
	switch key {
	case "tags":
		return &t.Tags
	case "links":
		return &t.Links
	case "evidence":
		return &t.Evidence
	}
	return nil
}
