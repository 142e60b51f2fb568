package document

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

func (r *fieldReader) oneOf(key string, allowed []string) string {
	v, ok := r.scalar(key)
	if ok && !slices.Contains(allowed, v) {
		r.fail(key, "%s must be %s, not %.80q", key, strings.Join(allowed, ", "), v)
		return ""
	}
	return v
}

func (r *fieldReader) id(key string) string {
	v, ok := r.scalar(key)
	if ok && !ValidID(v) {
		r.fail(key, "%s is no ticket id: %.80q", key, v)
		return ""
	}
	return v
}

// rfc3339 is the form of a time. time.Parse alone also takes hours of one digit and a comma before the fraction.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func (r *fieldReader) time(key string) time.Time {
	v, ok := r.scalar(key)
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || !rfc3339.MatchString(v) {
		r.fail(key, "%s must be a time like 2026-01-04T05:22:09Z, not %.80q", key, v)
		return time.Time{}
	}
	return t.UTC()
}

func (r *fieldReader) blockers(key string) []Blocker {
	f, ok := r.d.field(key)
	if !ok || isNull(f.value) {
		return nil
	}
	if f.value.Kind != yaml.SequenceNode {
		r.failAt(f.value, "%s must be a list of ids like [d5czj08], not %s", key, kindName(f.value))
		return nil
	}
	var list []Blocker
	for _, item := range f.value.Content {
		list = append(list, r.blocker(key, item))
	}
	return list
}

func (r *fieldReader) blocker(key string, item *yaml.Node) (b Blocker) {
	id := item
	if item.Kind == yaml.MappingNode {
		id = valueOf(item, "id")
		if id == nil {
			r.failAt(item, "an item of %s that is a mapping must have an id", key)
			return b
		}
		if reason := valueOf(item, "reason"); reason != nil && !isNull(reason) {
			if reason.Kind != yaml.ScalarNode {
				r.failAt(reason, "the reason of a blocker must be a single value, not %s", kindName(reason))
			}
			b.Reason = reason.Value
		}
	}
	if id.Kind != yaml.ScalarNode || isNull(id) {
		r.failAt(id, "an item of %s must be a ticket id or a mapping with an id, not %s", key, kindName(id))
		return b
	}
	if !ValidID(id.Value) {
		r.failAt(id, "an item of %s is no ticket id: %.80q", key, id.Value)
	}
	b.ID = id.Value
	return b
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
