package document

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Scan reads a ticket whose front matter is in canonical form, for the index. ok is false for everything else, also for what is
// malformed: then Parse decides. Where ok is true, the ticket is the one that Parse gives.
func Scan(id string, content []byte) (t Ticket, ok bool) {
	if len(content) > MaxFile || bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content) {
		return t, false
	}
	front, found := bytes.CutPrefix(content, []byte(fence+"\n"))
	if !found {
		return t, false
	}
	end := bytes.Index(front, []byte("\n"+fence+"\n"))
	if end < 0 || end >= MaxFrontMatter-len(fence)-2 {
		return t, false
	}
	body := front[end+len(fence)+2:]
	t = Ticket{ID: id, Priority: DefaultPriority}
	seen := 0
	for line := range strings.SplitSeq(string(front[:end]), "\n") {
		f, ok := tokenize(line)
		bit := slices.Index(scannedKeys, f.key)
		if !ok || bit < 0 || seen&(1<<bit) != 0 || !t.scanField(f) {
			return t, false
		}
		seen |= 1 << bit
	}
	t.Title = strings.Clone(titleOf(string(beginning(body))))
	return t, t.Status != ""
}

// beginning is as much of a body as its title depends on: in the canonical form the first line.
func beginning(body []byte) []byte {
	first := bytes.TrimLeft(body, "\n")
	if end := bytes.IndexByte(first, '\n'); end >= 0 && bytes.HasPrefix(first, []byte("# ")) {
		return first[:end]
	}
	return body
}

var scannedKeys = []string{"schema_version", "id", "status", "claimed-by", "claimed-at", "closed", "close-reason", "blocked-by", "created", "type", "priority", "assignee", "parent"}

// scanField sets one field; false when its value is not of the canonical form.
func (t *Ticket) scanField(f token) bool {
	if f.list != (f.key == "blocked-by") {
		return false
	}
	value := f.value
	var ok bool
	switch f.key {
	case "blocked-by":
		for _, id := range f.items() {
			if !ValidID(id) {
				return false
			}
			t.BlockedBy = append(t.BlockedBy, Blocker{ID: strings.Clone(id)})
		}
		return true
	case "schema_version":
		return value == "1"
	case "id":
		return value == t.ID
	case "status":
		i := slices.Index(Statuses, value)
		if ok = i >= 0; ok {
			t.Status = Status(Statuses[i])
		}
	case "type":
		i := slices.Index(Types, value)
		if ok = i >= 0; ok {
			t.Type = Types[i]
		}
	case "priority":
		if ok = slices.Contains(priorities, value); ok {
			t.Priority = int(value[0] - '0')
		}
	case "claimed-by":
		t.ClaimedBy, ok = strings.Clone(value), true
	case "close-reason":
		t.CloseReason, ok = strings.Clone(value), true
	case "assignee":
		t.Assignee, ok = strings.Clone(value), true
	case "parent":
		t.Parent, ok = strings.Clone(value), ValidID(value)
	case "claimed-at":
		t.ClaimedAt, ok = scanTime(value)
	case "closed":
		t.Closed, ok = scanTime(value)
	case "created":
		t.Created, ok = scanTime(value)
	}
	return ok
}

func scanTime(value string) (time.Time, bool) {
	if len(value) != len(canonicalTime) {
		return time.Time{}, false
	}
	t, err := time.Parse(canonicalTime, value)
	return t.UTC(), err == nil
}
