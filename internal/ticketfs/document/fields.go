package document

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// kind says how strictly a field is read. A rule rests on the strict ones: a form that is not known
// is a fault there, never a default, since a list of blockers read as empty would start a blocked
// ticket. On the others none does: any value is taken.
type kind int

const (
	unknown  kind = iota
	strict        // one value of a known form
	blockers      // a list of ids; strict
	text          // this and what follows are tolerant
	moment        // a date or a time
	texts         // a list
)

func (k kind) tolerant() bool { return k >= text }

func kindOf(key string) kind {
	switch key {
	case "schema_version", "id", "status", "priority", "parent":
		return strict
	case KeyBlockedBy, KeyDeps:
		return blockers
	case "created", "closed", "claimed-at", "hold-until":
		return moment
	case "tags", "links", "evidence":
		return texts
	case "type", "assignee", "claimed-by", "closed-by", "resolution", "close-reason", "hold", "external-ref", "plan-ref":
		return text
	}
	return unknown
}

// set gives a strict field the text of a single value. why says what is wrong with it.
func (t *Ticket) set(key, text string) (why string) {
	switch key {
	case "schema_version":
		if text != "1" {
			return fmt.Sprintf("schema_version must be 1, not %.80q", text)
		}
	case "id":
		switch {
		case !ValidID(text):
			return fmt.Sprintf("id is no ticket id: %.80q", text)
		case t.ID == "":
			t.ID = strings.Clone(text)
		case t.ID != text:
			return fmt.Sprintf("the id is %q, but the file is named for %q", text, t.ID)
		}
	case "status":
		i, why := oneOf(key, text, Statuses)
		if why != "" {
			return why
		}
		t.Status = Status(Statuses[i])
	case "priority":
		i, why := oneOf(key, text, priorities)
		if why != "" {
			return why
		}
		t.Priority = i
	case "parent":
		if !ValidID(text) {
			return fmt.Sprintf("parent is no ticket id: %.80q", text)
		}
		t.Parent = strings.Clone(text)
	}
	return ""
}

func oneOf(key, text string, allowed []string) (i int, why string) {
	i = slices.Index(allowed, text)
	if i < 0 {
		return i, fmt.Sprintf("%s must be %s, not %.80q", key, strings.Join(allowed, ", "), text)
	}
	return i, ""
}

// setTolerant gives a tolerant field, of kind k, a text.
func (t *Ticket) setTolerant(key string, k kind, value string) {
	switch k {
	case moment:
		at, exact := readTime(value)
		if *t.timeOf(key) = at; !exact && value != "" {
			raw := map[string]string{key: strings.Clone(value)}
			maps.Copy(raw, t.Raw)
			t.Raw = raw
		}
	case texts:
		if value != "" {
			*t.listOf(key) = []string{strings.Clone(value)}
		}
	default:
		if i := slices.Index(Types, value); key == "type" && i >= 0 {
			value = Types[i] // which all tickets share
		} else {
			value = strings.Clone(value)
		}
		*t.textOf(key) = value
	}
}

// setTolerantList gives a tolerant field a list.
func (t *Ticket) setTolerantList(key string, k kind, items []string) {
	if k != texts {
		t.setTolerant(key, k, strings.Join(items, ", "))
		return
	}
	list := t.listOf(key)
	for _, item := range items {
		*list = append(*list, strings.Clone(item))
	}
}

// addBlockers adds the list of one of the two keys, which it takes over. What is in the other one
// already is not doubled.
func (t *Ticket) addBlockers(key string, list []Blocker) {
	if key == KeyBlockedBy || t.BlockerKey == "" {
		t.BlockerKey = kept(key)
	}
	for i, b := range list {
		list[i] = Blocker{ID: strings.Clone(b.ID), Reason: strings.Clone(b.Reason)}
	}
	if other := t.BlockedBy; len(other) > 0 {
		list = slices.DeleteFunc(list, func(b Blocker) bool {
			return slices.ContainsFunc(other, func(o Blocker) bool { return o.ID == b.ID })
		})
	}
	if t.BlockedBy == nil && len(list) > 0 {
		t.BlockedBy = list
		return
	}
	t.BlockedBy = append(t.BlockedBy, list...)
}

// kept is the constant of a blockers' key.
func kept(key string) string {
	if key == KeyDeps {
		return KeyDeps
	}
	return KeyBlockedBy
}

