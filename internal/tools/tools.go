// Package tools is what an agent sees: one file per tool, each with the tool's arguments, its rule
// and its answer. What tools/list says of a tool stands in schemas/<tool>.json and nowhere else.
//
// Promised: every change goes through ticketfs.Store, where its rule is judged under the locks, on
// what was read under them. A refusal is a result with isError whose text begins with one of the
// codes of ticketfs and ends with the next step; nothing was written. Text and structured content
// of an answer carry the same facts.
//
// Not promised: that what list, ready and show say still holds a moment later. They take no locks;
// start decides.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "embed"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Board is the tools on one ticket folder, for the conversations that one process serves, or for a
// person.
type Board struct {
	Store   *ticketfs.Store
	Session *session.Process
	Person  string           // who types, where that is a person; "" for agents
	Agent   string           // the name that stands in claims; "" for the client's own
	Now     func() time.Time // of claims, notes and new tickets
	// answers name the board when it is not below this folder; "" when there is none
	WorkDir string
	// the lane that start and ready keep to when no tag is asked for; none for all tickets
	Tags []string

	// Ended is closed when the host sends no more: what waits then ends. nil where nobody tells.
	Ended <-chan struct{}

	started started
	queue   queue
	waiting atomic.Int32 // calls of wait
	warn    sync.Once
}

// Close is the orderly end of this process's work on the board: its conversations end, unless
// another process serves them.
func (b *Board) Close() error { return errors.Join(b.Session.Close(), b.Store.Close()) }

// Answer is what a tool says: its exported fields as JSON are the structured content, Text the same
// facts for reading.
type Answer interface{ Text() string }

// tool is one tool of a Board.
type tool struct {
	name string
	run  func(*call, context.Context, json.RawMessage) (Answer, error)
}

// define gives a tool's rule the form of a tool: arguments are checked against the schema, then
// decoded.
func define[In any](name string, run func(*call, context.Context, In) (Answer, error)) tool {
	return tool{name, func(c *call, ctx context.Context, args json.RawMessage) (Answer, error) {
		in, args, err := decode[In](c, args)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(alone, name) {
			// The first look at a large board that is not in memory takes longer than a call may.
			c.Store.Begin()
		}
		if !slices.Contains(unbounded, name) {
			// One deadline for all the locks that the call may need.
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.Store.LockTimeout)
			defer cancel()
		}
		c.attend(ctx)
		answer, err := run(c, ctx, in)
		if errors.Is(err, context.DeadlineExceeded) && ticketfs.CodeOf(err) == "" {
			err = ticketfs.Refuse(ticketfs.Busy, "retry",
				"the call's %s were used up while its rule was judged", c.Store.LockTimeout)
		}
		c.noteRefusal(err, args)
		return answer, err
	}}
}

// alone are the tools that can do with one ticket, or wait.
var alone = []string{"note", "release", "history", "wait"}

// unbounded are the tools that take no locks, and that may last longer than a call waits for one.
var unbounded = []string{"wait"}

// decode understands a call's arguments, checks them against the tool's schema and decodes them;
// the ids among them are as the board has them.
func decode[In any](c *call, args json.RawMessage) (in In, meant json.RawMessage, err error) {
	args, err = understood(c.tool, args)
	if err == nil {
		err = checkArguments(c.tool, args)
	}
	if err != nil {
		return in, args, err
	}
	if args = c.resolveIDs(args); len(args) > 0 {
		if err := json.Unmarshal(args, &in); err != nil {
			return in, args, ticketfs.Refuse(ticketfs.Invalid, "see the tool's schema",
				"arguments of %s: %v", c.tool, err)
		}
	}
	return in, args, nil
}

// all are the tools, in the order an agent meets them.
var all = []tool{
	define("ready", (*call).ready),
	define("start", (*call).start),
	define("show", (*call).show),
	define("note", (*call).note),
	define("close", (*call).close),
	define("release", (*call).release),
	define("reopen", (*call).reopen),
	define("list", (*call).list),
	define("create", (*call).create),
	define("plan", (*call).plan),
	define("update", (*call).update),
	define("block", (*call).block),
	define("unblock", (*call).unblock),
	define("repair", (*call).repair),
	define("history", (*call).history),
	define("wait", (*call).wait),
}

// Call runs a tool with its arguments as JSON.
func (b *Board) Call(ctx context.Context, name string, args json.RawMessage) (Answer, error) {
	for _, t := range all {
		if t.name == name {
			return t.run(b.newCall(t.name), ctx, args)
		}
	}
	return nil, ticketfs.Refuse(ticketfs.Invalid, "see tools/list", "no tool %q", name)
}

//go:embed instructions.md
var instructions string

// Offer is what a server offers to hosts.
type Offer struct {
	Version  string
	ReadOnly bool // only the tools that read
	// of the tools' names, for hosts that show the tools of several servers under their bare names
	Prefix string
}

