package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ticket-mcp/ticket-mcp/internal/tools"
	"github.com/ticket-mcp/ticket-mcp/schemas"
)

// verb is a tool as a command. Its name, its flags and what they mean are the tool's: they come from schemas/<tool>.json, and the
// answer from the tool's own code.
type verb struct {
	tool string
	args []string // arguments of the tool that are written without a flag, in this order
	text bool     // the last of them is text: it may be several words
	of   string   // the status of the tickets that the shell offers; "" for all
}

// verbs are the tools that people have, in the order an agent meets them.
var verbs = []verb{
	{tool: "ready"},
	{tool: "start", args: []string{"id"}, of: "open"},
	{tool: "show", args: []string{"id"}},
	{tool: "note", args: []string{"id", "text"}, text: true},
	{tool: "close", args: []string{"id"}, of: "in_progress"},
	{tool: "release", args: []string{"id"}, of: "in_progress"},
	{tool: "reopen", args: []string{"id"}, of: "closed"},
	{tool: "list"},
	{tool: "create", args: []string{"title"}, text: true},
	{tool: "update", args: []string{"id"}},
	{tool: "block", args: []string{"id", "blocked_by"}},
	{tool: "unblock", args: []string{"id", "blocked_by"}},
	{tool: "repair"},
	{tool: "history", args: []string{"id"}},
}

// toolSchema is what a command needs of schemas/<tool>.json.
type toolSchema struct {
	Title, Description string
	InputSchema        struct {
		Properties map[string]property
		Required   []string
	}
}

// property is an argument of a tool.
type property struct {
	Type        any // a name, or several
	Enum        []any
	Description string
}

func (p property) is(kind string) bool {
	if kinds, several := p.Type.([]any); several {
		return slices.Contains(kinds, any(kind))
	}
	return p.Type == kind
}

func verbCommands(o *options) []*cobra.Command {
	var commands []*cobra.Command
	for _, v := range verbs {
		c := v.command(o)
		if v.tool == "release" {
			withForce(c, o)
		}
		commands = append(commands, c)
	}
	return commands
}

// command is the verb on the command line. A schema that cannot be read is a fault of the build, which every test finds.
func (v verb) command(o *options) *cobra.Command {
	text, err := schemas.Files.ReadFile(v.tool + ".json")
	var schema toolSchema
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		panic(err)
	}
	c := &cobra.Command{Use: v.tool, Short: schema.Title, Long: schema.Description, GroupID: "tickets"}
	for _, name := range v.args {
		c.Use += " " + schema.word(name)
	}
	if v.text {
		c.Use += "..."
	}
	asJSON := c.Flags().Bool("json", false, "print the structured answer, as one JSON object")
	values := make(map[string]*given)
	for name, p := range schema.InputSchema.Properties {
		if !slices.Contains(v.args, name) && name != "agent" { // for which there is a flag everywhere
			values[name] = addFlag(c.Flags(), name, p)
			if err := c.RegisterFlagCompletionFunc(values[name].flag.Name, complete(o, name, p, "")); err != nil {
				panic(err) // a flag twice
			}
		}
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(v.args) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		name, status := v.args[len(args)], ""
		if name == "id" {
			status = v.of
		}
		return complete(o, name, schema.InputSchema.Properties[name], status)(c, args, begun)
	}
	c.Args = func(_ *cobra.Command, args []string) error { return v.checkArgs(c.Use, schema, args) }
	c.RunE = func(c *cobra.Command, args []string) error {
		arguments, err := v.arguments(schema, args, values)
		if err != nil {
			return err
		}
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		return callTool(c, b, v.tool, arguments, *asJSON)
	}
	return c
}

// word is how the usage shows an argument.
func (s toolSchema) word(name string) string {
	word := strings.ToUpper(strings.ReplaceAll(name, "_", "-"))
	if !slices.Contains(s.InputSchema.Required, name) {
		return "[" + word + "]"
	}
	return word
}

