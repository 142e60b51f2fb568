package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// What hosts ask for though it is not offered is an empty list, in each revision, and stays not
// offered.
func TestEmptyLists(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, revision := range revisions {
		t.Run("revision "+revision, func(t *testing.T) {
			t.Parallel()
			c := mcp.NewClient(&mcp.Implementation{Name: "goclient", Version: "1"}, nil)
			session, err := c.Connect(t.Context(),
				&mcp.CommandTransport{Command: servertest.On(t, servertest.OpenTickets(t),
					"--read-only")}, &mcp.ClientSessionOptions{ProtocolVersion: revision})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			if offered := session.InitializeResult().Capabilities; offered.Resources != nil ||
				offered.Prompts != nil || offered.Tools == nil {
				t.Errorf("it offers %+v", offered)
			}
			resources, err := session.ListResources(t.Context(), nil)
			if err != nil || resources.Resources == nil || len(resources.Resources) > 0 {
				t.Errorf("resources: %v, %v", resources, err)
			}
			templates, err := session.ListResourceTemplates(t.Context(), nil)
			if err != nil || templates.ResourceTemplates == nil ||
				len(templates.ResourceTemplates) > 0 {
				t.Errorf("templates: %v, %v", templates, err)
			}
			prompts, err := session.ListPrompts(t.Context(), nil)
			if err != nil || prompts.Prompts == nil || len(prompts.Prompts) > 0 {
				t.Errorf("prompts: %v, %v", prompts, err)
			}
		})
	}
}

// The prompts, by the official Go client in each revision.
func TestPrompts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for _, revision := range revisions {
		t.Run("revision "+revision, func(t *testing.T) {
			t.Parallel()
			c := mcp.NewClient(&mcp.Implementation{Name: "goclient", Version: "1"}, nil)
			server := servertest.On(t, servertest.OpenTickets(t), "--tool-prefix", "ticket_")
			session, err := c.Connect(t.Context(), &mcp.CommandTransport{Command: server},
				&mcp.ClientSessionOptions{ProtocolVersion: revision})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			if offered := session.InitializeResult().Capabilities; offered.Resources != nil ||
				offered.Prompts == nil {
				t.Errorf("it offers %+v", offered)
			}
			listed, err := session.ListPrompts(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range listed.Prompts {
				names = append(names, p.Name)
			}
			if want := []string{"handover", "next",
				"plan"}; !slices.Equal(slices.Sorted(slices.Values(names)), want) {
				t.Errorf("prompts %v, want %v", names, want)
			}
			for _, get := range []struct{ name, argument, value, says string }{
				{"plan", "goal", "Log in with a passkey", "Log in with a passkey"}, {"plan", "", "",
					"what we have talked about"},
				{"next", "tag", "api", "`ticket_start`, without id and with tag api."}, {"next", "",
					"", "`ticket_start`, without id."},
				{"handover", "", "", "`ticket_release`"},
			} {
				arguments := map[string]string{}
				if get.argument != "" {
					arguments[get.argument] = get.value
				}
				got, err := session.GetPrompt(t.Context(),
					&mcp.GetPromptParams{Name: get.name, Arguments: arguments})
				if err != nil || len(got.Messages) != 1 {
					t.Fatalf("%s: %v, %v", get.name, got, err)
				}
				if text := got.Messages[0].Content.(*mcp.TextContent).Text; !strings.Contains(text,
					get.says) || strings.Contains(text, "{}") {
					t.Errorf("%s %v: %s", get.name, arguments, text)
				}
			}
		})
	}
}

// With a prefix every tool has it, is called by it, and the instructions tell; by the flag and by
// the variable.
func TestToolPrefix(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	t.Parallel()
	dir := servertest.OpenTickets(t, "alpha")
	cmd := servertest.On(t, dir)
	cmd.Env = append(cmd.Env, "TICKET_MCP_TOOL_PREFIX=ticket_")
	byVariable := servertest.Start(t, cmd)
	for _, w := range []*servertest.Wire{byVariable,
		servertest.Start(t, servertest.On(t, dir, "--tool-prefix", "ticket_"))} {
		w.Send(
			servertest.Request("1", "initialize",
				`{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}`),
			servertest.Request("2", "tools/list", `{}`), servertest.ToolCall("3", "ticket_show",
				`{"id":"alpha"}`), servertest.ToolCall("4", "show", `{"id":"alpha"}`))
		if m := w.Answer("1"); !strings.Contains(m.Line, "begin with ticket_") {
			t.Errorf("instructions: %.300s", m.Line)
		}
		if n := strings.Count(w.Answer("2").Line, `"name":"ticket_`); n != toolCount(t) {
			t.Errorf("%d of %d tools have the prefix", n, toolCount(t))
		}
		if m := w.Answer("3"); m.Kind() != "done" {
			t.Errorf("ticket_show: %s", m.Line)
		}
		if m := w.Answer("4"); m.Error == nil {
			t.Errorf("show: %s", m.Line)
		}
	}
	bad := servertest.Start(t, servertest.On(t, dir, "--tool-prefix", "ticket/"))
	if _, status := bad.Exit(); status != statusUsage {
		t.Errorf("a prefix that no name may have: status %d", status)
	}
}
