package main

import (
	"bytes"
	"encoding/json"

	"github.com/spf13/cobra"
)

// withQuiet gives the ready command --quiet, for scripts: the exit status alone says whether
// anything can be started.
func withQuiet(ready *cobra.Command) {
	quiet := ready.Flags().BoolP("quiet", "q", false,
		"print nothing; exit status 0 if something can be started, 3 if nothing")
	usual := ready.RunE
	ready.RunE = func(c *cobra.Command, args []string) error {
		if !*quiet {
			return usual(c, args)
		}
		if err := c.Flags().Set("json", "true"); err != nil {
			return err
		}
		var answer bytes.Buffer
		c.SetOut(&answer)
		if err := usual(c, args); err != nil {
			return err
		}
		var found struct{ Tickets []json.RawMessage }
		if err := json.Unmarshal(answer.Bytes(), &found); err != nil {
			return err
		}
		if len(found.Tickets) == 0 {
			return exitStatus(statusNotYet)
		}
		return nil
	}
}
