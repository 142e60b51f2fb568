package document

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// New returns the bytes of a new ticket file, in the form that the tk programs write. Texts that
// are empty have no section, and obey the rule of SetSection. What a new ticket cannot say, a claim
// or the time of its close, t must not hold; more are edits of front matter that say the rest, e.g.
// keys that are unknown here. The error is always an *EditError.
func New(t Ticket, description, design, acceptance string, more ...Edit) ([]byte, error) {
	var sections []Section
	for _, s := range []Section{{Text: description}, {Heading: "Design", Text: design},
		{Heading: "Acceptance Criteria", Text: acceptance}} {
		text, err := writtenSection(s.Heading, t.Title, s.Text, "\n")
		if err != nil {
			return nil, err
		}
		sections = append(sections, Section{Heading: s.Heading, Text: text})
	}
	return NewWithBody(t, JoinBody(sections[0].Text, sections[1:]), more...)
}

// NewWithBody is New with all that stands below the title, as it stands.
func NewWithBody(t Ticket, body string, more ...Edit) ([]byte, error) {
	t.Status = cmp.Or(t.Status, StatusOpen)
	t.BlockerKey = cmp.Or(t.BlockerKey, KeyBlockedBy)
	if len(t.BlockedBy) == 0 {
		t.BlockedBy = nil
	}
	t.Created, t.HoldUntil = t.Created.UTC().Truncate(time.Second), t.HoldUntil.UTC().Truncate(time.Second)
	if err := checkTitle(t.Title); err != nil {
		return nil, err
	}
	t.Title = strings.TrimSpace(t.Title)

	content := []byte(frontMatter(t) + "# " + t.Title + "\n")
	if body != "" {
		content = fmt.Appendf(content, "\n%s\n", body)
	}
	d, err := Parse(t.ID, content)
	if err != nil {
		return nil, wouldBe(err)
	}
	if !reflect.DeepEqual(d.Ticket(), t) {
		return nil, cannot("a new ticket cannot hold all of these fields")
	}
	if d, err = d.Apply(more...); err != nil {
		return nil, err
	}
	return d.Bytes(), nil
}

// frontMatter writes the fields that a new ticket may have, with the fences.
func frontMatter(t Ticket) string {
	var b strings.Builder
	b.WriteString(fence + "\n")
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, scalarToken(key, value, 0))
		}
	}
	list := func(key string, items []string) {
		if len(items) > 0 || key == t.BlockerKey {
			fmt.Fprintf(&b, "%s: [%s]\n", key, flowItems(key, items))
		}
	}
	line("schema_version", "1")
	line("id", t.ID)
	line("status", string(t.Status))
	line("hold", t.Hold)
	line("hold-until", t.When("hold-until"))
	blockers := make([]string, len(t.BlockedBy))
	for i, blocker := range t.BlockedBy {
		blockers[i] = blocker.ID
	}
	list(t.BlockerKey, blockers)
	list("links", t.Links)
	line("created", t.When("created"))
	line("type", t.Type)
	line("priority", strconv.Itoa(t.Priority))
	line("assignee", t.Assignee)
	line("parent", t.Parent)
	line("external-ref", t.ExternalRef)
	line("plan-ref", t.PlanRef)
	list("tags", t.Tags)
	b.WriteString(fence + "\n")
	return b.String()
}
