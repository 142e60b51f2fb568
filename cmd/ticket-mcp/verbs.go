package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
	"github.com/ticket-mcp/ticket-mcp/schemas"
)

// verb is a tool as a command. Its name, its flags and what they mean are the tool's: they come
// from schemas/<tool>.json, and the answer from the tool's own code.
type verb struct {
	tool    string
	args    []string // arguments of the tool that are written without a flag, in this order
	text    bool     // the last of them is text: it may be several words
	of      string   // the status of the tickets that the shell offers; "" for all
	without []string // arguments of the tool for which the command has flags of its own
	about   string   // what --help says
	example string
	// nil: one call of the tool
	run func(c *cobra.Command, b *tools.Board, arguments map[string]any, asJSON bool) error
}

// verbs are the tools that people have, in the order an agent meets them.
var verbs = []verb{
	{
		tool:    "ready",
		about:   "ready lists the tickets that can be started now, the next one first. If there is none it says why.",
		example: "  ticket-mcp ready --type bug\n  ticket-mcp ready --quiet && start-an-agent",
	},
	{
		tool: "start", args: []string{"id"}, of: "open",
		about: `start makes a ticket in progress and yours, until you close or release it. Without ID it gives you the next ready one. It is refused
while the ticket is on hold, its parent is not started, or a blocker is not closed; a ticket whose holder has died is taken over.`,
		example: "  ticket-mcp start\n  ticket-mcp start d5czj08\n  ticket-mcp start --type bug",
	},
	{
		tool: "show", args: []string{"id"},
		about: "show prints a ticket whole: its fields and text, who holds it and whether they live, its parent, children and blockers.",
	},
	{
		tool: "note", args: []string{"id", "text"}, text: true,
		about:   "note appends a line to the ticket's notes, with the time and your name. TEXT - reads it from standard input.",
		example: "  ticket-mcp note d5czj08 the library wants a newer Go\n  git log -1 | ticket-mcp note d5czj08 -",
	},
	{
		tool: "close", args: []string{"id"}, of: "in_progress",
		about:   "close finishes a ticket that you started, and says which tickets can be started now. It is refused while children are open.",
		example: "  ticket-mcp close d5czj08 --reason 'passkeys work'",
	},
	{
		tool: "release", args: []string{"id"}, of: "in_progress",
		about: `release gives a ticket that you started back: it is open again. With --hold nobody is given it until somebody answers:
see ticket-mcp answer.`,
		example: "  ticket-mcp release d5czj08 --reason 'half of it is in branch login'\n  ticket-mcp release d5czj08 --hold 'Grace: which provider?'",
	},
	{
		tool: "reopen", args: []string{"id"}, of: "closed",
		about: "reopen makes a closed ticket open again, held by nobody. It is refused while its parent is closed.",
	},
	{
		tool:    "list",
		about:   "list prints tickets, one line each, and searches them.",
		example: "  ticket-mcp list --status open --type bug\n  ticket-mcp list --query 'log in'\n  ticket-mcp list --blocked",
	},
	{
		tool: "create", args: []string{"title"}, text: true,
		about:   "create files a new ticket and prints its id. A long text is read from standard input where it is -.",
		example: "  ticket-mcp create Fix the log-in --type bug --priority 1\n  ticket-mcp create Passkeys --parent d5cz1ng --blocked-by d5cyp4r --acceptance - < criteria.md",
	},
	{
		tool: "update", args: []string{"id"},
		about: `update changes fields and sections of a ticket that is not closed. A section that is named is replaced whole; - reads it from
standard input. For the whole file see ticket-mcp edit.`,
		example: "  ticket-mcp update d5czj08 --priority 1 --assignee Ada\n  ticket-mcp update d5czj08 --tick 'works without a password'",
	},
	{
		tool: "block", args: []string{"id", "blocked_by"},
		about:   "block makes the first ticket wait until the second is closed. A dependency cycle is refused, and shown.",
		example: "  ticket-mcp block d5audit d5login",
	},
	{
		tool: "unblock", args: []string{"id", "blocked_by"},
		about: "unblock makes the first ticket wait no longer for the second.",
	},
	{
		tool: "repair",
		about: `repair finds what is broken on the board and, with --dry-run=false, repairs everything that needs no human decision; the rest
it reports. For the filesystem as well see ticket-mcp doctor.`,
	},
	{
		tool: "history", args: []string{"id"},
		about:   "history tells who did what, when and why: to one ticket, or to all.",
		example: "  ticket-mcp history d5czj08\n  ticket-mcp history --since 2d --by planner",
	},
	waitVerb,
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
		switch v.tool {
		case "ready":
			withQuiet(c)
		case "release":
			withForce(c, o)
		case "wait":
			withWaiting(c)
		}
		commands = append(commands, c)
	}
	return commands
}