// rfc3339 is the form of a time. time.Parse alone also takes hours of one digit and a comma before
// the fraction.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// readTime reads a time. exact says that it is RFC 3339; of other forms a date alone, and a date
// and a time without a zone, are UTC, and what cannot be told is the zero time.
func readTime(text string) (at time.Time, exact bool) {
	if at, ok := canonicalMoment(text); ok {
		return at, true
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && rfc3339.MatchString(text) {
		return at.UTC(), true
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05",
		"2006-01-02 15:04", "2006-01-02T15:04",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), false
		}
	}
	return time.Time{}, false
}

// readTicket fills ticket. What a ticket of this status should not have (closed, a claim) is
// tolerated, and so is any priority of a closed one: no rule asks for it.
func (d *Document) readTicket() *Malformed {
	t := Ticket{ID: d.id, Priority: DefaultPriority, Title: titleOf(d.Body())}
	if t.Title == "" {
		t.Title, _ = d.Field("title")
	}
	t.Title = strings.Clone(t.Title)
	var priority *Malformed
	for _, f := range d.fields {
		m := t.setNode(f.key.Value, f.value)
		if m != nil && f.key.Value == "priority" {
			priority, m = m, nil
		}
		if m != nil {
			return m
		}
	}
	if priority != nil && t.Status != StatusClosed {
		return priority
	}
	if t.Status == "" {
		if f, ok := d.field("status"); ok {
			return nodeFault(f.value, "%s", noStatus)
		}
		return &Malformed{1, 1, noStatus}
	}
	d.ticket = t
	return nil
}

const noStatus = "status is required: open, in_progress or closed"

// setNode gives a field the value that YAML read. An unset one changes nothing.
func (t *Ticket) setNode(key string, n *yaml.Node) *Malformed {
	switch k := kindOf(key); {
	case k == blockers:
		return t.setBlockers(key, n)
	case isNull(n):
	case k == strict && n.Kind != yaml.ScalarNode:
		return nodeFault(n, "%s must be a single value, not %s", key, kindName(n))
	case k == strict:
		// The raw text counts, not what YAML makes of it, a number or a date.
		if why := t.set(key, n.Value); why != "" {
			return nodeFault(n, "%s", why)
		}
	case k.tolerant() && n.Kind == yaml.SequenceNode:
		t.setTolerantList(key, k, textsOf(n.Content))
	case k.tolerant():
		t.setTolerant(key, k, textOf(n))
	case looksKnown(key) && textOf(n) != "":
		t.Lookalikes = append(t.Lookalikes, strings.Clone(key))
	}
	return nil
}

// textOf is a value as one text: a scalar's own, a list's items, or a mapping's pairs, with commas
// between. No value is "".
func textOf(n *yaml.Node) string {
	switch {
	case n == nil, isNull(n):
		return ""
	case n.Kind == yaml.SequenceNode:
		return strings.Join(textsOf(n.Content), ", ")
	case n.Kind == yaml.MappingNode:
		var pairs []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			pairs = append(pairs, textOf(n.Content[i])+": "+textOf(n.Content[i+1]))
		}
		return strings.Join(pairs, ", ")
	}
	return n.Value
}

func textsOf(nodes []*yaml.Node) []string {
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = textOf(n)
	}
	return texts
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

func (t *Ticket) setBlockers(key string, n *yaml.Node) *Malformed {
	if !isNull(n) && n.Kind != yaml.SequenceNode {
		return nodeFault(n, "%s must be a list of ids like [d5czj08], not %s", key, kindName(n))
	}
	list := make([]Blocker, len(n.Content))
	for i, item := range n.Content {
		var m *Malformed
		if list[i], m = blocker(key, item); m != nil {
			return m
		}
	}
	t.addBlockers(key, list)
	return nil
}

func blocker(key string, item *yaml.Node) (b Blocker, m *Malformed) {
	id := item
	if item.Kind == yaml.MappingNode {
		id = valueOf(item, "id")
		if id == nil {
			return b, nodeFault(item, "an item of %s that is a mapping must have an id", key)
		}
		if reason := valueOf(item, "reason"); reason != nil {
			b.Reason = textOf(reason)
		}
	}
	if id.Kind != yaml.ScalarNode || isNull(id) {
		return b, nodeFault(id, "an item of %s must be a ticket id or a mapping with an id, not %s",
			key, kindName(id))
	}
	if !ValidID(id.Value) {
		return b, nodeFault(id, "an item of %s is no ticket id: %.80q", key, id.Value)
	}
	b.ID = id.Value
	return b, nil
}

// valueOf returns the value of a key of a mapping, nil when it has none.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
