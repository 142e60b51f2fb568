package document

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// What can be told of a file that is malformed.

// NoTicket reports whether a malformed file is none that wants to be a ticket: it has no front
// matter, or front matter with neither an id nor a status, and no line of it is one of a merge
// conflict. So are a README, an index, a template. A file that another ticket names, or that was
// one before, is a ticket all the same: the caller knows.
func NoTicket(content []byte) bool {
	if HasConflict(content) {
		return false
	}
	front, opened, closed := frontOf(content)
	switch root := rootOf(front); {
	case !opened:
		return true
	case closed && root != nil:
		return !slices.ContainsFunc(keysOf(root),
			func(key *yaml.Node) bool { return key.Value == "id" || key.Value == "status" })
	}
	return !ticketKey.Match(front)
}

// ticketKey finds a line that is one of a ticket, where YAML cannot.
var ticketKey = regexp.MustCompile(`(?m)^[{?"' ]*(id|status)["']?[ \t]*:`)

// HasConflict reports whether git has left a merge conflict in a file.
func HasConflict(content []byte) bool {
	marker := []byte("<<<<<<< ")
	return bytes.HasPrefix(content, marker) ||
		bytes.Contains(content, append([]byte("\n"), marker...))
}

// Parents returns the ids that the key parent of a malformed file reads, of which there may be
// several: in a merge conflict, in a list, beside other words. told is false when it cannot be told
// what the key reads, or whether there is one.
func Parents(content []byte) (ids []string, told bool) {
	front, opened, closed := frontOf(content)
	if !opened {
		front = content[:min(len(content), MaxFrontMatter)]
	}
	if root := rootOf(front); opened && closed && root != nil {
		told = true
		for i, key := range keysOf(root) {
			switch key.Value {
			case "<<":
				told = false // the keys of another mapping
			case "parent":
				var plain bool
				ids, plain = appendIDs(ids, root.Content[2*i+1])
				told = told && plain
			}
		}
		return ids, told
	}
	lines := parentKey.FindAllSubmatch(front, -1)
	for _, line := range lines {
		value := strings.TrimSpace(string(line[1]))
		if value == "" || strings.ContainsAny(value[:1], "&*!|>#") || strings.Contains(value, `\`) {
			return nil, false
		}
		ids = append(ids, idsIn(value)...)
	}
	// Of a file that was cut short, the line of the key may be what is missing.
	return ids, len(lines) > 0 || closed || HasConflict(content)
}

// parentKey finds the key and its value, where YAML cannot.
var parentKey = regexp.MustCompile(`(?m)(?:^|[{,])[ \t?]*["']?parent["']?[ \t]*:(.*)$`)

// appendIDs adds what a value may name; plain is false when that cannot be told.
func appendIDs(ids []string, n *yaml.Node) (all []string, plain bool) {
	switch n.Kind {
	case yaml.AliasNode:
		return ids, false
	case yaml.ScalarNode:
		if isNull(n) {
			return ids, true
		}
		return append(ids, idsIn(n.Value)...), true
	}
	plain = true
	for _, child := range n.Content {
		var is bool
		ids, is = appendIDs(ids, child)
		plain = plain && is
	}
	return ids, plain
}

// idsIn lists the words of a text that may be ids.
func idsIn(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r >= 0x80 || !alphanumeric(byte(r)) && r != '.' && r != '_' && r != '-'
	})
	var ids []string
	for _, word := range words {
		if word = strings.Trim(word, "."); ValidID(word) {
			ids = append(ids, word)
		}
	}
	return ids
}

// frontOf cuts front matter off as findFences does; of what is opened and not closed it returns as
// much as front matter may have.
func frontOf(content []byte) (front []byte, opened, closed bool) {
	d := Document{text: string(content)}
	fault := d.findFences()
	opened = trimEOL(d.text[d.start:d.front]) == fence
	if fault != nil {
		return content[d.front:min(len(content), d.front+MaxFrontMatter)], opened, false
	}
	return content[d.front:d.fence], true, true
}

// rootOf is front matter as YAML reads it, nil when it does not.
func rootOf(front []byte) *yaml.Node {
	doc, err := decodeYAML(string(front))
	if err != nil || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// keysOf lists the keys of a mapping; other nodes have none.
func keysOf(n *yaml.Node) []*yaml.Node {
	var keys []*yaml.Node
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			keys = append(keys, n.Content[i])
		}
	}
	return keys
}
