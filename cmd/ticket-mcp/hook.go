package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

const aboutHook = `hook answers what a client asks its hooks, in the form that the client reads. One is there: stop, for the end of a turn.
Which lines of which file make a client ask is in docs/clients.md; nothing installs them but you.`

const aboutStop = `hook stop is for a client's hook at the end of a turn: see docs/clients.md. It reads what the client tells the hook on standard input, and
where the conversation still holds tickets it started, prints once what makes the client go on: close or release them. In any
doubt it prints nothing: the turn ends. It is installed by nobody but you.`

// hookClients are the clients whose stop hooks take a decision in this form.
var hookClients = []string{"claude", "codex"}

// stopHook is what a client tells its stop hook. What is not of this form ends in silence.
type stopHook struct {
	SessionID       string            `json:"session_id"`
	CWD             string            `json:"cwd"`
	Event           string            `json:"hook_event_name"`
	Active          bool              `json:"stop_hook_active"` // it has gone on once already
	BackgroundTasks []json.RawMessage `json:"background_tasks"`
}

// stopDecision makes a client go on instead of ending the turn.
type stopDecision struct {
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
}

func hookCommand(o *options) *cobra.Command {
	hook := &cobra.Command{Use: "hook", Short: "Answer a client's hooks", Long: aboutHook, GroupID: "setup",
		Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	stop := &cobra.Command{Use: "stop --client claude|codex",
		Short: "Keep an agent from ending its turn with tickets that it holds", Long: aboutStop, Args: noArgs}
	client := stop.Flags().String("client", "", "whose hook it is: claude or codex")
	stop.RunE = func(c *cobra.Command, _ []string) error {
		if !slices.Contains(hookClients, *client) {
			// Status 2 would make the client go on.
			return fmt.Errorf("hook stop: --client is %q; use one of %s", *client,
				strings.Join(hookClients, ", "))
		}
		reason := reasonToGoOn(c.Context(), *o)
		if reason == "" {
			return nil
		}
		return json.NewEncoder(c.OutOrStdout()).Encode(stopDecision{"block", reason})
	}
	hook.AddCommand(stop)
	return hook
}

// reasonToGoOn names the tickets that the conversation holds; "" in any doubt.
func reasonToGoOn(ctx context.Context, o options) string {
	var told stopHook
	const most = 1 << 20
	if terminal.Is(os.Stdin) ||
		json.NewDecoder(io.LimitReader(os.Stdin, most)).Decode(&told) != nil {
		return ""
	}
	name := cmp.Or(os.Getenv("TICKET_MCP_SESSION"), told.SessionID)
	if told.Active || told.SessionID == "" || len(told.BackgroundTasks) > 0 || told.Event != "" &&
		told.Event != "Stop" {
		return ""
	}
	o.where.Start = cmp.Or(o.where.Start, os.Getenv("CLAUDE_PROJECT_DIR"), told.CWD)
	b, err := newBoard(o)
	if err != nil {
		return ""
	}
	b.Session = session.NewVisitor("", b.Now)
	standings, err := b.Standings(ctx)
	if err != nil {
		return ""
	}
	return holding(standings, session.Key(name))
}

// holding tells a conversation what it holds, by ids alone: titles are words of others. What is on
// hold waits for a person.
func holding(standings []tools.Standing, key string) string {
	var ids []string
	for _, s := range standings {
		if s.Ticket.Status == document.StatusInProgress && s.Holder.Key == key &&
			s.Ticket.Hold == "" {
			ids = append(ids, s.Ticket.ID)
		}
	}
	const most = 10
	if len(ids) == 0 {
		return ""
	}
	more := ""
	if len(ids) > most {
		more = fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return fmt.Sprintf("You still hold %s%s, which no other agent can start. If it is done, close it with a reason; if you cannot go on, release it "+
		"with what is left, or with hold if it waits for a person. Then end your turn.", strings.Join(ids[:min(most, len(ids))], ", "), more)
}
