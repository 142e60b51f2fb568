// Package client speaks MCP to ticket-mcp processes that it started, over their standard input and
// output: a handshake, then one tool call at a time to each. A client library would bring HTTP and
// OAuth into the program for these lines.
package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
)

// Client is a server process and the connection with it.
type Client struct {
	Cmd *exec.Cmd // to look at; Close waits for its end
	in  io.Writer
	out *bufio.Reader
	end context.CancelFunc
	id  int // of the last request
}

// Result is the answer to a tool call: success, or a refusal or error that the tool explains.
type Result struct {
	Text       string
	Structured json.RawMessage
	Code       string // of a refusal
	IsError    bool
}

// Start starts a server that runs here and logs to this process's standard error.
func Start(ctx context.Context, program string, args, env []string) (*Client, error) {
	return Server{Program: program, Args: args, Env: env, Stderr: os.Stderr}.Start(ctx)
}

// Server is how a server process is started, as in exec.Cmd.
type Server struct {
	Program   string
	Args, Env []string
	Dir       string
	Stderr    io.Writer
}

// Start starts the server and shakes hands. The process ends by Close, or when ctx does: its
// standard input is closed first, which is how a server is told to stop; one that is still there
// after its own time for that is killed.
func (s Server) Start(ctx context.Context) (*Client, error) {
	ctx, end := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, s.Program, s.Args...)
	cmd.Env, cmd.Dir, cmd.Stderr = s.Env, s.Dir, s.Stderr
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
	c := &Client{Cmd: cmd, in: in, out: bufio.NewReader(out), end: end}
	hello := map[string]any{
		"protocolVersion": "2025-06-18",
		"capabilities":    struct{}{},
		"clientInfo":      map[string]string{"name": "ticket-mcp", "version": "1"},
	}
	if err := c.Request("initialize", hello, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("shake hands with server: %w", err), c.Close())
	}
	if err := c.send(map[string]any{"jsonrpc": "2.0",
		"method": "notifications/initialized"}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close ends the server and waits for its end.
func (c *Client) Close() error {
	c.end()
	// Read to the end before Wait, which closes the pipe. What is left are answers that nobody
	// waits for.
	_, readErr := io.Copy(io.Discard, c.out)
	return errors.Join(readErr, c.Cmd.Wait())
}

// Call calls a tool. An error means that there was no answer, or none of the protocol's.
func (c *Client) Call(tool string, arguments any) (Result, error) {
	var r struct {
		Content           []struct{ Text string }
		StructuredContent json.RawMessage
		IsError           bool
		Meta              struct{ Code string } `json:"_meta"`
	}
	if err := c.Request("tools/call", map[string]any{"name": tool, "arguments": arguments},
		&r); err != nil {
		return Result{}, err
	}
	result := Result{Structured: r.StructuredContent, Code: r.Meta.Code, IsError: r.IsError}
	for _, part := range r.Content {
		result.Text += part.Text
	}
	return result, nil
}

// Request sends a request and decodes the result of its answer into result, unless that is nil.
func (c *Client) Request(method string, params, result any) error {
	c.id++
	if err := c.send(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": method,
		"params": params}); err != nil {
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

func (c *Client) send(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = c.in.Write(append(line, '\n'))
	return err
}

// Servers are what StartAll starts.
type Servers struct {
	Program string
	Number  int
	Env     []string // besides what they inherit
}

// StartAll starts server processes on a board, each a session of its own, with these flags besides
// those that tell them apart. A board that is shared may stand in several folders, as on several
// machines: each process works in one of them.
func StartAll(ctx context.Context, s Servers, dirs []string, flags ...string) ([]*Client, error) {
	servers := make([]*Client, s.Number)
	errs := make([]error, s.Number)
	var group sync.WaitGroup
	for i := range servers {
		group.Go(func() {
			args := append([]string{"--dir", dirs[i%len(dirs)], "--agent", fmt.Sprintf("process-%d", i)},
				flags...)
			servers[i], errs[i] = Start(ctx, s.Program, args, append(Environment(), s.Env...))
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, CloseAll(servers))
	}
	return servers, nil
}

// CloseAll ends all processes, those that could not be started left out.
func CloseAll(servers []*Client) error {
	errs := make([]error, len(servers))
	var group sync.WaitGroup
	for i, c := range servers {
		if c != nil {
			group.Go(func() { errs[i] = c.Close() })
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

// Environment is the environment without what would make the servers other than they are by
// default, or one session.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "TICKET_MCP_") || strings.HasPrefix(variable, "CLAUDE_")
	})
}
