package tools

import (
	"context"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// prompt is a text that a person sends to an agent by its name. Tools stand in it in backticks.
type prompt struct {
	name, title, description string
	argument, about          string // "" for none; never required
	text                     string
}

// prompts are what people tell an agent of tickets most often.
var prompts = []prompt{
	{
		name: "plan", title: "Plan as tickets", description: "Break work down into tickets with parents and dependencies",
		argument: "goal", about: "What shall be reached",
		text: "Break this down into tickets: {}\n\nOne ticket is one piece of work that one agent can finish and check; write into acceptance what done means. Look with `list` " +
			"for what is there already. Call `plan` with dry_run first, read the layers, then call it without. Let wait for each other only what has to.",
	},
	{
		name: "next", title: "Next ticket", description: "Take the next ready ticket, work on it, close it",
		argument: "tag", about: "Only tickets with this tag",
		text: "Take the next ready ticket with `start`, without id{}. Work on it and on nothing else; `note` what the next reader must know, `create` what you find beside it. " +
			"When it is done and checked, `close` it with a reason and evidence. If you cannot finish it, `release` it with what is left. If nothing is ready, say why, and stop.",
	},
	{
		name: "handover", title: "Hand over", description: "Leave nothing started behind: note what is known, then close or release",
		text: "Before you end: find what you hold by `list` with mine. For each ticket, `note` what is done, what is left, what did not work, and where the changes are. Then `close` " +
			"it if it is done and checked, else `release` it with a reason, with hold if it waits for a person. Tell me in a line each what you left.",
	},
}

// given is what stands in the place of the argument.
func (p prompt) given(value string) string {
	value = strings.TrimSpace(value)
	switch {
	case p.name == "next" && value != "":
		return " and with tag " + oneLine(value, maxTag)
	case p.name == "plan" && value == "":
		return "what we have talked about."
	}
	return value
}

// addPrompts offers the prompts. Tools are named as they are served.
func addPrompts(s *server.MCPServer, prefix string) {
	for _, p := range prompts {
		options := []mcp.PromptOption{mcp.WithPromptTitle(p.title),
			mcp.WithPromptDescription(p.description)}
		if p.argument != "" {
			options = append(options, mcp.WithArgument(p.argument,
				mcp.ArgumentDescription(p.about)))
		}
		s.AddPrompt(mcp.NewPrompt(p.name, options...),
			func(_ context.Context, request mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
				text := p.text
				for _, t := range all {
					text = strings.ReplaceAll(text, "`"+t.name+"`", "`"+prefix+t.name+"`")
				}
				text = strings.Replace(text, "{}", p.given(request.Params.Arguments[p.argument]), 1)
				return mcp.NewGetPromptResult(p.description,
					[]mcp.PromptMessage{mcp.NewPromptMessage(mcp.RoleUser,
						mcp.NewTextContent(text))}), nil
			})
	}
}
