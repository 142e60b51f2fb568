package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// Hosts and bridges change arguments on their way: null and "" for what was not given, 5.0 or "5"
// for 5, "true" for true, an array as its JSON text or a single value for it, keys of their own
// beside those of the schema. That is understood. What agents mean is not guessed: any other
// unknown key, and any other type, is refused.

// ofHosts are keys that hosts and bridges add to the arguments by themselves, in lower case without
// _ and -.
var ofHosts = map[string]bool{
	"toolcallid": true, "tooluseid": true, "callid": true, "requestid": true, "sessionid": true, "messageid": true, "runid": true,
	"taskprogress": true, "requestheartbeat": true, "waitforprevioustools": true, "securityrisk": true, "meta": true, "signal": true,
}

// clears are the arguments that an empty text clears, by tool. For all others an empty text is the
// same as none.
var clears = map[string][]string{
	"update": {"title", "assignee", "parent", "description", "design", "acceptance", "hold",
		"hold_until"},
}

// led are usual wrong names, in lower case without _ and -, and what to use instead where a tool
// has no such argument itself.
var led = map[string]string{
	"status": "start, close, reopen and release change the status", "state": "start, close, reopen and release change the status",
	"note": "note appends to the notes", "notes": "note appends to the notes", "comment": "note appends to the notes",
	"dependson": "use blocked_by", "blockedby": "use blocked_by", "dependencies": "use blocked_by", "deps": "use blocked_by", "blockers": "use blocked_by",
	"parentid": "use parent", "epic": "use parent", "ticketid": "use id", "ticket": "use id", "issueid": "use id", "taskid": "use id",
	"labels": "use tags", "label": "use tags", "body": "use description", "summary": "use title", "owner": "use assignee",
	"claimedby": "start claims a ticket; agent is who of this session does it",
}

// bare is a key without what writers of keys differ in.
func bare(key string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key))
}

// understood turns the arguments of a call into those that the tool's schema means.
func understood(name string, args json.RawMessage) (json.RawMessage, error) {
	schema, err := inputSchema(name)
	if err != nil {
		return nil, fmt.Errorf("compile schema of %s: %w", name, err)
	}
	if text := bytes.TrimSpace(args); len(text) == 0 || string(text) == "null" {
		return json.RawMessage("{}"), nil
	}
	// Before anything decodes the text, and so replaces what is not Unicode.
	if err := checkUnicode(name, args); err != nil {
		return nil, err
	}
	// one value and nothing behind it, numbers as they are written
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(args))
	if err != nil {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "send a JSON object",
			"arguments of %s are not JSON", name)
	}
	given, isObject := value.(map[string]any)
	if !isObject {
		return args, nil // the schema says so
	}
	if err := leadOn(name, given, schema); err != nil {
		return nil, err
	}
	return json.Marshal(meant(name, given, schema))
}

// leadOn drops the keys of hosts and refuses other unknown ones, with what the tool takes and, for
// the usual ones, what is meant.
func leadOn(name string, given map[string]any, schema *jsonschema.Schema) error {
	var unknown, hints []string
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if schema.Properties[key] != nil {
			continue
		}
		if ofHosts[bare(key)] || strings.HasPrefix(key, "_") {
			delete(given, key)
			continue
		}
		unknown = append(unknown, oneLine(key, 80))
		if hint := hintFor(key, schema); hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	next := strings.Join(append(hints, name+" takes "+signature(schema)), "; ")
	return ticketfs.Refuse(ticketfs.Invalid, next, "unknown argument %s",
		oneLine(strings.Join(unknown, ", "), 200))
}

// HintFor is what a wrong argument of a tool probably means, in the tools' words; "" where nothing
// is known, or there is no such tool.
func HintFor(tool, argument string) string {
	schema, err := inputSchema(tool)
	if err != nil {
		return ""
	}
	return hintFor(argument, schema)
}

// hintFor is what a wrong key probably means: an argument of the tool in another spelling, or
// another tool.
func hintFor(key string, schema *jsonschema.Schema) string {
	for known := range schema.Properties {
		if bare(known) == bare(key) {
			return "use " + known
		}
	}
	hint := led[bare(key)]
	if use, found := strings.CutPrefix(hint, "use "); found && schema.Properties[use] == nil {
		if use == "blocked_by" {
			return "block makes a ticket wait for another"
		}
		return ""
	}
	return hint
}

// meant reads each argument as its schema wants it. An absent one stays absent.
func meant(name string, given map[string]any, schema *jsonschema.Schema) map[string]any {
	args := make(map[string]any, len(given))
	for key, value := range given {
		property := schema.Properties[key]
		text, isText := value.(string)
		switch {
		case value == nil:
			continue
		case isText && strings.TrimSpace(text) == "" && !slices.Contains(clears[name], key) &&
			!slices.Contains(schema.Required, key):
			continue
		}
		if property != nil {
			value = asWanted(key, value, property)
		}
		args[key] = value
	}
	return args
}

// asWanted is a value in the type that a schema wants, if it says the same in another one.
func asWanted(key string, value any, schema *jsonschema.Schema) any {
	text, isText := value.(string)
	switch wanted(schema) {
	case "integer":
		if isText {
			text = strings.TrimSpace(text)
			if n, known := priorities[strings.ToLower(text)]; key == "priority" && known {
				return json.Number(n)
			}
			value = json.Number(text)
		}
		if number, isNumber := value.(json.Number); isNumber {
			plain := len(number) < 40 && !strings.ContainsAny(number.String(), "/xXeE_")
			if r, ok := new(big.Rat).SetString(number.String()); plain && ok && r.IsInt() {
				return json.Number(r.Num().String())
			}
		}
		if isText {
			return text // what is no number is refused as it was given
		}
	case "boolean":
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true":
			return true
		case "false":
			return false
		}
	case "array":
		if isText {
			var list []any
			if err := json.Unmarshal([]byte(text), &list); err == nil {
				return itemsAsWanted(list, schema.Items2020)
			}
			if items := schema.Items2020; items != nil && wanted(items) == "string" {
				return []any{text}
			}
		}
		if list, isList := value.([]any); isList {
			return itemsAsWanted(list, schema.Items2020)
		}
	}
	return value
}

// itemsAsWanted reads the items of a list. In objects, what is absent stays absent, and unknown
// keys are left to whoever knows them.
func itemsAsWanted(list []any, schema *jsonschema.Schema) []any {
	var items []any
	for _, item := range list {
		object, isObject := item.(map[string]any)
		switch {
		case item == nil:
			continue
		case isObject && schema != nil:
			item = meant("", object, schema)
		}
		items = append(items, item)
	}
	return append([]any{}, items...)
}

// priorities are words for priorities.
var priorities = map[string]string{
	"critical": "0", "high": "1", "medium": "2", "low": "3", "p0": "0", "p1": "1", "p2": "2", "p3": "3", "p4": "4",
}

// wanted is the one type that a schema allows, "" when it has none or several.
func wanted(schema *jsonschema.Schema) string {
	if schema == nil || schema.Types == nil {
		return ""
	}
	if types := schema.Types.ToStrings(); len(types) == 1 {
		return types[0]
	}
	return ""
}