func (v verb) checkArgs(use string, schema toolSchema, args []string) error {
	if len(args) > len(v.args) && !v.text {
		return usageError{fmt.Errorf("unexpected argument %q; usage: ticket-mcp %s", args[len(v.args)], use)}
	}
	for _, name := range v.args[min(len(args), len(v.args)):] {
		if slices.Contains(schema.InputSchema.Required, name) {
			return usageError{fmt.Errorf("%s is missing; usage: ticket-mcp %s", schema.word(name), use)}
		}
	}
	return nil
}

// arguments are the tool's arguments as the command line gives them. Text that is "-" comes from standard input.
func (v verb) arguments(schema toolSchema, args []string, values map[string]*given) (map[string]any, error) {
	if n := len(v.args); v.text && len(args) > n {
		args = append(slices.Clone(args[:n-1]), strings.Join(args[n-1:], " "))
	}
	arguments := make(map[string]any)
	for i, arg := range args {
		arguments[v.args[i]] = valueOf(schema.InputSchema.Properties[v.args[i]], arg)
	}
	for name, value := range values {
		if value.flag.Changed {
			arguments[name] = value.json()
		}
	}
	for _, name := range []string{"text", "description", "design", "acceptance"} {
		if text, ok := arguments[name].(string); ok {
			var err error
			if arguments[name], err = orStandardInput(text); err != nil {
				return nil, err
			}
		}
	}
	return arguments, nil
}

// orStandardInput is a text, or what standard input says where it is "-".
func orStandardInput(text string) (string, error) {
	if text != "-" {
		return text, nil
	}
	read, err := io.ReadAll(os.Stdin)
	if err != nil {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return strings.TrimSpace(string(read)), nil
}

// callTool calls a tool and prints its answer.
func callTool(c *cobra.Command, b *tools.Board, tool string, arguments any, asJSON bool) error {
	text, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	answer, err := b.Call(c.Context(), tool, text)
	if err != nil {
		return err
	}
	return printAnswer(c, tool, answer, asJSON)
}

// printAnswer prints a tool's answer: its text, or its structured content.
func printAnswer(c *cobra.Command, tool string, answer tools.Answer, asJSON bool) error {
	if asJSON {
		return printJSON(c.OutOrStdout(), answer)
	}
	_, err := io.WriteString(c.OutOrStdout(), styleOf(os.Stdout).answer(tool, answer.Text()))
	return err
}

// printJSON prints an answer as one JSON object, and one that is a stream of rows as an object a line.
func printJSON(w io.Writer, answer tools.Answer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	stream, ok := answer.(interface{ JSONLines() []any })
	if !ok {
		return e.Encode(answer)
	}
	for _, line := range stream.JSONLines() {
		if err := e.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// given is the value of a flag that stands for an argument.
type given struct {
	property property
	flag     *pflag.Flag
	one      string
	many     []string
	yes      bool
}

// addFlag adds the flag of an argument: --blocked-by for blocked_by. What a value may be is the tool's to say.
func addFlag(f *pflag.FlagSet, name string, p property) *given {
	g := &given{property: p}
	dashed, usage := strings.ReplaceAll(name, "_", "-"), p.Description
	if len(p.Enum) > 0 {
		usage += ": " + strings.Trim(fmt.Sprint(p.Enum), "[]")
	}
	switch {
	case p.is("boolean"):
		f.BoolVar(&g.yes, dashed, false, usage)
	case p.is("array"):
		f.StringArrayVar(&g.many, dashed, nil, usage+" (may be given several times)")
	default:
		f.StringVar(&g.one, dashed, "", usage)
	}
	g.flag = f.Lookup(dashed)
	return g
}

func (g *given) json() any {
	switch {
	case g.property.is("boolean"):
		return g.yes
	case g.property.is("array"):
		return g.many
	}
	return valueOf(g.property, g.one)
}

// valueOf is a word of the command line as the tool takes it: a number where it wants one and the word is one.
func valueOf(p property, word string) any {
	if n, err := strconv.Atoi(word); err == nil && p.is("integer") {
		return n
	}
	return word
}
