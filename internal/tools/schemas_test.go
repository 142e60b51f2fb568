package tools_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
	"github.com/ticket-mcp/ticket-mcp/schemas"
)

// connect serves a board and returns the server, a client that has been initialized, and what it
// was told.
func connect(t *testing.T, b *tools.Board,
	readOnly bool) (*server.MCPServer, *client.Client, *mcp.InitializeResult) {
	t.Helper()
	s, err := tools.NewServer(b, tools.Offer{Version: "test", ReadOnly: readOnly},
		slog.New(slog.DiscardHandler))
	must(t, err)
	c, err := client.NewInProcessClient(s)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, c.Start(t.Context()))
	request := mcp.InitializeRequest{}
	request.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	request.Params.ClientInfo = mcp.Implementation{Name: "Test Client", Version: "1"}
	told, err := c.Initialize(t.Context(), request)
	must(t, err)
	return s, c, told
}

// definition is what tools/list says of one tool, and what a file of schemas says.
type definition struct {
	Name, Title, Description string
	Annotations              map[string]any
	InputSchema              map[string]any
	OutputSchema             map[string]any
}

// listed returns what tools/list says, as JSON values by name, and its length in bytes. It is read
// before a client's library could add or rename something; the client must find the same tools in
// it.
func listed(t *testing.T, s *server.MCPServer, c *client.Client) (byName map[string]any, size int) {
	t.Helper()
	text, err := json.Marshal(s.HandleMessage(context.Background(),
		json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`)))
	must(t, err)
	var answer struct {
		Result struct{ Tools []map[string]any }
	}
	must(t, json.Unmarshal(text, &answer))
	byName = map[string]any{}
	for _, tool := range answer.Result.Tools {
		byName[tool["name"].(string)] = tool
	}
	typed, err := c.ListTools(t.Context(), mcp.ListToolsRequest{})
	must(t, err)
	for _, tool := range typed.Tools {
		if byName[tool.Name] == nil || tool.Annotations.ReadOnlyHint == nil ||
			tool.InputSchema.Type != "object" {
			t.Errorf("the client finds %s, %+v", tool.Name, tool)
		}
	}
	if len(typed.Tools) != len(byName) {
		t.Errorf("the client finds %d tools of %d", len(typed.Tools), len(byName))
	}
	return byName, len(text)
}

// values is v as JSON gives it to a client.
func values(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	var value any
	must(t, json.Unmarshal(text, &value))
	return value
}

// files are the definitions in schemas, by name. ticket.schema.json is not a tool's.
func files(t *testing.T) map[string]any {
	t.Helper()
	entries, err := schemas.Files.ReadDir(".")
	must(t, err)
	byName := map[string]any{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".json")
		if name == "ticket.schema" {
			continue
		}
		text, err := schemas.Files.ReadFile(e.Name())
		must(t, err)
		byName[name] = values(t, json.RawMessage(text))
	}
	return byName
}

// TestSchemas: each file of schemas is what tools/list says of its tool, and there is no tool and
// no file beside.
func TestSchemas(t *testing.T) {
	w := testWorld(t)
	server, client, _ := connect(t, w.session("me").board, false)
	served, _ := listed(t, server, client)
	if diff := gocmp.Diff(files(t), served); diff != "" {
		t.Errorf("tools/list is not schemas/*.json (-file +served):\n%s", diff)
	}
	for name, file := range files(t) {
		if got := file.(map[string]any)["name"]; got != name {
			t.Errorf("schemas/%s.json is of %v", name, got)
		}
	}
}

// TestReadOnly: a server that may only read offers the tools that say so of themselves.
func TestReadOnly(t *testing.T) {
	w := testWorld(t)
	server, client, _ := connect(t, w.session("me").board, true)
	served, _ := listed(t, server, client)
	if want := []string{"history", "list", "ready", "show",
		"wait"}; !slices.Equal(slices.Sorted(maps.Keys(served)), want) {
		t.Errorf("a read-only server serves %v, want %v", slices.Sorted(maps.Keys(served)), want)
	}
}

// maxToolsList is what the definitions of all tools may cost every session of every agent, in
// bytes.
const maxToolsList = 16 << 10

func TestToolsListIsSmall(t *testing.T) {
	w := testWorld(t)
	server, client, told := connect(t, w.session("me").board, false)
	_, size := listed(t, server, client)
	if size > maxToolsList {
		t.Errorf("tools/list has %d bytes, more than %d", size, maxToolsList)
	}
	t.Logf("tools/list has %d bytes, the instructions %d", size, len(told.Instructions))
	if n := len(told.Instructions); n == 0 || n > 2048 {
		t.Errorf("the instructions have %d bytes", n)
	}
	// Some hosts cut instructions; the loop must stand where it is not cut.
	start := []rune(told.Instructions)
	loop := string(start[:min(500, len(start))])
	at := 0
	for _, step := range []string{"`ready`", "`start`", "`note`", "`close`"} {
		found := strings.Index(loop[at:], step)
		if found < 0 {
			t.Fatalf("the loop is not in the first 500 characters, in order: %s is missing in %q",
				step, loop)
		}
		at += found
	}
	for _, name := range append(slices.Collect(maps.Keys(files(t))), "data") {
		if !strings.Contains(told.Instructions, name) &&
			!slices.Contains([]string{"list", "reopen", "unblock", "update", "repair"}, name) {
			t.Errorf("the instructions do not speak of %s", name)
		}
	}
}

// definitions are the tools, typed.
func definitions(t *testing.T) []definition {
	t.Helper()
	var all []definition
	for _, file := range files(t) {
		text, err := json.Marshal(file)
		must(t, err)
		var d definition
		must(t, json.Unmarshal(text, &d))
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b definition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// TestDefinitions: what hosts and models need of every tool.
func TestDefinitions(t *testing.T) {
	hints := []string{"destructiveHint", "idempotentHint", "openWorldHint", "readOnlyHint"}
	for _, d := range definitions(t) {
		if !regexp.MustCompile(`^[a-z]{1,30}$`).MatchString(d.Name) {
			t.Errorf("%s: not a bare verb", d.Name)
		}
		if got := slices.Sorted(maps.Keys(d.Annotations)); !slices.Equal(got, hints) {
			t.Errorf("%s: annotations %v, want %v", d.Name, got, hints)
		}
		reads := d.Annotations["readOnlyHint"] == true
		if reads && (d.Annotations["destructiveHint"] == true ||
			d.Annotations["idempotentHint"] == false) || d.Annotations["openWorldHint"] == true {
			t.Errorf("%s: annotations contradict each other or the tool: %v", d.Name, d.Annotations)
		}
		// Hosts search tools by what they say first; agents call a ticket by many names.
		first, _, _ := strings.Cut(d.Description, ". ")
		if !strings.Contains(first, "ticket") || !strings.Contains(first, "issue") ||
			!strings.Contains(first, "task") {
			t.Errorf("%s: the first sentence does not say ticket, issue and task: %q", d.Name,
				first)
		}
		if d.Title == "" || d.InputSchema["type"] != "object" ||
			d.InputSchema["additionalProperties"] != false || d.OutputSchema["type"] != "object" {
			t.Errorf("%s: needs a title, a closed object of arguments and an object of output",
				d.Name)
		}
		arguments, _ := d.InputSchema["properties"].(map[string]any)
		for name, argument := range arguments {
			says, _ := argument.(map[string]any)["description"].(string)
			if says == "" || !regexp.MustCompile(`^[a-z_]+$`).MatchString(name) {
				t.Errorf("%s: argument %s is not in snake_case or not described", d.Name, name)
			}
		}
		required, _ := d.InputSchema["required"].([]any)
		for _, name := range required {
			if arguments[name.(string)] == nil {
				t.Errorf("%s: requires %v, which it does not have", d.Name, name)
			}
		}
		for _, fault := range slices.Concat(unsupported("inputSchema", d.InputSchema),
			unsupported("outputSchema", d.OutputSchema)) {
			t.Errorf("%s: %s", d.Name, fault)
		}
	}
}

// unsupported finds the forms of JSON Schema at which some hosts fail.
func unsupported(path string, value any) (faults []string) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			_, list := item.([]any)
			if slices.Contains([]string{"anyOf", "oneOf", "allOf", "not", "$ref", "$defs",
				"patternProperties"}, key) || key == "type" && list {
				faults = append(faults, path+": some hosts do not take "+key)
			}
			faults = append(faults, unsupported(path+"."+key, item)...)
		}
	case []any:
		for _, item := range v {
			faults = append(faults, unsupported(path, item)...)
		}
	}
	return faults
}

func TestUnsupported(t *testing.T) {
	for schema, faulty := range map[string]bool{
		`{"type":"object","properties":{"id":{"type":"string"}}}`:                     false,
		`{"type":"object","properties":{"id":{"type":["string","null"]}}}`:            true,
		`{"type":"array","items":{"anyOf":[{"type":"string"}]}}`:                      true,
		`{"type":"object","properties":{"x":{"$ref":"#/x"}},"required":["x"]}`:        true,
		`{"type":"object","properties":{"type":{"type":"string","enum":["a", "b"]}}}`: false,
	} {
		if faults := unsupported("", values(t,
			json.RawMessage(schema))); (len(faults) > 0) != faulty {
			t.Errorf("%s: %v", schema, faults)
		}
	}
}
