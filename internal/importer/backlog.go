package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// maxDepth bounds the folders below tasks that are looked into.
const maxDepth = 8

// ReadBacklog reads the tasks of Backlog.md: one file, its folder, or the repository that has the
// folder.
func ReadBacklog(path string) (*Source, error) {
	s := &Source{Name: "backlog", refs: map[string]bool{}}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		content, err := readCapped(path, document.MaxFile)
		if err != nil {
			return nil, err
		}
		return s, s.backlogFile(filepath.Base(path), content)
	}
	root, err := backlogFolder(path)
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"tasks", "completed", "drafts", "archive"} {
		if err := s.walkBacklog(root, folder); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func backlogFolder(dir string) (string, error) {
	for _, place := range []string{"backlog", ".backlog", "."} {
		root := filepath.Join(dir, place)
		if info, err := os.Lstat(filepath.Join(root, "tasks")); err == nil && info.IsDir() {
			return root, nil
		}
	}
	return "", fmt.Errorf("no backlog/tasks in %s", dir)
}

// walkBacklog reads the task files below a folder, in the order of their names. Links are not
// followed.
func (s *Source) walkBacklog(root, folder string) error {
	return filepath.WalkDir(filepath.Join(root, folder),
		func(path string, d fs.DirEntry, err error) error {
			name, relErr := filepath.Rel(root, path)
			if relErr != nil {
				return relErr
			}
			name = filepath.ToSlash(name)
			switch {
			case errors.Is(err, fs.ErrNotExist) && name == folder:
				return nil
			case err != nil:
				s.fault(name, err)
				return nil
			case d.IsDir() && (strings.Count(name, "/") > maxDepth || name == "archive/milestones"):
				return fs.SkipDir
			case d.IsDir() || !d.Type().IsRegular() || !strings.HasSuffix(name, ".md") ||
				strings.EqualFold(d.Name(), "readme.md"):
				return nil
			}
			content, err := readCapped(path, document.MaxFile)
			if err != nil {
				s.fault(name, err)
				return nil
			}
			if s.size += len(content); s.size > MaxInput {
				return errTooLarge
			}
			return s.backlogFile(name, content)
		})
}

// backlogFile reads one task file, by its path within their folder. The error is that of too many.
func (s *Source) backlogFile(name string, content []byte) error {
	if !bytes.HasPrefix(bytes.TrimPrefix(content, []byte("\ufeff")), []byte("---")) {
		s.Tally.add(Skipped, "a file without front matter", "")
		return nil
	}
	item, err := s.parseBacklog(name, content)
	if err != nil {
		s.fault(name, err)
		return nil
	}
	if s.refs[strings.ToLower(item.Ref)] {
		s.Tally.add(Changed, "an id that another file has as well", "external-ref is its path")
		item.Extra["id"], item.Ref = item.Ref, name
	}
	s.refs[strings.ToLower(item.Ref)] = true
	return s.add(item)
}

// folderOf is the first part of a path in their folder.
func folderOf(name string) string {
	folder, _, _ := strings.Cut(name, "/")
	return folder
}

func (s *Source) parseBacklog(name string, content []byte) (Item, error) {
	fields, body, err := document.Foreign(content)
	if err != nil {
		if fields, body, err = document.Foreign(quoteNames(content)); err != nil {
			return Item{}, err
		}
	}
	r := &record{fields: make(map[string]any, len(fields)), tally: &s.Tally}
	for key, raw := range fields {
		value, err := decodeValue(raw)
		if err != nil {
			return Item{}, fmt.Errorf("%s: %w", key, err)
		}
		r.fields[key] = value
	}
	item := Item{Ref: r.word("id"), Where: name}
	if item.Ref == "" {
		return Item{}, errors.New("a task without an id")
	}
	heading, description, sections := document.SplitBody(body)
	item.Ticket.Title = r.word("title")
	if item.Ticket.Title == "" {
		item.Ticket.Title = oneLine(heading)
	}
	if item.Ticket.Title == "" {
		return Item{}, fmt.Errorf("%.80q has no title", item.Ref)
	}
	item.bodyOfTask(r, description, sections)
	item.Parent = r.word("parent_task_id")
	if item.Parent != "" {
		s.Tally.add(Same, "parent_task_id", "parent")
	}
	item.BlockedBy = r.texts("dependencies")
	for range item.BlockedBy {
		s.Tally.add(Same, "dependencies", "blocked-by")
	}
	item.statusOfTask(r, folderOf(name))
	typeOf(r, &item, "type")
	item.priorityOfTask(r)
	if names := r.texts("assignee"); len(names) > 0 {
		item.Ticket.Assignee = oneLine(names[0])
		s.Tally.add(Same, "assignee", "assignee")
		if len(names) > 1 {
			r.fields["assignees"] = names[1:]
		}
	}
	item.Ticket.Created = r.time("created_date")
	item.Ticket.Tags = tags(r, "labels")
	r.drop(Lost, "said by the subtasks themselves", "subtasks")
	r.drop(Lost, "the file's own history tells it", "updated_date")
	item.Extra = r.rest()
	return item, nil
}

var (
	people = regexp.MustCompile(`^((assignee|reporter):|[ \t]*- )[ \t]*\[?[ \t]*@`)
	handle = regexp.MustCompile(`@[^\s,'"\[\]]+`)
)

// quoteNames quotes names like @ada in the front matter, which Backlog.md once wrote bare and still
// reads, but YAML does not.
func quoteNames(content []byte) []byte {
	head, body, found := bytes.Cut(content, []byte("\n---"))
	if !found {
		return content
	}
	lines := bytes.Split(head, []byte("\n"))
	for i, line := range lines {
		if people.Match(line) && !bytes.ContainsAny(line, `'"`) {
			lines[i] = handle.ReplaceAll(line, []byte(`"$0"`))
		}
	}
	return slices.Concat(bytes.Join(lines, []byte("\n")), []byte("\n---"), body)
}

// statusOfTask maps a status, whose names are every project's own; the folder says the rest.
func (item *Item) statusOfTask(r *record, folder string) {
	item.Ticket.Status = document.StatusOpen
	status := r.word("status")
	from := "status " + status
	closed := func() {
		item.Ticket.Status = document.StatusClosed
		for _, key := range []string{"completed_date", "updated_date"} {
			if item.Ticket.Closed = r.time(key); !item.Ticket.Closed.IsZero() {
				r.tally.add(Changed, key, "closed, of closed tickets")
				break
			}
		}
	}
	switch words := strings.ToLower(strings.NewReplacer("-", " ", "_", " ", "’",
		"'").Replace(status)); words {
	case "done", "completed", "complete", "closed", "finished":
		closed()
		r.tally.add(Same, from, "closed")
	case "won't do", "wont do", "cancelled", "canceled", "skipped", "rejected", "obsolete":
		closed()
		item.Ticket.Resolution = "dropped"
		r.tally.add(Same, from, "closed, dropped")
	case "in progress", "doing", "in review", "review":
		item.wasInProgress(r, status)
	case "", "to do", "todo", "open", "new", "ready", "backlog":
		r.tally.add(Same, from, "open")
	default:
		item.Ticket.Hold = fmt.Sprintf("%q in Backlog.md", status)
		if folder != "drafts" {
			r.tally.add(Changed, from, "open, on hold")
		}
	}
	switch {
	case folder == "drafts" && item.Ticket.Status == document.StatusOpen:
		item.Ticket.Hold = "a draft in Backlog.md"
		r.tally.add(Changed, "a draft", "open, on hold")
	case folder == "archive" && item.Ticket.Status == document.StatusOpen:
		closed()
		item.Ticket.Hold, item.Ticket.Resolution = "", "dropped"
		r.tally.add(Changed, "an archived task that is not done", "closed, dropped")
	}
}

func (item *Item) priorityOfTask(r *record) {
	priority := strings.ToLower(r.word("priority"))
	item.Ticket.Priority = document.DefaultPriority
	if priority == "" {
		return
	}
	if n := slices.Index([]string{"critical", "high", "medium", "low"}, priority); n >= 0 {
		item.Ticket.Priority = n
		r.tally.add(Same, "priority "+priority, fmt.Sprint(n))
		return
	}
	r.fields["priority"] = priority
}

var (
	// marker is a line by which Backlog.md finds its sections again.
	marker = regexp.MustCompile(`(?m)^[ \t]*<!-- (SECTION:)?[A-Z_]+:(BEGIN|END) -->[ \t]*\r?\n?`)
	// numbered is a box with the number that Backlog.md counts again.
	numbered = regexp.MustCompile(`(?m)^([ \t]*[-*+] \[[ xX]\] )#\d+ `)
)

// usualSections are those that Backlog.md itself writes.
var usualSections = []string{"Acceptance Criteria", "Definition of Done", "Implementation Plan",
	"Implementation Notes", "Comments", "Final Summary"}

// bodyOfTask takes the body as it is, less what Backlog.md writes for itself.
func (item *Item) bodyOfTask(r *record, description string, sections []document.Section) {
	clean := func(text string) string {
		return strings.TrimSpace(numbered.ReplaceAllString(marker.ReplaceAllString(text, ""), "$1"))
	}
	item.Description = clean(description)
	for _, s := range sections {
		text := clean(s.Text)
		if strings.EqualFold(s.Heading, "Description") && len(item.Sections) == 0 {
			item.Description = strings.TrimSpace(item.Description + "\n\n" + text)
			continue
		}
		from := "other sections"
		if slices.Contains(usualSections, s.Heading) {
			from = "## " + s.Heading
		}
		item.section(r, s.Heading, text, from)
	}
}
