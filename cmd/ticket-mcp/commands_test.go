package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	// commandSpan and commandLine are command lines of ours in a document: between backquotes, or a
	// line of a block.
	commandSpan = regexp.MustCompile("`ticket-mcp ([^`\n]+)`")
	commandLine = regexp.MustCompile(`(?m)^(?:\$ )?ticket-mcp (.+)$`)
	longFlag    = regexp.MustCompile(`(?:^|[\s\[(])--([a-z][a-z-]*)`)
	ownVariable = regexp.MustCompile(`\bTICKET_MCP_[A-Z_]*[A-Z]\b`)
)

// otherVariables are those that stand for no flag, and what reads them.
var otherVariables = map[string]string{
	"TICKET_MCP_SESSION": "internal/ticketfs/session",
	"TICKET_MCP_LONG":    "the long versions of tests",
}

// TestDocsNameRealCommands: what the documents show to type exists: the command, its flags, the variables.
func TestDocsNameRealCommands(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	commands := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(text), "```") {
			pattern := []*regexp.Regexp{commandSpan, commandLine}[i%2]
			for _, m := range pattern.FindAllStringSubmatch(part, -1) {
				commands++
				if fault := checkCommand(m[1]); fault != "" {
					t.Errorf("%s: ticket-mcp %s: %s", file, m[1], fault)
				}
			}
		}
		for _, name := range ownVariable.FindAllString(string(text), -1) {
			if !isFlagVariable(name) && otherVariables[name] == "" &&
				!strings.HasPrefix(name, "TICKET_MCP_TEST_") {
				t.Errorf("%s: nothing reads %s", file, name)
			}
		}
	}
	if commands < 20 {
		t.Errorf("only %d commands found", commands)
	}
	for _, wrong := range []string{"lst", "list --statsu open", "install claude --lock-timout 5"} {
		if checkCommand(wrong) == "" {
			t.Errorf("%q was found to be right", wrong)
		}
	}
}

// wholeRoot is the command line with all its commands.
func wholeRoot() *cobra.Command {
	var o options
	root := rootCommand(&o)
	addCommands(root, &o)
	return root
}

// checkCommand says what is wrong with a command line, without the program's name.
func checkCommand(line string) string {
	line, _, _ = strings.Cut(line, " -- ") // behind it stands another command
	root := wholeRoot()
	root.InitDefaultCompletionCmd()
	c := root
	if words := strings.Fields(line); !strings.HasPrefix(words[0], "-") {
		found, _, err := root.Find(words[:1])
		if err != nil || found == root {
			return "no such command"
		}
		c = found
	}
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	for _, m := range longFlag.FindAllStringSubmatch(line, -1) {
		if !hasFlag(c, m[1]) {
			return "no flag --" + m[1]
		}
	}
	return ""
}

// hasFlag reports whether a command, or one below it, has a flag.
func hasFlag(c *cobra.Command, name string) bool {
	if c.Flags().Lookup(name) != nil || c.InheritedFlags().Lookup(name) != nil {
		return true
	}
	for _, below := range c.Commands() {
		if hasFlag(below, name) {
			return true
		}
	}
	return false
}

func isFlagVariable(name string) bool {
	flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "TICKET_MCP_"), "_", "-"))
	root := wholeRoot()
	f := root.Flags().Lookup(flag)
	if f == nil {
		f = root.PersistentFlags().Lookup(flag)
	}
	return f != nil && f.Annotations[fromEnvironment] != nil
}
