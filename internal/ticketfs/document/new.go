package document

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// New returns the bytes of a new ticket file, in the form that the tk program writes. Texts that are empty have no section.
// What a new ticket cannot say, a claim or the time of its close, t must not hold. The error is always an *EditError.
func New(t Ticket, description, design, acceptance string) ([]byte, error) {
	if t.Status == "" {
		t.Status = StatusOpen
	}
	if t.Priority == 0 {
		t.Priority = DefaultPriority
	}
	if len(t.BlockedBy) == 0 {
		t.BlockedBy = nil
	}
	t.Created = t.Created.UTC().Truncate(time.Second)
	if err := checkTitle(t.Title); err != nil {
		return nil, err
	}
	t.Title = strings.TrimSpace(t.Title)

	var b strings.Builder
	line := func(key, value string) {
		fmt.Fprintf(&b, "%s: %s\n", key, scalarToken(key, value, 0))
	}
	b.WriteString("---\n")
	line("schema_version", "1")
	line("id", t.ID)
	line("status", string(t.Status))
	blockers := make([]string, len(t.BlockedBy))
	for i, blocker := range t.BlockedBy {
		blockers[i] = blocker.ID
	}
	fmt.Fprintf(&b, "blocked-by: [%s]\n", flowItems(blockers))
	line("created", t.Created.Format(time.RFC3339))
	if t.Type != "" {
		line("type", t.Type)
	}
	line("priority", fmt.Sprint(t.Priority))
	if t.Assignee != "" {
		line("assignee", t.Assignee)
	}
	if t.Parent != "" {
		line("parent", t.Parent)
	}
	fmt.Fprintf(&b, "---\n# %s\n", t.Title)
	for _, section := range []struct{ heading, text string }{
		{"", description},
		{"## Design\n\n", design},
		{"## Acceptance Criteria\n\n", acceptance},
	} {
		if text := closeCode(block(section.text, "\n"), "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s%s\n", section.heading, text)
		}
	}

	content := []byte(b.String())
	d, err := Parse(t.ID, content)
	if err != nil {
		return nil, wouldBe(err)
	}
	if !reflect.DeepEqual(d.Ticket(), t) {
		return nil, cannot("a new ticket cannot hold all of these fields")
	}
	return content, nil
}
