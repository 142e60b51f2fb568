package tools

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/schemas"
)

// definitionOf reads schemas/<tool>.json into the form in which mcp-go serves it unchanged.
func definitionOf(name string) (mcp.Tool, error) {
	text, err := schemas.Files.ReadFile(name + ".json")
	if err != nil {
		return mcp.Tool{}, err
	}
	var d struct {
		Name, Title, Description string
		Annotations              mcp.ToolAnnotation
		InputSchema              json.RawMessage
		OutputSchema             json.RawMessage
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return mcp.Tool{}, fmt.Errorf("read schemas/%s.json: %w", name, err)
	}
	t := mcp.NewToolWithRawSchema(d.Name, d.Description, d.InputSchema)
	t.Title, t.Annotations, t.RawOutputSchema = d.Title, d.Annotations, d.OutputSchema
	return t, nil
}

// inputSchemas are compiled when a tool is first called: a server answers tools/list sooner, and
// most sessions use few tools.
var inputSchemas sync.Map // name -> func() (*jsonschema.Schema, error)

func inputSchema(name string) (*jsonschema.Schema, error) {
	compile, _ := inputSchemas.LoadOrStore(name,
		sync.OnceValues(func() (*jsonschema.Schema, error) {
			definition, err := definitionOf(name)
			if err != nil {
				return nil, err
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(definition.RawInputSchema))
			if err != nil {
				return nil, err
			}
			// A relative name would be resolved against the working directory, which may be gone or
			// hold a %.
			url := "https://ticket-mcp.invalid/schemas/" + name + ".json"
			c := jsonschema.NewCompiler()
			if err := c.AddResource(url, doc); err != nil {
				return nil, err
			}
			return c.Compile(url)
		}))
	return compile.(func() (*jsonschema.Schema, error))()
}

// checkArguments refuses arguments that the tool's schema does not allow, in words an agent can act
// on. mcp-go's own checker is not used: its messages show Go values.
func checkArguments(name string, args json.RawMessage) error {
	schema, err := inputSchema(name)
	if err != nil {
		return fmt.Errorf("compile schema of %s: %w", name, err)
	}
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(args))
	if err != nil {
		return ticketfs.Refuse(ticketfs.Invalid, "send a JSON object",
			"arguments of %s are not JSON: %v", name, err)
	}
	err = schema.Validate(value)
	var bad *jsonschema.ValidationError
	if !errors.As(err, &bad) {
		return err
	}
	var faults []string
	next := "correct that, and repeat the call"
	for _, leaf := range leaves(bad) {
		faults = append(faults, fault(leaf))
		if aboutName(leaf) {
			next = name + " takes " + signature(schema)
		}
	}
	slices.Sort(faults)
	return ticketfs.Refuse(ticketfs.Invalid, next, "%s", strings.Join(faults, "; "))
}

// leaves are the single faults of a nested error.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

// aboutName reports whether an argument is missing or unknown: then the names of all help, for a
// wrong value they do not.
func aboutName(e *jsonschema.ValidationError) bool {
	switch e.ErrorKind.(type) {
	case *kind.Required, *kind.AdditionalProperties:
		return true
	}
	return false
}

// fault says what is wrong with which argument.
func fault(e *jsonschema.ValidationError) string {
	where := strings.Join(e.InstanceLocation, ".")
	if where == "" {
		where = "the arguments"
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return strings.Join(k.Missing, ", ") + " is missing"
	case *kind.AdditionalProperties:
		return "unknown argument " + oneLine(strings.Join(k.Properties, ", "), 200)
	case *kind.Type:
		if strings.HasSuffix(where, "priority") {
			return where + " must be 0, the highest, to 4, or one of P0 to P4, critical, high, medium, low"
		}
		if slices.Equal(k.Want, []string{"integer"}) && k.Got == "number" {
			return where + " must be a whole number, not one with a fraction"
		}
		return fmt.Sprintf("%s must be %s, not %s", where, typeWords(k.Want...), typeWords(k.Got))
	case *kind.Enum:
		return fmt.Sprintf("%s must be one of %s, not %s", where, joinAny(k.Want),
			oneLine(fmt.Sprint(k.Got), 80))
	case *kind.Minimum:
		return fmt.Sprintf("%s must be at least %s, not %s", where, k.Want.RatString(),
			k.Got.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s must be at most %s, not %s", where, k.Want.RatString(),
			k.Got.RatString())
	case *kind.MinLength:
		return fmt.Sprintf("%s must have at least %d characters", where, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("%s must have at most %d characters, not %d", where, k.Want, k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("%s must have at least %s, not %d", where, counted(k.Want, "item"),
			k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("%s must have at most %s, not %d", where, counted(k.Want, "item"), k.Got)
	}
	return where + ": " + e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}

func joinAny(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// typeWords names types of JSON as people do.
func typeWords(types ...string) string {
	words := map[string]string{
		"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
		"array": "a list", "object": "an object", "null": "null",
	}
	named := make([]string, len(types))
	for i, t := range types {
		named[i] = cmp.Or(words[t], t)
	}
	return strings.Join(named, " or ")
}

// signature lists a tool's arguments, the required ones first.
func signature(schema *jsonschema.Schema) string {
	var optional []string
	for name := range schema.Properties {
		if !slices.Contains(schema.Required, name) {
			optional = append(optional, name+"?")
		}
	}
	slices.Sort(optional)
	return strings.Join(append(slices.Clone(schema.Required), optional...), ", ")
}
