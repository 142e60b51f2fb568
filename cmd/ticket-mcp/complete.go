package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// idArguments are the arguments that name a ticket.
var idArguments = []string{"id", "blocked_by", "parent", "duplicate_of"}

// complete offers the values of an argument to the shell: ids with their titles, or what the schema allows.
func complete(o *options, name string, p property, status string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var words []cobra.Completion
		switch {
		case slices.Contains(idArguments, name):
			words = ticketWords(c, *o, begun, status)
		case len(p.Enum) > 0:
			for _, value := range p.Enum {
				if word, ok := value.(string); ok && strings.HasPrefix(word, begun) {
					words = append(words, word)
				}
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// ticketWords are the tickets whose ids begin so, "" for those of any status. A board that cannot be read has none: a shell that
// completes shows no errors.
func ticketWords(c *cobra.Command, o options, begun, status string) (words []cobra.Completion) {
	if err := applyEnvironment(c.Flags()); err != nil {
		return nil
	}
	b, err := newBoard(o)
	if err != nil {
		return nil
	}
	const most = 5000 // more no shell can show
	arguments := map[string]any{"limit": 200}
	if status != "" {
		arguments["status"] = status
	}
	for seen := 0; seen < most; {
		var page struct {
			Tickets    []struct{ ID, Title string }
			NextCursor string `json:"next_cursor"`
		}
		if err := answerOf(c, b, "list", arguments, &page); err != nil {
			return words
		}
		for _, t := range page.Tickets {
			if strings.HasPrefix(t.ID, begun) {
				words = append(words, cobra.CompletionWithDesc(t.ID, terminal.Printable(t.Title)))
			}
		}
		if seen += len(page.Tickets); page.NextCursor == "" {
			return words
		}
		arguments["cursor"] = page.NextCursor
	}
	return words
}

// answerOf calls a tool and decodes its structured answer.
func answerOf(c *cobra.Command, b *tools.Board, tool string, arguments, into any) error {
	text, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	answer, err := b.Call(c.Context(), tool, text)
	if err != nil {
		return err
	}
	if text, err = json.Marshal(answer); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