// command is the verb on the command line. A schema that cannot be read is a fault of the build,
// which every test finds.
func (v verb) command(o *options) *cobra.Command {
	text, err := schemas.Files.ReadFile(v.tool + ".json")
	var schema toolSchema
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		panic(err)
	}
	c := &cobra.Command{Use: v.tool, Short: schema.Title, Long: v.about, Example: v.example,
		GroupID: "tickets"}
	c.SuggestFor = synonyms(schema.Description)
	for _, name := range v.args {
		c.Use += " " + schema.word(name)
	}
	if v.text {
		c.Use += "..."
	}
	asJSON := c.Flags().Bool("json", false, "print the structured answer, as one JSON object")
	values := make(map[string]*given)
	for name, p := range schema.InputSchema.Properties {
		if !slices.Contains(slices.Concat(v.args, v.without), name) && name != "agent" { // for which there is a flag everywhere
			values[name] = addFlag(c.Flags(), name, p)
			if err := c.RegisterFlagCompletionFunc(values[name].flag.Name,
				complete(o, name, p, "")); err != nil {
				panic(err) // a flag twice
			}
		}
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string,
		begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
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
		if v.run != nil {
			return v.run(c, b, arguments, *asJSON)
		}
		return callTool(c, b, v.tool, arguments, *asJSON)
	}
	return c
}

// afterVerb are the synonyms that a description gives behind its first word: "Close (finish,
// complete, resolve) a ticket".
var afterVerb = regexp.MustCompile(`^\w+ \(([^)]*)\)`)

// synonyms are the words by which a tool is searched for, and which people type.
func synonyms(description string) []string {
	m := afterVerb.FindStringSubmatch(description)
	if m == nil {
		return nil
	}
	return strings.Split(m[1], ", ")
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
		return usageError{fmt.Errorf("unexpected argument %q; usage: ticket-mcp %s",
			args[len(v.args)], use)}
	}
	for _, name := range v.args[min(len(args), len(v.args)):] {
		if slices.Contains(schema.InputSchema.Required, name) {
			return usageError{fmt.Errorf("%s is missing; usage: ticket-mcp %s", schema.word(name),
				use)}
		}
	}
	return nil
}

// arguments are the tool's arguments as the command line gives them. Text that is "-" comes from
// standard input.
func (v verb) arguments(schema toolSchema, args []string,
	values map[string]*given) (map[string]any, error) {
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
	if !utf8.Valid(read) {
		return "", notUnicode("standard input")
	}
	return strings.TrimSpace(string(read)), nil
}

// checkUnicode refuses texts that JSON could not hold: encoding would change them and say nothing.
func checkUnicode(c *cobra.Command) (err error) {
	for i, text := range c.Flags().Args() {
		if !utf8.ValidString(text) {
			return notUnicode(fmt.Sprintf("argument %d", i+1))
		}
	}
	c.LocalFlags().Visit(func(f *pflag.Flag) {
		if !utf8.ValidString(f.Value.String()) {
			err = notUnicode("--" + f.Name)
		}
	})
	return err
}

func notUnicode(what string) error {
	return ticketfs.Refuse(ticketfs.Invalid, "give the text as UTF-8; nothing was written",
		"%s is not UTF-8", what)
}

// callTool calls a tool and prints its answer.
func callTool(c *cobra.Command, b *tools.Board, tool string, arguments any, asJSON bool) error {
	if err := checkUnicode(c); err != nil {
		return err
	}
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

// printJSON prints an answer as one JSON object, and one that is a stream of rows as an object a
// line.
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

// flagName is an argument of a tool as a flag has it.
func flagName(argument string) string { return strings.ReplaceAll(argument, "_", "-") }

// addFlag adds the flag of an argument: --blocked-by for blocked_by. What a value may be is the
// tool's to say.
func addFlag(f *pflag.FlagSet, name string, p property) *given {
	g := &given{property: p}
	dashed, usage := flagName(name), p.Description
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

// valueOf is a word of the command line as the tool takes it: a number where it wants one and the
// word is one.
func valueOf(p property, word string) any {
	if n, err := strconv.Atoi(word); err == nil && p.is("integer") {
		return n
	}
	return word
}
