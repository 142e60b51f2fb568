package tools_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
	"github.com/ticket-mcp/ticket-mcp/schemas"
)

// reply is an answer as a client sees it.
type reply struct {
	code   ticketfs.Code  // of a refusal
	fields map[string]any // the structured content
	text   string         // of an answer or a refusal
}

// call calls a tool. Whatever it answers, in whatever test, is held against the contract of
// answers.
func call(t tb, b *tools.Board, tool string, args any) reply {
	t.Helper()
	text, err := json.Marshal(args)
	must(t, err)
	answer, err := b.Call(context.Background(), tool, text)
	if err != nil {
		if fault := refusalFault(err); fault != "" {
			t.Fatalf("%s %s: %s", tool, text, fault)
		}
		return reply{code: ticketfs.CodeOf(err), text: err.Error()}
	}
	structured, err := json.Marshal(answer)
	must(t, err)
	if faults := answerFaults(tool, structured, answer.Text()); len(faults) > 0 {
		t.Fatalf("%s %s: %s\n%s\n%s", tool, text, strings.Join(faults, "\n"), structured,
			answer.Text())
	}
	r := reply{text: answer.Text()}
	must(t, json.Unmarshal(structured, &r.fields))
	return r
}

// refusalForm is `code: what and why; next step`.
var refusalForm = regexp.MustCompile(`(?s)^[a-z_]+: \S.*[^.\s]$`)

// refusalFault says what is wrong with a refusal. An error of the system is wrong: no test here
// brings one about.
func refusalFault(err error) string {
	var r *ticketfs.Refusal
	switch {
	case !errors.As(err, &r):
		return "an error of the system: " + err.Error()
	case !strings.HasPrefix(err.Error(),
		string(r.Code)+": "+r.Why), !refusalForm.MatchString(err.Error()):
		return "not in the form of a refusal: " + err.Error()
	}
	return ""
}

// answerFaults says what is wrong with an answer: it must be as outputSchema says, without null
// anywhere but for the next ticket of a close, which there may not be, and say in its text what it
// says in its structured content, because some hosts show the model only one of the two.
func answerFaults(tool string, structured []byte, text string) []string {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(structured))
	if err != nil {
		return []string{err.Error()}
	}
	schema, err := outputSchema(tool)
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	if err := schema.Validate(value); err != nil {
		faults = append(faults, err.Error())
	}
	leaves("", value, func(path string, leaf any) {
		if path == "/next" && leaf == nil {
			return
		}
		if said := asText(path, leaf); leaf == nil || !strings.Contains(text, said) {
			faults = append(faults, fmt.Sprintf("%s: the text does not say %q", path, said))
		}
	})
	return faults
}

// asText is how a value of the structured content stands in the text.
func asText(path string, leaf any) string {
	switch {
	case strings.HasSuffix(path, "/priority"):
		return fmt.Sprintf("P%v", leaf)
	case strings.HasSuffix(path, "/more"):
		return fmt.Sprintf("+%v more", leaf)
	case strings.HasSuffix(path, "/repaired"):
		return "[repaired: "
	case strings.HasSuffix(path, "/exists"):
		return "(exists"
	case strings.HasSuffix(path, "/timed_out"):
		return "nothing yet: "
	case strings.HasSuffix(path, "/already_yours"):
		return "already yours"
	case strings.HasSuffix(path, "/hold_over"):
		return "no longer on hold"
	}
	return fmt.Sprint(leaf)
}

// leaves calls fn for each value that is no object and no list.
func leaves(path string, value any, fn func(path string, leaf any)) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			leaves(path+"/"+key, item, fn)
		}
	case []any:
		for i, item := range v {
			leaves(fmt.Sprint(path, "/", i), item, fn)
		}
	default:
		fn(path, value)
	}
}

var outputSchemas sync.Map // tool -> *jsonschema.Schema

func outputSchema(tool string) (*jsonschema.Schema, error) {
	if schema, ok := outputSchemas.Load(tool); ok {
		return schema.(*jsonschema.Schema), nil
	}
	text, err := schemas.Files.ReadFile(tool + ".json")
	if err != nil {
		return nil, err
	}
	definition, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(tool, definition.(map[string]any)["outputSchema"]); err != nil {
		return nil, err
	}
	schema, err := c.Compile(tool)
	if err == nil {
		outputSchemas.Store(tool, schema)
	}
	return schema, err
}

// TestAnswerFaults: the contract of answers notices what breaks it.
func TestAnswerFaults(t *testing.T) {
	for _, tt := range []struct {
		tool, structured, text string
		want                   string // "" = none
	}{
		{"note", `{"id":"a","title":"A","message":"noted"}`, "noted\na: A", ""},
		{"note", `{"id":"a","title":null,"message":"noted"}`, "noted\na", "title"},
		{"note", `{"id":"a"}`, "a", "message"},
		{"note", `{"id":7,"message":"noted 7"}`, "noted 7", "id"},
		{"note", `{"id":"a","message":"noted"}`, "noted", `"a"`},
		{"list", `{"tickets":null,"message":"none"}`, "none", "tickets"},
		{"list", `{"tickets":["a"],"message":"a"}`, "a", "tickets/0"},
		{"list", `{"tickets":[{"id":"a","priority":1}],"message":"one"}`, "one: a P1", ""},
		{"list", `{"tickets":[{"id":"a","priority":1}],"message":"one"}`, "one: a P2", "priority"},
		{"list", `{"tickets":[],"message":"none","more":7}`, "none", "more"},
		{"none", `{}`, "", "none.json"},
	} {
		faults := answerFaults(tt.tool, []byte(tt.structured), tt.text)
		if got := strings.Join(faults, "\n"); (got == "") != (tt.want == "") ||
			!strings.Contains(got, tt.want) {
			t.Errorf("%s %s, as text %q: faults %q, want one of %q", tt.tool, tt.structured,
				tt.text, got, tt.want)
		}
	}
	for _, tt := range []struct {
		err error
		ok  bool
	}{
		{ticketfs.Refuse(ticketfs.Busy, "retry", "it is held"), true},
		{ticketfs.Refuse(ticketfs.Busy, "", "it is held"), true},
		{ticketfs.Refuse(ticketfs.Busy, "Retry.", "it is held"), false},
		{ticketfs.Refuse("", "retry", "it is held"), false},
		{errors.New("disk full"), false},
	} {
		if fault := refusalFault(tt.err); (fault == "") != tt.ok {
			t.Errorf("%v: fault %q", tt.err, fault)
		}
	}
}

// ids are the ids of the rows of a list in an answer.
func (r reply) ids(list string) []string {
	var ids []string
	rows, _ := r.fields[list].([]any)
	for _, row := range rows {
		ids = append(ids, row.(map[string]any)["id"].(string))
	}
	return ids
}

func (r reply) str(field string) string {
	s, _ := r.fields[field].(string)
	return s
}

// same reports whether two lists hold the same ids, in any order.
func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
