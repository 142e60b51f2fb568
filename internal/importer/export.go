package importer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// sameName are the fields that have another name in a JSON line than in a ticket.
var sameName = map[string]string{
	"created": "created_at", "closed": "closed_at", "close-reason": "close_reason", "type": "issue_type", "tags": "labels",
}

// sections are those that are fields of their own in a JSON line, by their headings in lower case.
var sections = map[string]string{"design": "design", "acceptance criteria": "acceptance_criteria",
	"notes": "notes"}

// WriteJSON writes a ticket as one JSON line in the form of beads, which ParseBeads reads and other
// programs as well. What was imported and kept under x-<source> has its old place again; fields
// that only we have keep their names. ids are the board's ids by external-ref.
func WriteJSON(w io.Writer, id string, content []byte, ids map[string]string) error {
	fields, body, err := document.Foreign(content)
	if err != nil {
		return err
	}
	title, description, parts := document.SplitBody(body)
	line := map[string]any{"_type": "issue", "id": id, "title": title,
		"priority": json.Number(fmt.Sprint(document.DefaultPriority))}
	r := record{fields: map[string]any{}, tally: &Tally{}}
	for key, raw := range fields {
		if r.fields[key], err = decodeValue(raw); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	delete(r.fields, "schema_version")
	delete(r.fields, "id")
	ref := r.word("external-ref")
	if dependencies := dependenciesOf(&r, id, ids); len(dependencies) > 0 {
		line["dependencies"] = dependencies
	}
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		if source, found := strings.CutPrefix(key, "x-"); found {
			restore(line, source, r.fields[key])
			delete(r.fields, key)
		}
	}
	for key, value := range r.fields {
		name := key
		if other, found := sameName[key]; found {
			name = other
		}
		if value != nil {
			line[name] = value
		}
	}
	if ref != "" && ref != id && line["external_ref"] == nil {
		line["external_ref"] = ref
	}
	setBody(line, description, parts)
	text, err := flow(line)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text+"\n")
	return err
}

// setBody gives the sections that have a field of their own to it, and leaves the others in the
// description.
func setBody(line map[string]any, description string, parts []document.Section) {
	var others []document.Section
	for _, part := range parts {
		name := sections[strings.ToLower(part.Heading)]
		if _, twice := line[name]; name == "" || twice {
			others = append(others, part)
		} else if part.Text != "" {
			line[name] = part.Text
		}
	}
	if text := document.JoinBody(description, others); text != "" {
		line["description"] = text
	}
}

// restore puts back what was kept under x-<source>. A field that is there already, since it has a
// meaning here, wins.
func restore(line map[string]any, source string, kept any) {
	fields, ok := kept.(map[string]any)
	if !ok {
		line["x-"+source] = kept
		return
	}
	for key, value := range fields {
		if _, found := line[key]; !found && key != "edges" && key != "dependencies" {
			line[key] = value
		}
	}
}

// dependenciesOf takes the relations of a ticket, with what is kept of them under x-<source>: types
// that we do not have, edges that no rule here allows, and further fields. An edge that was taken
// away here is not given back.
func dependenciesOf(r *record, id string, ids map[string]string) []map[string]any {
	kept, more := keptEdges(r, ids)
	kinds := map[string]string{}
	for _, e := range kept {
		if e.Why == "" {
			kinds[e.To] = e.Type
		}
	}
	var list []map[string]any
	said := map[string]bool{}
	add := func(kind, to string) {
		if to == "" || said[kind+" "+to] {
			return
		}
		said[kind+" "+to], said[to] = true, true
		dependency := map[string]any{}
		maps.Copy(dependency, more[to])
		delete(dependency, "to")
		dependency["issue_id"], dependency["depends_on_id"], dependency["type"] = id, to, kind
		list = append(list, dependency)
	}
	add(childOf, r.word("parent"))
	for _, key := range []string{"blocked-by", "deps"} {
		for _, to := range blockerIDs(r, key) {
			kind := kinds[to]
			if kind != "waits-for" && kind != "conditional-blocks" {
				kind = waitsFor
			}
			add(kind, to)
		}
	}
	for _, e := range kept {
		if e.Why != "" {
			add(e.Type, e.To)
		}
	}
	for _, to := range r.texts("links") {
		if !said[to] {
			add(cmp.Or(kinds[to], "related"), to)
		}
	}
	slices.SortFunc(list, func(a, b map[string]any) int {
		return cmp.Or(cmp.Compare(a["depends_on_id"].(string), b["depends_on_id"].(string)),
			cmp.Compare(a["type"].(string), b["type"].(string)))
	})
	return list
}

// keptEdges are the relations, and further fields of them, that are kept under x-<source>. Their
// ids are ours where the board has the ticket under another one.
func keptEdges(r *record, ids map[string]string) (edges []edge, more map[string]map[string]any) {
	more = map[string]map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		fields, ok := r.fields[key].(map[string]any)
		if !ok || !strings.HasPrefix(key, "x-") {
			continue
		}
		for _, name := range []string{"edges", "dependencies"} {
			list, _ := fields[name].([]any)
			for _, item := range list {
				kept, _ := item.(map[string]any)
				to, _ := kept["to"].(string)
				to = cmp.Or(ids[to], to)
				kind, _ := kept["type"].(string)
				why, _ := kept["why"].(string)
				switch {
				case to == "":
				case name == "dependencies":
					more[to] = kept
				case kind != "":
					edges = append(edges, edge{kind, to, why})
				}
			}
		}
	}
	return edges, more
}

// blockerIDs takes a list of blockers, whose items are ids or maps with an id.
func blockerIDs(r *record, key string) (ids []string) {
	list, _ := r.fields[key].([]any)
	delete(r.fields, key)
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			item = m["id"]
		}
		if id, ok := item.(string); ok {
			ids = append(ids, id)
		} else if n, ok := item.(json.Number); ok {
			ids = append(ids, n.String())
		}
	}
	return ids
}
