package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// answerCommand gives a ticket on hold the answer that it waits for.
func answerCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "answer ID TEXT...", Short: "Answer what a ticket on hold waits for", GroupID: "tickets",
		Long: "answer notes the text on the ticket and takes it off hold, in one change. ready names the tickets on hold, and for whom.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("ID or TEXT is missing; usage: ticket-mcp %s", c.Use)
			}
			return nil
		},
		ValidArgsFunction: complete(o, "id", property{}, ""),
	}
	asJSON := c.Flags().Bool("json", false, "print the structured answer, as one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		text, err := orStandardInput(strings.Join(args[1:], " "))
		if err != nil {
			return err
		}
		answer, err := b.AnswerHold(c.Context(), args[0], text)
		if err != nil {
			return err
		}
		return printAnswer(c, "answer", answer, *asJSON)
	}
	return c
}
