package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mcpgo "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
	"github.com/ticket-mcp/ticket-mcp/schemas"
)

// revisions are the revisions of the protocol that the server speaks: all but the last begin with a
// handshake.
var revisions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

// tsClient holds the TypeScript client, and the talk that all clients hold.
const tsClient = "testdata/tsclient"

// callStep is a call of the talk. Its arguments may name tickets that were created before by what
// they were called As.
type callStep struct {
	Tool      string
	Arguments json.RawMessage
	Refused   string // the code, "" for a success
	As        string
}

func talkSteps(t *testing.T) (steps []callStep) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tsClient, "dialogue.json"))
	if err == nil {
		err = json.Unmarshal(text, &steps)
	}
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// told is what a client makes of an answer.
type told struct {
	text       string
	structured any
	isError    bool
	code       any
}

// converse lists the tools and holds the whole talk with a server: every tool is called, and each
// success must match what tools/list says of it.
func converse(t *testing.T, outputSchemas map[string]any,
	call func(tool string, arguments json.RawMessage) (told, error)) {
	t.Helper()
	compiled := make(map[string]*jsonschema.Schema)
	for name, schema := range outputSchemas {
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, schema); err != nil {
			t.Fatal(err)
		}
		var err error
		if compiled[name], err = c.Compile(name); err != nil {
			t.Fatal(err)
		}
	}
	ids := make(map[string]string)
	called := make(map[string]bool)
	for _, step := range talkSteps(t) {
		arguments := step.Arguments
		for name, id := range ids {
			arguments = bytes.ReplaceAll(arguments, fmt.Appendf(nil, "%q", name),
				fmt.Appendf(nil, "%q", id))
		}
		r, err := call(step.Tool, arguments)
		if err != nil {
			t.Fatalf("%s %s: %v", step.Tool, arguments, err)
		}
		if r.isError != (step.Refused != "") || r.isError &&
			(r.code != step.Refused || !strings.HasPrefix(r.text, step.Refused+": ")) {
			t.Fatalf("%s %s: %s", step.Tool, arguments, r.text)
		}
		if r.isError {
			continue
		}
		called[step.Tool] = true
		if err := compiled[step.Tool].Validate(r.structured); err != nil || r.structured == nil {
			t.Errorf("%s %s: %v does not match the output schema: %v", step.Tool, arguments,
				r.structured, err)
		}
		if step.As != "" {
			ids[step.As], _ = r.structured.(map[string]any)["id"].(string)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(outputSchemas)),
		slices.Sorted(maps.Keys(called))); diff != "" {
		t.Errorf("tools (-listed +called):\n%s", diff)
	}
	if n := toolCount(t); len(called) != n {
		t.Errorf("%d tools were called, there are %d", len(called), n)
	}
}

// toolCount is how many tools there are: each has a schema.
func toolCount(t *testing.T) int {
	t.Helper()
	files, err := schemas.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	return len(files) - 1 // one is of the front matter
}

// The official Go client, in each revision, and in the one that it takes when nobody tells it
// which.
func TestGoClient(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, revision := range append(revisions, "") {
		t.Run("revision "+revision, func(t *testing.T) {
			t.Parallel()
			c := sdk.NewClient(&sdk.Implementation{Name: "goclient", Version: "1"}, nil)
			session, err := c.Connect(t.Context(),
				&sdk.CommandTransport{Command: servertest.On(t,
					servertest.OpenTickets(t))}, &sdk.ClientSessionOptions{ProtocolVersion: revision})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := session.Close(); err != nil {
					t.Errorf("end of the server: %v", err)
				}
			}()
			if got := session.InitializeResult(); revision != "" &&
				got.ProtocolVersion != revision || got.Instructions == "" {
				t.Errorf("revision %s, instructions %q", got.ProtocolVersion, got.Instructions)
			}
			listed := make(map[string]any)
			for tool, err := range session.Tools(t.Context(), nil) {
				if err != nil {
					t.Fatal(err)
				}
				listed[tool.Name] = tool.OutputSchema
			}
			converse(t, listed, func(tool string, arguments json.RawMessage) (told, error) {
				r, err := session.CallTool(t.Context(),
					&sdk.CallToolParams{Name: tool, Arguments: arguments})
				if err != nil {
					return told{}, err
				}
				text := ""
				for _, part := range r.Content {
					text += part.(*sdk.TextContent).Text
				}
				return told{text, r.StructuredContent, r.IsError, r.Meta["code"]}, nil
			})
		})
	}
}

