package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// editJSON sets the entry (JSON) at the keys of a JSON file, which may have comments and trailing commas, and keeps every other
// byte. A nil text is a file that is not there yet. The result is read again and compared: where it does not differ in exactly
// that entry, the edit is an error.
func editJSON(text []byte, keys []string, entry string) (fileEdit, error) {
	plain, _, _ := plainJSON(text)
	if len(bytes.TrimSpace(plain)) == 0 {
		// Nothing, or only comments.
		text = append(bytes.Clone(text), "{}\n"...)
		plain, _, _ = plainJSON(text)
	}
	before, err := decodeJSON(plain)
	if err != nil {
		return fileEdit{}, err
	}
	want, err := decodeJSON([]byte(entry))
	if err != nil {
		return fileEdit{}, err
	}
	edit, err := spliceJSON(text, keys, entry)
	if err != nil {
		return fileEdit{}, err
	}
	plain, _, _ = plainJSON(edit.text)
	after, err := decodeJSON(plain)
	if err != nil || !sameEntry(takeOut(after, keys), want) {
		return fileEdit{}, errors.New("cannot be edited without loss")
	}
	// What is left without our entry, and without what had to be made for it, must be what was there.
	takeOut(before, keys)
	if !reflect.DeepEqual(pruned(before, keys), pruned(after, keys)) {
		return fileEdit{}, errors.New("cannot be edited without loss")
	}
	return edit, nil
}

// spliceJSON finds the deepest object on the way to the entry that is there, and writes into it.
func spliceJSON(text []byte, keys []string, entry string) (fileEdit, error) {
	plain, bare, _ := plainJSON(text)
	at := bytes.IndexByte(plain, '{')
	style := styleOf(text, plain, at)
	for i, key := range keys {
		object, err := readObject(plain, at)
		if err != nil {
			return fileEdit{}, err
		}
		value, found, err := object.value(key)
		switch {
		case err != nil:
			return fileEdit{}, err
		case !found:
			for j := len(keys) - 1; j > i; j-- {
				entry = "{" + jsonOf(keys[j]) + ":" + entry + "}"
			}
			return fileEdit{text: style.insert(text, bare, object, key, entry)}, nil
		case i < len(keys)-1:
			if plain[value.start] != '{' {
				return fileEdit{}, fmt.Errorf("%q is not an object", key)
			}
			at = value.start
		default:
			old := plain[value.start:value.end]
			was, err := decodeAny(old)
			if err != nil {
				return fileEdit{}, err
			}
			want, err := decodeAny([]byte(entry))
			if err != nil {
				return fileEdit{}, err
			}
			if sameEntry(was, want) {
				return fileEdit{text: text}, nil
			}
			var there bytes.Buffer
			if err := json.Compact(&there, old); err != nil {
				return fileEdit{}, err
			}
			return fileEdit{text: style.replace(text, value, entry), there: there.String()}, nil
		}
	}
	panic("no keys")
}

