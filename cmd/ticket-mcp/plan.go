package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

const aboutPlan = `plan creates many tickets with parents and dependencies at once: all of them, or none. FILE, or standard input for -, is a JSON array
of tickets: each has a name, which parent and blocked_by of the others may use for an id, and a title; the rest is as in create.
It may also be an object that has such an array as tickets, as the tool plan takes it.

With --plan the command may be repeated: the tickets that a plan of that name has made are left as they are, and only the missing
ones are created. --dry-run shows in which order they can be started, and writes nothing.`

// planCommand is the tool plan for tickets in a file.
func planCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "plan FILE|-", Short: "Plan many tickets", Long: aboutPlan, GroupID: "tickets",
		Example: `  ticket-mcp plan tickets.json --plan login --dry-run
  echo '[{"name":"a","title":"Read"},{"name":"b","title":"Write","blocked_by":["a"]}]' | ticket-mcp plan -`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("one FILE is wanted, or - for standard input; usage: ticket-mcp %s", c.Use)}
			}
			return nil
		},
	}
	plan := c.Flags().String("plan", "", "the plan's `name`; makes the command repeatable")
	dryRun := c.Flags().Bool("dry-run", false, "judge and show the layers, write nothing")
	asJSON := c.Flags().Bool("json", false, "print the structured answer, as one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		arguments, err := readPlan(args[0])
		if err != nil {
			return err
		}
		if *plan != "" {
			arguments["plan"] = *plan
		}
		if *dryRun {
			arguments["dry_run"] = true
		}
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		return callTool(c, b, "plan", arguments, *asJSON)
	}
	return c
}

// readPlan reads the arguments of the tool plan: an object, or its tickets alone.
func readPlan(path string) (map[string]any, error) {
	in, name := os.Stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read the plan: %w", err)
		}
		defer f.Close()
		in, name = f, path
	}
	const most = 4 << 20 // as a message to the server may have
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if len(text) > most {
		return nil, ticketfs.Refuse(ticketfs.Invalid, "plan at most 100 tickets at once",
			"%s is longer than %d bytes", name, most)
	}
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	arguments := make(map[string]json.RawMessage)
	if bytes.HasPrefix(text, []byte("[")) {
		var tickets json.RawMessage
		err = json.Unmarshal(text, &tickets)
		arguments["tickets"] = tickets
	} else {
		err = json.Unmarshal(text, &arguments)
	}
	if err != nil {
		return nil, ticketfs.Refuse(ticketfs.Invalid,
			"give a JSON array of tickets, see ticket-mcp plan --help", "%s is not that: %v", name, err)
	}
	given := make(map[string]any, len(arguments))
	for key, value := range arguments {
		given[key] = value
	}
	return given, nil
}