// The client of mcp-go, whose server is ours.
func TestMCPGoClient(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, revision := range revisions {
		t.Run("revision "+revision, func(t *testing.T) {
			t.Parallel()
			dir := servertest.OpenTickets(t)
			stdio := transport.NewStdioWithOptions("ticket-mcp", nil, nil,
				transport.WithCommandFunc(func(context.Context, string, []string, []string) (*exec.Cmd, error) {
					return servertest.On(t, dir), nil
				}))
			c := mcpgo.NewClient(stdio)
			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := c.Close(); err != nil {
					t.Errorf("end of the server: %v", err)
				}
			}()
			var hello mcp.InitializeRequest
			hello.Params.ProtocolVersion, hello.Params.ClientInfo = revision, mcp.Implementation{Name: "mcp-go", Version: "1"}
			if got, err := c.Initialize(t.Context(), hello); err != nil ||
				got.ProtocolVersion != revision {
				t.Fatalf("revision %v: %v", got, err)
			}
			tools, err := c.ListTools(t.Context(), mcp.ListToolsRequest{})
			if err != nil {
				t.Fatal(err)
			}
			listed := make(map[string]any)
			for _, tool := range tools.Tools {
				listed[tool.Name] = untyped(t, tool.OutputSchema)
			}
			converse(t, listed, func(tool string, arguments json.RawMessage) (told, error) {
				var request mcp.CallToolRequest
				request.Params.Name, request.Params.Arguments = tool, arguments
				r, err := c.CallTool(t.Context(), request)
				if err != nil {
					return told{}, err
				}
				text := ""
				for _, part := range r.Content {
					text += part.(mcp.TextContent).Text
				}
				var code any
				if r.Meta != nil {
					code = r.Meta.AdditionalFields["code"]
				}
				return told{text, r.StructuredContent, r.IsError, code}, nil
			})
		})
	}
}

// untyped is a value as JSON decodes it.
func untyped(t *testing.T, v any) (decoded any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// The official TypeScript client, and the one of the tasks extension. They are installed for the
// test, as its lock file says, in a folder of the test's own.
func TestTypeScriptClient(t *testing.T) {
	if testing.Short() {
		t.Skip("installs a package of npm's")
	}
	t.Parallel()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the TypeScript client is not tested:", err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tsClient)); err != nil {
		t.Fatal(err)
	}
	if out, err := commandIn(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit",
		"--no-fund"); err != nil {
		t.Skipf("the TypeScript client is not tested, it cannot be installed: %v\n%s", err, out)
	}
	program, err := exec.LookPath("ticket-mcp")
	if err != nil {
		t.Fatal(err)
	}
	says := func(t *testing.T, want []string, args ...string) {
		t.Helper()
		out, err := commandIn(t, dir, "node", args...)
		if diff := cmp.Diff(strings.Join(want, "\n"), strings.TrimSpace(out)); diff != "" ||
			err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	// In each revision, in the one that it takes by default, and in the one that it finds out.
	t.Run("talk", func(t *testing.T) {
		args := []string{"talk.mjs", program}
		var want []string
		for _, revision := range append(revisions, "default", "auto") {
			args = append(args, revision+"="+servertest.OpenTickets(t))
			spoken, special := map[string]string{"default": "2025-11-25",
				"auto": "2026-07-28"}[revision]
			if !special {
				spoken = revision
			}
			want = append(want, fmt.Sprintf("%s: %s, %d tools, %d calls, 3 prompts", revision,
				spoken, toolCount(t), len(talkSteps(t))))
		}
		says(t, want, args...)
	})
	t.Run("tasks", func(t *testing.T) {
		says(t, []string{
			"a wait is a task, and ends with the ticket that another process makes",
			"a wait with an answer at once is none",
			"a task is cancelled",
			"a task ends with its time",
			"a task of another process is unknown",
		}, "tasks.mjs", program, servertest.OpenTickets(t))
	})
}

// commandIn runs a command in a folder and returns all that it printed.
func commandIn(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, client.Environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
