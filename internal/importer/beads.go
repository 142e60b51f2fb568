package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// ReadBeads reads the JSON lines of a beads database: a file, or a folder that has one at a usual
// place.
func ReadBeads(path string) (*Source, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		if path, err = beadsFile(path); err != nil {
			return nil, err
		}
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ParseBeads(f)
}

func beadsFile(dir string) (string, error) {
	places := []string{".beads/issues.jsonl", ".beads/beads.jsonl", "issues.jsonl", "beads.jsonl"}
	for _, place := range places {
		path := filepath.Join(dir, filepath.FromSlash(place))
		if _, err := os.Lstat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s in %s", strings.Join(places, ", "), dir)
}

// ParseBeads reads JSON lines. A line that is none of theirs is a fault; the others are read.
func ParseBeads(r io.Reader) (*Source, error) {
	s := &Source{Name: "beads"}
	lines := bufio.NewReaderSize(io.LimitReader(r, MaxInput+1), 64<<10)
	number := 0
	for {
		line, whole, err := readLine(lines)
		s.size += whole
		if whole > 0 {
			number++
		}
		if s.size > MaxInput {
			return nil, errTooLarge
		}
		where := fmt.Sprintf("line %d", number)
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		switch line = bytes.TrimSpace(line); {
		case whole > MaxLine:
			s.fault(where, fmt.Errorf("longer than %d bytes", MaxLine))
		case len(line) > 0:
			if err := s.beadsLine(where, line); errors.Is(err, errTooMany) {
				return nil, err
			} else if err != nil {
				s.fault(where, err)
			}
		}
		if err == io.EOF {
			s.lastWins()
			return s, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// readLine reads a line, of which it keeps at most MaxLine bytes; whole is its length with the line
// break.
func readLine(r *bufio.Reader) (line []byte, whole int, err error) {
	for {
		part, err := r.ReadSlice('\n')
		whole += len(part)
		if len(line) <= MaxLine {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, whole, err
		}
	}
}

// lastWins leaves of the items with one id the last one, as beads itself reads its file.
func (s *Source) lastWins() {
	last := make(map[string]int, len(s.Items))
	for i, item := range s.Items {
		last[item.Ref] = i
	}
	i := -1
	s.Items = slices.DeleteFunc(s.Items, func(item Item) bool {
		i++
		if last[item.Ref] == i {
			return false
		}
		s.Tally.add(Skipped, "an id that a later line has again", "")
		return true
	})
}

// notWork are the issue types that beads uses for its own machinery.
var notWork = []string{"message", "event", "gate", "molecule", "wisp", "convoy", "agent", "role",
	"rig", "slot"}

func (s *Source) beadsLine(where string, line []byte) error {
	fields, err := decode(line)
	if err != nil {
		return err
	}
	r := &record{fields: fields, tally: &s.Tally}
	if kind := r.text("_type"); kind != "" && kind != "issue" {
		s.Tally.add(Skipped, "_type "+oneLine(kind), "")
		return nil
	}
	item := Item{Ref: r.word("id"), Where: where}
	if item.Ref == "" {
		return errors.New("an issue without an id")
	}
	if why := skipBead(r); why != "" {
		s.Tally.add(Skipped, why, "")
		return nil
	}
	if item.Ticket.Title = oneLine(r.text("title")); item.Ticket.Title == "" {
		return fmt.Errorf("%.80q has no title", item.Ref)
	}
	relateBead(r, &item)
	typeOf(r, &item, "issue_type")
	item.Ticket.Priority = document.DefaultPriority
	if p, ok := r.fields["priority"].(json.Number); ok && len(p) == 1 && p[0] >= '0' &&
		p[0] <= '4' {
		item.Ticket.Priority = int(p[0] - '0')
		r.drop(Same, "priority", "priority")
	}
	item.Ticket.Assignee = r.word("assignee")
	item.Ticket.Created = r.time("created_at")
	item.Ticket.Tags = tags(r, "labels")
	item.Description = r.text("description")
	for _, part := range []struct{ key, heading string }{
		{"design", "Design"}, {"acceptance_criteria", "Acceptance Criteria"},
	} {
		item.section(r, part.heading, r.text(part.key), part.key)
	}
	notesOfBead(r, &item)
	statusOfBead(r, &item)
	r.drop(Lost, "the file's own history tells it", "updated_at")
	r.drop(Lost, "counted again here", "dependency_count", "dependent_count", "comment_count",
		"content_hash")
	item.Extra = r.rest()
	return s.add(item)
}

// skipBead says why an issue of theirs is no work, "" if it is.
func skipBead(r *record) string {
	status, _ := r.fields["status"].(string)
	kind, _ := r.fields["issue_type"].(string)
	switch {
	case status == "tombstone" || status == "pinned":
		return "status " + status
	case slices.Contains(notWork, kind):
		return "issue_type " + kind
	}
	for _, mark := range []string{"ephemeral", "is_template", "pinned"} {
		if set, _ := r.fields[mark].(bool); set {
			return mark
		}
	}
	return ""
}

// relateBead reads the dependencies: the issue waits for, or is a child of, what they name.
func relateBead(r *record, item *Item) {
	list, ok := r.fields["dependencies"].([]any)
	if !ok {
		return
	}
	delete(r.fields, "dependencies")
	var rest []any
	for _, d := range list {
		fields, _ := d.(map[string]any)
		dep := &record{fields: fields, tally: r.tally}
		to, kind := dep.word("depends_on_id"), dep.text("type")
		if to == "" {
			to = dep.word("id")
		}
		if kind == "" {
			kind = dep.text("dep_type")
		}
		if fields == nil || to == "" {
			rest = append(rest, d)
			continue
		}
		if kind == "" {
			kind = "blocks"
		}
		item.relate(r.tally, oneLine(kind), to)
		delete(dep.fields, "issue_id") // the issue itself
		dep.drop(Lost, "who made a dependency, and when", "created_at", "created_by")
		if more := dep.rest(); len(more) > 0 {
			more["to"] = to
			rest = append(rest, more)
		}
	}
	if len(rest) > 0 {
		r.fields["dependencies"] = rest
	}
}

// relate adds a relation of a type of beads.
func (item *Item) relate(t *Tally, kind, to string) {
	switch kind {
	case "blocks", "waits-for", "conditional-blocks":
		item.BlockedBy = append(item.BlockedBy, to)
		if kind == "blocks" {
			t.add(Same, "dependency blocks", "blocked-by")
			return
		}
		t.add(Changed, "dependency "+kind, "blocked-by, its condition kept")
	case "parent-child":
		if item.Parent == "" {
			item.Parent = to
			t.add(Same, "dependency parent-child", "parent")
			return
		}
		item.Links = append(item.Links, to)
		t.add(Changed, "a second parent", "links")
	case "related":
		item.Links = append(item.Links, to)
		t.add(Same, "dependency related", "links")
		return
	default:
		item.Links = append(item.Links, to)
		t.add(Changed, "dependency "+kind, "links, its type kept")
	}
	item.edges = append(item.edges, edge{Type: kind, To: to})
}

func statusOfBead(r *record, item *Item) {
	status := oneLine(r.text("status"))
	item.Ticket.Status = document.StatusOpen
	switch status {
	case "", "open":
		r.tally.add(Same, "status open", "open")
	case "closed":
		item.Ticket.Status = document.StatusClosed
		item.Ticket.Closed = r.time("closed_at")
		item.Ticket.CloseReason = r.text("close_reason")
		r.tally.add(Same, "status closed", "closed")
	case "in_progress", "hooked":
		item.wasInProgress(r, status)
	case "blocked":
		if len(item.BlockedBy) > 0 {
			r.tally.add(Same, "status blocked", "open, and waits for its blockers")
			break
		}
		item.Ticket.Hold = "blocked, without a blocker, in beads"
		r.tally.add(Changed, "status blocked", "open, on hold")
	case "deferred":
		item.Ticket.Hold = "deferred in beads"
		r.tally.add(Changed, "status deferred", "open, on hold")
	default:
		item.Ticket.Hold = fmt.Sprintf("%q in beads", status)
		r.tally.add(Changed, "status "+status, "open, on hold")
	}
	if item.Ticket.Status == document.StatusClosed {
		item.Ticket.Resolution = r.word("resolution") // as our own export says it
		return
	}
	if hold := oneLine(r.text("hold")); hold != "" {
		item.Ticket.Hold = hold
		item.Ticket.HoldUntil = r.time("hold-until")
	}
	if until := r.time("defer_until"); !until.IsZero() {
		if item.Ticket.Hold == "" {
			item.Ticket.Hold = "deferred in beads"
		}
		item.Ticket.HoldUntil = until
		r.tally.add(Same, "defer_until", "hold-until")
	}
}

// wasInProgress makes an item open whose holder is of unknown liveness here.
func (item *Item) wasInProgress(r *record, status string) {
	item.note("- import: the status was " + status)
	r.tally.add(Changed, "status "+status, "open, with a note")
}

// sameType is for types of theirs that have another name here.
var sameType = map[string]string{"enhancement": "feature", "story": "feature", "defect": "bug",
	"maintenance": "chore"}

func typeOf(r *record, item *Item, key string) {
	kind := strings.ToLower(r.word(key))
	switch {
	case kind == "":
		item.Ticket.Type = "task"
	case slices.Contains(document.Types, kind):
		item.Ticket.Type = kind
		r.tally.add(Same, key+" "+kind, kind)
	case sameType[kind] != "":
		item.Ticket.Type = sameType[kind]
		r.tally.add(Changed, key+" "+kind, item.Ticket.Type)
	default:
		item.Ticket.Type = kind
		r.tally.add(Same, key+" "+kind, kind+", as it is")
	}
}

// tags takes a list of words, each once.
func tags(r *record, key string) (list []string) {
	for _, text := range r.texts(key) {
		if text = oneLine(text); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if len(list) > 0 {
		r.tally.add(Same, key, "tags")
	}
	return list
}

const notes = "Notes"

func (item *Item) section(r *record, heading, text, from string) {
	if text == "" {
		return
	}
	item.Sections = append(item.Sections, document.Section{Heading: heading, Text: text})
	r.tally.add(Same, from, "a section")
}

// note adds a text to the notes: an item of a list behind another one, anything else behind a blank
// line.
func (item *Item) note(text string) {
	i := slices.IndexFunc(item.Sections,
		func(s document.Section) bool { return strings.EqualFold(s.Heading, notes) })
	if i < 0 {
		item.Sections = append(item.Sections, document.Section{Heading: notes, Text: text})
		return
	}
	old := strings.TrimRight(item.Sections[i].Text, " \t\r\n")
	between := "\n\n"
	if last := old[strings.LastIndexByte(old, '\n')+1:]; strings.HasPrefix(text, "- ") &&
		(strings.HasPrefix(last, "- ") || strings.HasPrefix(last, "  ")) {
		between = "\n"
	}
	item.Sections[i].Text = old + between + text
}

// notesOfBead puts notes and comments into one section.
func notesOfBead(r *record, item *Item) {
	if text := r.text("notes"); text != "" {
		item.note(text)
		r.tally.add(Same, "notes", "the section Notes")
	}
	list, ok := r.fields["comments"].([]any)
	if !ok {
		return
	}
	delete(r.fields, "comments")
	var rest []any
	for _, c := range list {
		fields, _ := c.(map[string]any)
		comment := &record{fields: fields, tally: r.tally}
		text := comment.text("text")
		if fields == nil || text == "" {
			rest = append(rest, c)
			continue
		}
		head := oneLine(comment.text("created_at") + " " + comment.text("author"))
		item.note("- " + strings.TrimPrefix(head+": ", ": ") +
			strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\n  "))
		r.tally.add(Changed, "comments", "notes")
	}
	if len(rest) > 0 {
		r.fields["comments"] = rest
	}
}
