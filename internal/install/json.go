package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/tailscale/hujson"
)

var (
	byteOrderMark = []byte("\ufeff")
	errLoss       = errors.New("cannot be edited without loss")
)

// editJSON sets the entry (JSON) at the keys of a JSON file, which may have comments and trailing
// commas, and keeps every other byte. A nil text is a file that is not there yet. The result is
// read again and compared: where it does not differ in exactly that entry, the edit is an error.
func editJSON(text []byte, keys []string, entry string) (fileEdit, error) {
	text, marked := bytes.CutPrefix(text, byteOrderMark)
	root, text, err := parseJSON(text)
	if err != nil {
		return fileEdit{}, err
	}
	before, err := decodeJSON(root)
	if err != nil {
		return fileEdit{}, err
	}
	want, err := decodeEntry(entry)
	if err != nil {
		return fileEdit{}, err
	}
	edit, err := spliceJSON(text, root, keys, entry, want)
	if err != nil {
		return fileEdit{}, err
	}
	edited, err := hujson.Parse(edit.text)
	if err != nil {
		return fileEdit{}, errLoss
	}
	after, err := decodeJSON(edited)
	if err != nil || !sameEntry(takeOut(after, keys), want) {
		return fileEdit{}, errLoss
	}
	// What is left without our entry, and without what had to be made for it, must be what was
	// there.
	takeOut(before, keys)
	if !reflect.DeepEqual(pruned(before, keys), pruned(after, keys)) {
		return fileEdit{}, errLoss
	}
	if marked {
		edit.text = append(bytes.Clone(byteOrderMark), edit.text...)
	}
	return edit, nil
}

// parseJSON reads a file. One that has nothing or only comments in it gets an empty object.
func parseJSON(text []byte) (hujson.Value, []byte, error) {
	root, err := hujson.Parse(text)
	if err == nil {
		return root, text, nil
	}
	filled := append(bytes.Clone(text), "{}\n"...)
	if root, filledErr := hujson.Parse(filled); filledErr == nil && root.StartOffset == len(text) {
		return root, filled, nil
	}
	return root, nil, errors.New("is not JSON: " + strings.TrimPrefix(err.Error(), "hujson: "))
}

// hasComments reports whether a file has what plain JSON has not, comments or trailing commas. What
// cannot be read has none.
func hasComments(text []byte) bool {
	root, _, err := parseJSON(bytes.TrimPrefix(text, byteOrderMark))
	return err == nil && !root.IsStandard()
}

// spliceJSON finds the deepest object on the way to the entry that is there, and writes into it.
func spliceJSON(text []byte, root hujson.Value, keys []string, entry string,
	want any) (fileEdit, error) {
	style := styleOf(text, root)
	at := root
	for i, key := range keys {
		value, err := member(at, key)
		switch {
		case err != nil:
			return fileEdit{}, err
		case value == nil:
			for j := len(keys) - 1; j > i; j-- {
				entry = "{" + jsonOf(keys[j]) + ":" + entry + "}"
			}
			return fileEdit{text: style.insert(text, at, key, entry)}, nil
		case i < len(keys)-1:
			if value.Value.Kind() != '{' {
				return fileEdit{}, fmt.Errorf("%q is not an object", key)
			}
			at = *value
		default:
			old := value.Clone()
			old.Minimize()
			was, err := decodeEntry(string(old.Pack()))
			if err != nil {
				return fileEdit{}, err
			}
			if sameEntry(was, want) {
				return fileEdit{text: text}, nil
			}
			return fileEdit{text: style.replace(text, *value, entry),
				there: string(old.Pack())}, nil
		}
	}
	panic("no keys")
}

// member is the value of a member of an object, nil if there is none.
func member(object hujson.Value, key string) (value *hujson.Value, err error) {
	members := object.Value.(*hujson.Object).Members
	for i, m := range members {
		if m.Name.Value.(hujson.Literal).String() != key {
			continue
		}
		if value != nil {
			return nil, fmt.Errorf("has %q twice", key)
		}
		value = &members[i].Value
	}
	return value, nil
}

// decodeJSON is what a file says; it is an object.
func decodeJSON(root hujson.Value) (map[string]any, error) {
	root = root.Clone()
	root.Standardize()
	v, err := decodeEntry(string(root.Pack()))
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("is not a JSON object")
	}
	return object, nil
}

func decodeEntry(plain string) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(plain)))
	d.UseNumber() // compared as written
	return v, d.Decode(&v)
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
