package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// record is one of their issues while it is taken apart: what is left at the end has no home here.
type record struct {
	fields map[string]any
	tally  *Tally
}

// decode reads one JSON object. Texts that JSON's decoder would silently replace are refused.
func decode(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("invalid UTF-8")
	}
	value, err := decodeValue(text)
	if err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if document.NotUnicode(text) >= 0 { // its bytes are UTF-8, so it is an escape
		return nil, errors.New(`half of a surrogate pair (\ud800 to \udfff)`)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("no JSON object")
	}
	return fields, nil
}

// decodeValue reads one JSON value, numbers as they are written.
func decodeValue(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// take removes a value that is there and not empty.
func (r *record) take(key string) (any, bool) {
	v, found := r.fields[key]
	if !found || empty(v) {
		delete(r.fields, key)
		return nil, false
	}
	delete(r.fields, key)
	return v, true
}

// text takes a text, trimmed. A value of another form stays where it is.
func (r *record) text(key string) string {
	s, ok := r.fields[key].(string)
	if !ok {
		return ""
	}
	delete(r.fields, key)
	return strings.TrimSpace(s)
}

// word takes a text or a number as one line.
func (r *record) word(key string) string {
	if n, ok := r.fields[key].(json.Number); ok {
		delete(r.fields, key)
		return n.String()
	}
	return oneLine(r.text(key))
}

// texts takes a list of texts, or a single one.
func (r *record) texts(key string) []string {
	switch v := r.fields[key].(type) {
	case string:
		if s := r.text(key); s != "" {
			return []string{s}
		}
	case []any:
		var list []string
		for _, item := range v {
			switch item := item.(type) {
			case string:
				if item = strings.TrimSpace(item); item != "" {
					list = append(list, item)
				}
			case json.Number:
				list = append(list, item.String())
			default:
				return nil // stays where it is
			}
		}
		delete(r.fields, key)
		return list
	}
	return nil
}

// times are the forms of a time in other trackers' files; without a zone it is UTC.
var times = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// time takes a time. One of another form stays where it is.
func (r *record) time(key string) time.Time {
	s, _ := r.fields[key].(string)
	for _, form := range times {
		// Beyond these years RFC 3339 has no form.
		if t, err := time.Parse(form, strings.TrimSpace(s)); err == nil && t.UTC().Year() >= 1 &&
			t.UTC().Year() <= 9999 {
			delete(r.fields, key)
			return t.UTC().Truncate(time.Second)
		}
	}
	return time.Time{}
}

// drop removes values that need no home, and counts those that are not empty.
func (r *record) drop(outcome Outcome, to string, keys ...string) {
	for _, key := range keys {
		if _, found := r.take(key); found {
			r.tally.add(outcome, key, to)
		}
	}
}

// rest is what is left, less what is empty.
func (r *record) rest() map[string]any {
	for key, v := range r.fields {
		if empty(v) {
			delete(r.fields, key)
		} else {
			r.tally.add(Kept, key, "")
		}
	}
	return r.fields
}

// empty reports whether a value says no more than its absence.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == "" || v == "{}"
	case bool:
		return !v
	case json.Number:
		return v == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
