package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/ticket-mcp/ticket-mcp/internal/task"
)

// mcp-go knows no tasks of this generation. So a call that becomes a task goes on in mcp-go as any
// other does, and the pipe answers its request with the task, keeps the call's answer for the
// task, and serves tasks/get, tasks/update and tasks/cancel itself.

// offerTasks lets the server's tools answer later, and says so to hosts.
func (p *pipe) offerTasks(s *server.MCPServer, hooks *server.Hooks) {
	hooks.AddAfterDiscover(
		func(_ context.Context, _ any, _ *mcp.DiscoverRequest, result *mcp.DiscoverResult) {
			result.Capabilities.Extensions = map[string]any{task.Extension: struct{}{}}
		})
	// Tools are not told the id of their request.
	const idHeader = "Request-Id"
	hooks.AddBeforeCallTool(func(_ context.Context, id any, request *mcp.CallToolRequest) {
		request.Header.Set(idHeader, fmt.Sprintf("%q", id))
	})
	s.Use(func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context,
			request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			info := server.RequestProtocolInfoFromContext(ctx)
			if info != nil && takesTasks(info.ClientCapabilities) {
				ours := request.Header.Get(idHeader)
				ctx = task.NewContext(ctx, func(status string, lasts time.Duration) {
					p.answerLater(ours, status, lasts)
				})
			}
			return next(ctx, request)
		}
	})
}

func takesTasks(c *mcp.ClientCapabilities) bool {
	if c == nil {
		return false
	}
	_, declared := c.Extensions[task.Extension].(map[string]any)
	return declared
}

// answerLater answers a request with a task, or tells how the task stands. From here on nothing
// waits for the answer: not the end of input, nor requests that are not read because too much is
// pending.
func (p *pipe) answerLater(ours, status string, lasts time.Duration) {
	if p.tasks.Working(ours) {
		p.tasks.Say(ours, status)
		return
	}
	p.mu.Lock()
	a := p.pending[ours]
	if a == nil || a.cancelled {
		p.mu.Unlock()
		return // the call is about to be told
	}
	begun := p.tasks.Begin(ours, status, lasts) // before it is not pending: Write looks for either
	p.mu.Unlock()
	if p.answered(ours, a) {
		return
	}
	p.answers.put(resultLine(a.id, struct {
		Type string `json:"resultType"`
		task.State
	}{"task", begun}))
}

// finishTask takes the answer of a call, if that is a task.
func (p *pipe) finishTask(ours string, answer []byte) bool {
	if !p.tasks.Working(ours) {
		return false
	}
	var outcome struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(answer, &outcome); err != nil {
		p.log.Error("answer of a task", "err", err)
	}
	p.tasks.Finish(ours, outcome.Result, outcome.Error)
	return true
}

// taskParams are those of the requests that have to do with tasks.
type taskParams struct {
	TaskID        any
	Notifications struct{ TaskIDs []any }
	Meta          *mcp.Meta `json:"_meta"`
}

// serveTask answers a request that has to do with tasks. False: it is mcp-go's, as are those of
// other revisions, and those that do not say what a request must. forward is what mcp-go gets
// instead of it.
func (p *pipe) serveTask(id json.RawMessage, method string,
	text json.RawMessage) (forward []byte, served bool) {
	switch method {
	case "tasks/get", "tasks/update", "tasks/cancel", "subscriptions/listen":
	default:
		return nil, false
	}
	var params taskParams
	if json.Unmarshal(text, &params) != nil || !mcp.IsValidProtocolVersion(
		params.Meta.ProtocolVersion()) || !mcp.IsModernProtocol(params.Meta.ProtocolVersion()) {
		return nil, false
	}
	capabilities := params.Meta.ClientCapabilities()
	listens := method == "subscriptions/listen"
	if capabilities == nil || listens && len(params.Notifications.TaskIDs) == 0 {
		return nil, false
	}
	if !takesTasks(capabilities) {
		p.answers.put(errorLine(id, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY,
			"tasks are for requests that declare the extension "+task.Extension,
			map[string]any{"requiredCapabilities": map[string]any{
				"extensions": map[string]any{task.Extension: struct{}{}}}}))
		return nil, true
	}
	if listens { // it tells of no task, which its acknowledgement says
		return nil, false
	}
	name, _ := params.TaskID.(string)
	result, cancels, known := p.taskResult(method, name)
	if !known {
		p.answers.put(errorLine(id, mcp.INVALID_PARAMS, fmt.Sprintf("unknown task %.100q: "+
			"a task ends with the server's process, and is kept for %.0f minutes after its end "+
			"was fetched; call the tool again", name, task.Keep.Minutes()), nil))
		return nil, true
	}
	p.answers.put(resultLine(id, result))
	if cancels != "" {
		forward = cancelOf(cancels)
	}
	return forward, true
}

// taskResult is what a request for a task is answered with; cancels is the call that ends with it.
func (p *pipe) taskResult(method, id string) (result any, cancels string, known bool) {
	type complete struct {
		Type string `json:"resultType"`
	}
	done := complete{"complete"}
	switch method {
	case "tasks/get":
		state, known := p.tasks.Get(id)
		return struct {
			complete
			task.State
		}{done, state}, "", known
	case "tasks/cancel":
		cancels, known = p.tasks.Cancel(id)
		return done, cancels, known
	}
	return done, "", p.tasks.Known(id) // no task of ours asks for anything
}

// resultLine and errorLine are answers of the pipe's own.
func resultLine(id json.RawMessage, result any) []byte { return answerLine(id, "result", result) }

func errorLine(id json.RawMessage, code int, message string, data any) []byte {
	return answerLine(id, "error", mcp.NewJSONRPCErrorDetails(code, message, data))
}

// answerLine keeps the id as it came.
func answerLine(id json.RawMessage, member string, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("marshal an answer of the pipe's own: %v", err))
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"%s":%s}`+"\n", id, member, text)
}
