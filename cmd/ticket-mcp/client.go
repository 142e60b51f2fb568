package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// client speaks MCP to a server process that it started, over that process's standard input and output: a handshake, then one
// tool call at a time. It is for race; a client library would bring HTTP and OAuth into the program for these lines.
type client struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
	end context.CancelFunc
	id  int // of the last request
}

// toolResult is the answer to a tool call: success, or a refusal or error that the tool explains.
type toolResult struct {
	Text       string
	Structured json.RawMessage
	Code       string // of a refusal
	IsError    bool
}

// connect starts a server and shakes hands. The process ends by close, or when ctx does: its standard input is closed first,
// which is how a server is told to stop; one that is still there after its own time for that is killed.
func connect(ctx context.Context, program string, args, env []string) (*client, error) {
	ctx, end := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		end()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		end()
		return nil, err
	}
	cmd.Cancel = func() error {
		_ = in.Close() // an error says that it is closed, which is all we want
		return os.ErrProcessDone
	}
	cmd.WaitDelay = stdio.DrainTime + time.Second
	if err := cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("start server: %w", err)
	}
	c := &client{cmd: cmd, in: in, out: bufio.NewReader(out), end: end}
	hello := map[string]any{
		"protocolVersion": "2025-06-18",
		"capabilities":    struct{}{},
		"clientInfo":      map[string]string{"name": "ticket-mcp", "version": buildVersion()},
	}
	if err := c.request("initialize", hello, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("shake hands with server: %w", err), c.close())
	}
	if err := c.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"}); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// close ends the server and waits for its end.
func (c *client) close() error {
	c.end()
	// Read to the end before Wait, which closes the pipe. What is left are answers that nobody waits for.
	_, readErr := io.Copy(io.Discard, c.out)
	return errors.Join(readErr, c.cmd.Wait())
}

// call calls a tool. An error means that there was no answer, or none of the protocol's.
func (c *client) call(tool string, arguments any) (toolResult, error) {
	var r struct {
		Content           []struct{ Text string }
		StructuredContent json.RawMessage
		IsError           bool
		Meta              struct{ Code string } `json:"_meta"`
	}
	if err := c.request("tools/call", map[string]any{"name": tool, "arguments": arguments}, &r); err != nil {
		return toolResult{}, err
	}
	result := toolResult{Structured: r.StructuredContent, Code: r.Meta.Code, IsError: r.IsError}
	for _, part := range r.Content {
		result.Text += part.Text
	}
	return result, nil
}

// request sends a request and decodes the result of its answer into result, unless that is nil.
func (c *client) request(method string, params, result any) error {
	c.id++
	if err := c.send(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": method, "params": params}); err != nil {
		return err
	}
	for {
		line, err := c.out.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("server left %s without an answer: %w", method, err)
		}
		var m struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		switch err := json.Unmarshal(line, &m); {
		case err != nil:
			return fmt.Errorf("server wrote %.200q: %w", line, err)
		case m.ID != c.id:
			continue // a notification
		case m.Error != nil:
			return errors.New(m.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	}
}

func (c *client) send(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = c.in.Write(append(line, '\n'))
	return err
}
