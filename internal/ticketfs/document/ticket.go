package document

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Status is where a ticket is in its life.
type Status string

const (
	StatusOpen       Status = "open"
	StatusInProgress Status = "in_progress"
	StatusClosed     Status = "closed"
)

var Statuses = []string{string(StatusOpen), string(StatusInProgress), string(StatusClosed)}

// Types are the types a ticket may have.
var Types = []string{"bug", "feature", "task", "epic", "chore"}

// DefaultPriority is that of a ticket that says none; 1 is the highest, 4 the lowest.
const DefaultPriority = 2

var priorities = []string{"1", "2", "3", "4"}

// Blocker is an item of blocked-by.
type Blocker struct{ ID, Reason string }

// Ticket is what a ticket file says. Fields that the file does not set are zero, but for Priority. Times are UTC.
type Ticket struct {
	ID          string
	Status      Status
	ClaimedBy   string
	ClaimedAt   time.Time
	Closed      time.Time
	CloseReason string
	BlockedBy   []Blocker
	Created     time.Time
	Type        string
	Priority    int
	Assignee    string
	Parent      string
	Title       string
}

// BlockedByID reports whether id is among the blockers, closed or not.
func (t Ticket) BlockedByID(id string) bool {
	return slices.ContainsFunc(t.BlockedBy, func(b Blocker) bool { return b.ID == id })
}

// readTicket fills ticket. A key of a form that is not known is an error, never a default: a list of blockers read as empty
// would start a blocked ticket. What a ticket of this status should not have (closed, a claim) is tolerated.
func (d *Document) readTicket() *Malformed {
	r := fieldReader{d: d}
	r.oneOf("schema_version", []string{"1"})
	id := r.id("id")
	if d.id != "" && id != "" && id != d.id {
		r.fail("id", "the id is %q, but the file is named for %q", id, d.id)
	}
	if d.id != "" {
		id = d.id
	}
	d.ticket = Ticket{
		ID:          id,
		Status:      Status(r.oneOf("status", Statuses)),
		ClaimedBy:   r.text("claimed-by"),
		ClaimedAt:   r.time("claimed-at"),
		Closed:      r.time("closed"),
		CloseReason: r.text("close-reason"),
		BlockedBy:   r.blockers("blocked-by"),
		Created:     r.time("created"),
		Type:        r.oneOf("type", Types),
		Priority:    DefaultPriority,
		Assignee:    r.text("assignee"),
		Parent:      r.id("parent"),
		Title:       titleOf(d.Body()),
	}
	if p := r.oneOf("priority", priorities); p != "" {
		d.ticket.Priority = int(p[0] - '0')
	}
	if r.fault == nil && d.ticket.Status == "" {
		r.fault = &Malformed{1, 1, "status is required: open, in_progress or closed"}
		if f, ok := d.field("status"); ok {
			r.fault.Line, r.fault.Column = f.value.Line, f.value.Column
		}
	}
	return r.fault
}

// fieldReader reads values and keeps the first fault.
type fieldReader struct {
	d     *Document
	fault *Malformed
}

func (r *fieldReader) fail(key, format string, args ...any) {
	f, _ := r.d.field(key)
	r.failAt(f.value, format, args...)
}

func (r *fieldReader) failAt(n *yaml.Node, format string, args ...any) {
	if r.fault == nil {
		r.fault = nodeFault(n, format, args...)
	}
}

// text is the raw text of a scalar: what YAML makes of it, a number or a date, does not count.
func (r *fieldReader) text(key string) string {
	text, _ := r.scalar(key)
	return text
}

func (r *fieldReader) scalar(key string) (string, bool) {
	f, ok := r.d.field(key)
	if !ok || isNull(f.value) {
		return "", false
	}
	if f.value.Kind != yaml.ScalarNode {
		r.failAt(f.value, "%s must be a single value, not %s", key, kindName(f.value))
		return "", false
	}
	return f.value.Value, true
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case isNull(n):
		return "nothing"
	}
	return "a single value"
}
