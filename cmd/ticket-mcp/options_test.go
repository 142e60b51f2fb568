package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// flagRow is a flag in docs/options.md: its name, its variable, its default as code, if that is
// what stands there.
var flagRow = regexp.MustCompile("(?m)^\\| `--([a-z-]+)[^`]*` \\| `([A-Z_]+)` \\| (?:`([^`]*)` )?")

// TestOptionsTable: docs/options.md has each flag that a variable stands in for, with that variable
// and the true default.
func TestOptionsTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/options.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range optionFaults(string(text)) {
		t.Error(fault)
	}
	for wrong, right := range map[string]string{
		"TICKET_MCP_DIR`": "TICKET_MCP_FOLDER`", "| `5s`": "| `6s`", "`--tags TAGS`": "`--lane TAGS`",
	} {
		if len(optionFaults(strings.Replace(string(text), wrong, right, 1))) == 0 {
			t.Errorf("a table with %s was found to be true", right)
		}
	}
}

func optionFaults(text string) (faults []string) {
	rows := map[string][]string{}
	for _, m := range flagRow.FindAllStringSubmatch(text, -1) {
		rows[m[1]] = m
	}
	root := wholeRoot()
	check := func(f *pflag.Flag) {
		variables := f.Annotations[fromEnvironment]
		if variables == nil {
			return
		}
		row := rows[f.Name]
		delete(rows, f.Name)
		switch {
		case row == nil:
			faults = append(faults, "docs/options.md lacks --"+f.Name)
		case !slices.Contains(variables, row[2]):
			faults = append(faults, "--"+f.Name+" has another variable than "+row[2])
		case f.DefValue != "" && row[3] != f.DefValue:
			faults = append(faults, "--"+f.Name+" has the default "+f.DefValue+", not "+row[3])
		}
	}
	root.Flags().VisitAll(check)
	root.PersistentFlags().VisitAll(check)
	for name := range rows {
		faults = append(faults, "there is no flag --"+name+" with a variable")
	}
	return faults
}
