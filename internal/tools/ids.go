package tools

import (
	"bytes"
	"encoding/json"
)

// idArguments are the arguments that name tickets, in every tool.
var idArguments = []string{"id", "parent", "blocked_by", "duplicate_of"}

// resolveIDs puts ids in the place of what people and agents paste for them. Without a board,
// arguments stay as they are: the tool will say that there is none.
func (c *call) resolveIDs(args json.RawMessage) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(args, &all) != nil {
		return args
	}
	changed := false
	for _, name := range idArguments {
		value, given := all[name]
		if !given {
			continue
		}
		folder, err := c.open()
		if err != nil {
			return args
		}
		if meant := resolved(value, folder.Resolve); !bytes.Equal(meant, value) {
			all[name], changed = meant, true
		}
	}
	if !changed {
		return args
	}
	meant, err := json.Marshal(all)
	if err != nil {
		return args
	}
	return meant
}

// resolved is an id, or a list of ids, with each of them resolved.
func resolved(value json.RawMessage, resolve func(string) string) json.RawMessage {
	var id string
	var ids []string
	var meant any
	switch {
	case json.Unmarshal(value, &id) == nil && id != "":
		if meant = resolve(id); meant == id {
			return value
		}
	case json.Unmarshal(value, &ids) == nil && len(ids) > 0:
		same := true
		for i := range ids {
			was := ids[i]
			ids[i] = resolve(was)
			same = same && ids[i] == was
		}
		if same {
			return value
		}
		meant = ids
	default:
		return value
	}
	text, err := json.Marshal(meant)
	if err != nil {
		return value
	}
	return text
}