// plainJSON returns text with all that plain JSON has not turned into spaces, so that places are the same in both: comments, a
// byte order mark, trailing commas. bare is the same with the trailing commas; extended says whether there are any of these but
// the mark.
func plainJSON(text []byte) (plain, bare []byte, extended bool) {
	bare = bytes.Clone(text)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if bare[i] != '\n' && bare[i] != '\r' {
				bare[i] = ' '
			}
		}
	}
	if bytes.HasPrefix(bare, []byte("\ufeff")) {
		blank(0, len("\ufeff"))
	}
	var commas []int // that close an object or array
	comma := -1      // the last byte that is no space, when it is a comma with a value before it
	last := byte(0)
	for i := 0; i < len(bare); i++ {
		c := bare[i]
		switch {
		case bytes.HasPrefix(bare[i:], []byte("//")):
			end := len(bare)
			if n := bytes.IndexAny(bare[i:], "\r\n"); n >= 0 {
				end = i + n
			}
			blank(i, end)
			i, extended = end-1, true
			continue
		case bytes.HasPrefix(bare[i:], []byte("/*")):
			n := bytes.Index(bare[i+2:], []byte("*/"))
			if n < 0 {
				// An open comment stays, for the parser to find.
				continue
			}
			blank(i, i+n+4)
			i, extended = i+n+3, true
			continue
		case strings.IndexByte(" \t\r\n", c) >= 0:
			continue
		case c == '"':
			for i++; i < len(bare) && bare[i] != '"'; i++ {
				if bare[i] == '\\' {
					i++
				}
			}
		case (c == '}' || c == ']') && comma >= 0:
			commas, extended = append(commas, comma), true
		}
		comma = -1
		if c == ',' && strings.IndexByte("{[,", last) < 0 {
			comma = i
		}
		last = c
	}
	plain = bytes.Clone(bare)
	for _, i := range commas {
		plain[i] = ' '
	}
	return plain, bare, extended
}

// decodeJSON reads a whole file, which is an object.
func decodeJSON(plain []byte) (map[string]any, error) {
	v, err := decodeAny(plain)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("is not a JSON object")
	}
	return object, nil
}

func decodeAny(plain []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber() // compared as written
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return v, nil
		}
		err = errors.New("something follows the end of the object")
	}
	at := d.InputOffset()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	before := plain[:min(int(at), len(plain))]
	line := bytes.Count(before, []byte("\n")) + 1
	return nil, fmt.Errorf("is not JSON: line %d: %w", line, err)
}

// jsonObject is where an object and its members stand in a file.
type jsonObject struct {
	start, end int
	members    []jsonMember
}

type jsonMember struct {
	key        string
	start, end int // of the value
}

func readObject(plain []byte, at int) (jsonObject, error) {
	o := jsonObject{start: at}
	d := json.NewDecoder(bytes.NewReader(plain[at:]))
	if _, err := d.Token(); err != nil {
		return o, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return o, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return o, err
		}
		end := at + int(d.InputOffset())
		o.members = append(o.members, jsonMember{key.(string), end - len(value), end})
	}
	if _, err := d.Token(); err != nil {
		return o, err
	}
	o.end = at + int(d.InputOffset())
	return o, nil
}

func (o jsonObject) value(key string) (m jsonMember, found bool, err error) {
	for _, one := range o.members {
		if one.key != key {
			continue
		}
		if found {
			return m, true, fmt.Errorf("has %q twice", key)
		}
		m, found = one, true
	}
	return m, found, nil
}

// takeOut removes the value at keys and returns it.
func takeOut(object map[string]any, keys []string) any {
	for _, key := range keys[:len(keys)-1] {
		object, _ = object[key].(map[string]any)
	}
	last := keys[len(keys)-1]
	defer delete(object, last)
	return object[last]
}

// pruned removes the objects on the way of keys that are empty.
func pruned(object map[string]any, keys []string) map[string]any {
	inner, ok := object[keys[0]].(map[string]any)
	if ok && len(keys) > 1 && len(pruned(inner, keys[1:])) == 0 {
		delete(object, keys[0])
	}
	return object
}

// defaults are what some programs write into an entry and others leave out; they mean the same.
var defaults = map[string]any{
	"args": []any{}, "env": map[string]any{}, "type": "stdio", "enabled": true, "tools": []any{"*"},
}

// sameEntry compares entries but for defaults.
func sameEntry(a, b any) bool { return reflect.DeepEqual(withoutDefaults(a), withoutDefaults(b)) }

func withoutDefaults(entry any) any {
	object, ok := entry.(map[string]any)
	if !ok {
		return entry
	}
	rest := make(map[string]any)
	for key, value := range object {
		if standard, known := defaults[key]; !known || !reflect.DeepEqual(value, standard) {
			rest[key] = value
		}
	}
	return rest
}
