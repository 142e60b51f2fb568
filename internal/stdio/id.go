package stdio

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
)

// member is a member of a JSON object; end is where its value ends in the text.
type member struct {
	key   string
	value json.RawMessage
	end   int
}

// members are the members of the object that a text begins with, as far as they are whole.
func members(text []byte) iter.Seq[member] {
	return func(yield func(member) bool) {
		d := json.NewDecoder(bytes.NewReader(text))
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			return
		}
		for d.More() {
			key, err := d.Token()
			name, _ := key.(string)
			m := member{key: name}
			if err != nil || d.Decode(&m.value) != nil {
				return
			}
			// A number that ends with the text may go on behind it.
			if m.end = int(d.InputOffset()); m.end == len(text) || !yield(m) {
				return
			}
		}
	}
}

// idOf is the id of a message, which may be cut off behind it; null if it has none.
func idOf(message []byte) member {
	for m := range members(message) {
		if m.key == "id" {
			return m
		}
	}
	return member{value: json.RawMessage("null")}
}

// withID is a message with another id. Like mcp-go's decoder it takes Id and ID for id.
func withID(message []byte, id string) []byte {
	changed := make([]byte, 0, len(message)+len(id)+1)
	done := 0
	for m := range members(message) {
		if strings.EqualFold(m.key, "id") {
			changed = append(changed, message[done:m.end-len(m.value)]...)
			changed = append(changed, id...)
			done = m.end
		}
	}
	return append(changed, message[done:]...)
}
