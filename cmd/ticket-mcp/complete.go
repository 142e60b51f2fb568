package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
)

// idArguments are the arguments that name a ticket.
var idArguments = []string{"id", "blocked_by", "parent", "duplicate_of"}

// complete offers the values of an argument to the shell: ids with their titles, or what the schema
// allows.
func complete(o *options, name string, p property, status string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string,
		begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
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

// ticketWords are the tickets whose ids begin so, "" for those of any status. A board that cannot
// be read has none: a shell that completes shows no errors.
func ticketWords(c *cobra.Command, o options, begun, status string) (words []cobra.Completion) {
	if err := applyEnvironment(c.Flags()); err != nil {
		return nil
	}
	b, err := newBoard(o)
	if err != nil {
		return nil
	}
	folder, err := b.Store.Open()
	if err != nil {
		return nil
	}
	snapshot, err := folder.Snapshot()
	if err != nil {
		return nil
	}
	for _, id := range snapshot.IDs() {
		if !strings.HasPrefix(id, begun) {
			continue
		}
		// One that is malformed has no title, and may be meant where a ticket of any status is.
		t, err := snapshot.Get(id)
		if status == "" || err == nil && string(t.Status) == status {
			words = append(words, cobra.CompletionWithDesc(id, terminal.Printable(t.Title)))
		}
	}
	return words
}