// prefixForm is what may stand before a tool's name: hosts take 64 characters in all, and some put
// the server's name before.
var prefixForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_-]{1,20}$`)
})

// NewServer returns an MCP server that serves the board's tools.
func NewServer(b *Board, offer Offer, log *slog.Logger) (*server.MCPServer, error) {
	if offer.Prefix != "" && !prefixForm().MatchString(offer.Prefix) {
		return nil, fmt.Errorf("%q cannot begin the names of tools: use up to 20 letters, digits, _ and -", offer.Prefix)
	}
	said := instructions
	if offer.Prefix != "" {
		said = fmt.Sprintf("The names of these tools begin with %s: %sready and so on.\n",
			offer.Prefix, offer.Prefix) + said
	}
	hooks := emptyLists(offer)
	hooks.AddAfterListTools(b.beginOnce(log))
	s := server.NewMCPServer("ticket-mcp", offer.Version,
		server.WithInstructions(said),
		server.WithToolCapabilities(false),
		server.WithResourceCapabilities(false, false),
		server.WithPromptCapabilities(false),
		server.WithHooks(hooks),
		server.WithLogger(log))
	for _, t := range all {
		definition, err := definitionOf(t.name)
		if err != nil {
			return nil, err
		}
		if offer.ReadOnly && !*definition.Annotations.ReadOnlyHint {
			continue
		}
		definition.Name = offer.Prefix + definition.Name
		s.AddTool(definition,
			func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				return b.serve(ctx, t, request, log), nil
			})
	}
	if !offer.ReadOnly {
		addPrompts(s, offer.Prefix)
	}
	return s, nil
}

// beginOnce has the tickets read while the host shows the tools to its model: the first call comes
// seconds later. Nobody waits for it, also not the end of the process.
func (b *Board) beginOnce(log *slog.Logger) server.OnAfterListToolsFunc {
	var once sync.Once
	return func(context.Context, any, *mcp.ListToolsRequest, *mcp.ListToolsResult) {
		once.Do(func() {
			go func() {
				defer func() {
					if r := recover(); r != nil { // the first call meets it as well, and answers
						log.Error("panic", "panic", r, "stack", string(debug.Stack()))
					}
				}()
				b.Store.Begin()
			}()
		})
	}
}

// emptyLists lets resources be asked for, of which there are none, and with ReadOnly prompts,
// without offering them: some hosts ask in any case and show an error as a broken server, others
// show the model tools for what is offered.
func emptyLists(offer Offer) *server.Hooks {
	hide := func(c *mcp.ServerCapabilities) {
		if c.Resources = nil; offer.ReadOnly {
			c.Prompts = nil
		}
	}
	hooks := &server.Hooks{}
	hooks.AddAfterInitialize(func(_ context.Context, _ any, _ *mcp.InitializeRequest,
		result *mcp.InitializeResult) {
		hide(&result.Capabilities)
	})
	hooks.AddAfterDiscover(func(_ context.Context, _ any, _ *mcp.DiscoverRequest,
		result *mcp.DiscoverResult) {
		hide(&result.Capabilities)
	})
	return hooks
}

// reportTo is where people tell of faults.
const reportTo = "https://github.com/ticket-mcp/ticket-mcp/issues"

// serve turns a call into a result. Nothing a tool does becomes a protocol error, which models do
// not get to see: neither a refusal, nor an error of the system, nor a panic.
func (b *Board) serve(ctx context.Context, t tool, request mcp.CallToolRequest,
	log *slog.Logger) (result *mcp.CallToolResult) {
	defer func() {
		if r := recover(); r != nil {
			log.Error("panic", "tool", t.name, "panic", r, "stack", string(debug.Stack()))
			result = failure(fmt.Errorf("%s failed by a fault in ticket-mcp; the server goes on, the ticket holds its old or its new content: see show; tell a person to report it at %s, with what the server logged", t.name, reportTo))
		}
	}()
	args, err := rawArguments(request)
	if err != nil {
		return failure(err)
	}
	c := b.newCall(t.name)
	if meta := request.Params.Meta; meta != nil {
		c.meta = meta.AdditionalFields
	}
	answer, err := t.run(c, ctx, args)
	if err != nil {
		if ticketfs.CodeOf(err) == "" {
			err = fmt.Errorf("%s: %w", t.name, err)
		}
		return failure(err)
	}
	return mcp.NewToolResultStructured(answer, answer.Text())
}

func failure(err error) *mcp.CallToolResult {
	// it may quote what stands in a file, or an argument
	result := mcp.NewToolResultError(oneLine(err.Error(), 4000))
	if code := ticketfs.CodeOf(err); code != "" {
		result.Meta = mcp.NewMetaFromMap(map[string]any{"code": string(code)})
	}
	return result
}

// rawArguments are a call's arguments as they came, before any decoding could round or rename.
func rawArguments(request mcp.CallToolRequest) (json.RawMessage, error) {
	if len(request.Params.RawArguments) > 0 {
		return request.Params.RawArguments, nil
	}
	if request.Params.Arguments == nil {
		return nil, nil
	}
	return json.Marshal(request.Params.Arguments)
}

// ownName is a conversation's own name in claims and notes, of the server's settings or of the
// client program; "" for none.
func (b *Board) ownName(ctx context.Context) string {
	for _, name := range []string{b.Agent, clientName(ctx)} {
		if strings.TrimSpace(name) != "" {
			return session.AgentName(name)
		}
	}
	return ""
}

func clientName(ctx context.Context) string {
	if client, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		return client.GetClientInfo().Name
	}
	return ""
}
