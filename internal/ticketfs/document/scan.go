package document

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// scan reads a ticket of the usual form without YAML, at a twentieth of its cost, for the index. It knows only what this
// program and tk write: one line per known key, a plain value without anything that means something to YAML, a flow list of
// ids. ok is false for everything else, also for what is malformed: then Parse decides. Where ok is true, the ticket is the
// one that Parse gives (FuzzScan).
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
		key, value, found := strings.Cut(line, ": ")
		bit := slices.Index(scannedKeys, key)
		if !found || bit < 0 || seen&(1<<bit) != 0 || !t.scanField(key, value) {
			return t, false
		}
		seen |= 1 << bit
	}
	t.Title = strings.Clone(titleOf(string(beginning(body))))
	return t, t.Status != ""
}

// beginning is as much of a body as its title depends on: in the usual form the first line.
func beginning(body []byte) []byte {
	first := bytes.TrimLeft(body, "\n")
	if end := bytes.IndexByte(first, '\n'); end >= 0 && bytes.HasPrefix(first, []byte("# ")) {
		return first[:end]
	}
	return body
}

var scannedKeys = []string{"schema_version", "id", "status", "claimed-by", "claimed-at", "closed", "close-reason", "blocked-by", "created", "type", "priority", "assignee", "parent"}

// scanField sets one field; false when its value is not of the usual form.
func (t *Ticket) scanField(key, value string) bool {
	if key == "blocked-by" {
		return t.scanBlockers(value)
	}
	if !plainWord(value) {
		return false
	}
	var ok bool
	switch key {
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
	if len(value) != len(usualTime) {
		return time.Time{}, false
	}
	t, err := time.Parse(usualTime, value)
	return t.UTC(), err == nil
}

// scanBlockers reads [a, b].
func (t *Ticket) scanBlockers(value string) bool {
	inner, opened := strings.CutPrefix(value, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !opened || !closed {
		return false
	}
	if inner == "" {
		return true
	}
	for id := range strings.SplitSeq(inner, ", ") {
		if !ValidID(id) || !plainWord(id) {
			return false
		}
		t.BlockedBy = append(t.BlockedBy, Blocker{ID: strings.Clone(id)})
	}
	return true
}
