package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// tomlServers is the table of Codex below which servers stand.
const tomlServers = "mcp_servers"

// tomlTable is the table of one server, as Codex writes it. JSON's strings are TOML's as well.
func tomlTable(name string, args []string) string {
	table := fmt.Sprintf("[%s.%s]\ncommand = \"ticket-mcp\"\n", tomlServers, name)
	if len(args) > 0 {
		quoted := make([]string, len(args))
		for i, arg := range args {
			quoted[i] = jsonOf(arg)
		}
		table += "args = [" + strings.Join(quoted, ", ") + "]\n"
	}
	return table
}

// editTOML sets the table of a server at the end of a TOML file, or replaces the one that is there
// with the tables below it, and keeps every other byte. As with editJSON the result is read again
// and compared.
func editTOML(text []byte, name string, args []string) (fileEdit, error) {
	before, err := decodeTOML(text)
	if err != nil {
		return fileEdit{}, err
	}
	table := tomlTable(name, args)
	wanted, err := decodeTOML([]byte(table))
	if err != nil {
		return fileEdit{}, err
	}
	keys := []string{tomlServers, name}
	want := takeOut(wanted, keys)
	if bytes.Contains(text, []byte("\r\n")) {
		table = strings.ReplaceAll(table, "\n", "\r\n")
	}
	there := takeOut(before, keys)
	if sameEntry(there, want) {
		return fileEdit{text: text}, nil
	}
	if outsideTables(text) {
		return fileEdit{}, errForm
	}
	edit := fileEdit{}
	if there == nil {
		edit.text = appendTable(text, table)
	} else {
		shown, err := json.Marshal(there)
		if err != nil {
			return fileEdit{}, err
		}
		edit.there = string(shown)
		edit.text = replaceTable(text, keys, table)
	}
	after, err := decodeTOML(edit.text)
	if err != nil || !sameEntry(takeOut(after, keys), want) ||
		!reflect.DeepEqual(pruned(before, keys), pruned(after, keys)) {
		return fileEdit{}, errForm
	}
	return edit, nil
}

var errForm = errors.New("has its servers in a form that cannot be edited without loss")

// outsideTables says whether servers are defined before the first header, in one line or by dotted
// keys. Such a definition is final: TOML allows no table of ours below it, though not every parser
// says so.
func outsideTables(text []byte) bool {
	end := len(text)
	if sections := tomlSections(text); len(sections) > 0 {
		end = sections[0].start
	}
	root, err := decodeTOML(text[:end])
	return err != nil || root[tomlServers] != nil
}

func decodeTOML(text []byte) (map[string]any, error) {
	v := make(map[string]any)
	if err := toml.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &v); err != nil {
		return nil, fmt.Errorf("is not TOML: %w", err)
	}
	return v, nil
}

// appendTable adds a table at the end, behind an empty line.
func appendTable(text []byte, table string) []byte {
	eol := "\n"
	if strings.Contains(table, "\r\n") {
		eol = "\r\n"
	}
	gap := ""
	if len(text) > 0 {
		if !bytes.HasSuffix(text, []byte("\n")) {
			gap = eol
		}
		if !bytes.HasSuffix(text, []byte(eol+eol)) {
			gap += eol
		}
	}
	return slices.Concat(text, []byte(gap), []byte(table))
}

// replaceTable puts table in the place of the first table at or below keys, and takes the other
// ones away.
func replaceTable(text []byte, keys []string, table string) []byte {
	var out []byte
	rest := 0
	for _, s := range tomlSections(text) {
		if len(s.keys) < len(keys) || !slices.Equal(s.keys[:len(keys)], keys) {
			continue
		}
		out = append(out, text[rest:s.start]...)
		out = append(out, table...)
		table = ""
		rest = s.end
	}
	return append(out, text[rest:]...)
}

// tomlSection is a table that has a header of its own. It ends behind its last value: comments
// before the next header belong to that one.
type tomlSection struct {
	keys       []string
	start, end int
}

// tomlSections finds the headers of a file that is TOML. A line that looks like one within a string
// or an array is none.
func tomlSections(text []byte) []tomlSection {
	var sections []tomlSection
	for at := 0; at < len(text); {
		start := at
		at = tomlStatement(text, at)
		line := bytes.TrimSpace(text[start:at])
		if len(line) > 0 && line[0] == '[' {
			var header map[string]any
			meta, err := toml.Decode(string(line), &header)
			if names := meta.Keys(); err == nil && len(names) > 0 {
				sections = append(sections, tomlSection{names[len(names)-1], start, at})
			}
		} else if n := len(sections); n > 0 && len(line) > 0 && line[0] != '#' {
			sections[n-1].end = at
		}
	}
	return sections
}

// tomlStatement is where the statement that begins at a place ends: behind the first line break
// that is not in a string, an array or an inline table.
func tomlStatement(text []byte, at int) int {
	for depth := 0; at < len(text); {
		switch c := text[at]; c {
		case '#':
			n := bytes.IndexByte(text[at:], '\n')
			if n < 0 {
				return len(text)
			}
			at += n
			continue
		case '"', '\'':
			at = tomlString(text, at)
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '\n':
			if depth <= 0 {
				return at + 1
			}
		}
		at++
	}
	return len(text)
}

// tomlString is where the string that begins at a place ends.
func tomlString(text []byte, at int) int {
	quote := text[at]
	closing := []byte{quote}
	if long := bytes.Repeat(closing, 3); bytes.HasPrefix(text[at:], long) {
		closing = long
	}
	for at += len(closing); at < len(text); at++ {
		if quote == '"' && text[at] == '\\' {
			at++
			continue
		}
		if bytes.HasPrefix(text[at:], closing) {
			at += len(closing)
			// Up to two more quotes may stand before those that close a long string.
			for len(closing) == 3 && at < len(text) && text[at] == quote {
				at++
			}
			return at
		}
	}
	return len(text)
}
