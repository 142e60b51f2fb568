// Command ticket-mcp serves the tickets of a repository to AI agents over MCP on standard input and
// output, and to people on the command line. Any number of its processes may work on one folder of
// tickets at once; see the README for what they promise.
//
// Here are the flags, the environment and the exit status of each command, one file per command;
// the work is done elsewhere.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// version is set by the linker for releases; otherwise the build information tells.
var version string

func main() {
	// A goal for the collector, no bound: without it a server may grow to twice what it keeps of a
	// board with very many edges.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(104 << 20)
	}
	os.Exit(run(os.Args[1:]))
}

// Exit statuses. Every command uses these and no others.
const (
	statusDone   = 0 // done, or yes: no error
	statusWrong  = 1 // refused, wrong, or an error
	statusUsage  = 2 // the command line or the environment makes no sense
	statusNotYet = 3 // what was asked for is not so yet
)

// usageError is a fault of the command line or the environment.
type usageError struct{ error }

// exitStatus is a status other than done whose reason stands in the command's own output.
type exitStatus int

func (exitStatus) Error() string { return "see the output" }

// run is the program; it returns the exit status. It is the one place where an error is printed.
func run(args []string) int {
	out := newOutput(os.Stdout)
	var opened boards
	o := options{opened: &opened}
	root := rootCommand(&o)
	if terminal.Is(os.Stdin) || !onlyServes(args) {
		addCommands(root, &o)
	}
	begun := false
	mark(root, &begun)
	root.SetOut(out)
	root.SetErr(os.Stderr)
	root.SetArgs(doubleDashes(root, args))
	err := root.Execute()
	opened.close()
	var status exitStatus
	told := err == nil || errors.As(err, &status)
	if flushErr := out.flush(); told && flushErr != nil {
		err, told, begun = flushErr, false, true
	}
	if told {
		return int(status)
	}
	// it may quote a file
	fmt.Fprintf(os.Stderr, "ticket-mcp: %s\n", terminal.Printable(err.Error()))
	if !begun || errors.As(err, new(usageError)) {
		return statusUsage
	}
	return statusWrong
}

// mark makes a command and those below it tell that they have begun: what is wrong before is wrong
// use.
func mark(c *cobra.Command, begun *bool) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*begun = true
			return run(c, args)
		}
	}
	for _, below := range c.Commands() {
		mark(below, begun)
	}
}

const about = `ticket-mcp lets AI agents and people work on the tickets of one repository, Markdown files in .tickets/, at once.

Without a command it is an MCP server on standard input and output, which an agent's client starts:

  ticket-mcp install claude    adds it to the client's configuration (codex, gemini, cursor, vscode, ...)

With a command it answers a person, or a script, by the rules that agents have:

  ticket-mcp list              the tickets, one line each
  ticket-mcp ready             what can be started now
  ticket-mcp show ID           one ticket whole

Exit status: 0 done or yes, 1 refused, wrong or an error, 2 wrong use, 3 not yet.`

// onlyServes reports whether the arguments are flags of the server and nothing else. Each agent
// starts a server: it goes without the commands, which are built from the schemas of all tools.
func onlyServes(args []string) bool {
	var o options
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Usage = func() {} // whoever asks for help gets it from the command line
	boardFlags(flags, &o)
	serverFlags(flags, &o)
	return flags.Parse(args) == nil && flags.NArg() == 0
}

// rootCommand is the server.
func rootCommand(o *options) *cobra.Command {
	root := &cobra.Command{
		Use: "ticket-mcp", Long: about, Version: buildVersion(),
		SilenceErrors: true, SilenceUsage: true,
		SuggestionsMinimumDistance: 2, // typos
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return noCommand(c, args[0])
		},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return applyEnvironment(c.Flags()) },
		RunE:              func(c *cobra.Command, _ []string) error { return serve(c, *o) },
	}
	root.SetVersionTemplate("ticket-mcp {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; %ssee %s --help", flagError(err), flagHint(c, err),
			c.CommandPath())}
	})
	boardFlags(root.PersistentFlags(), o)
	serverFlags(root.Flags(), o)
	return root
}

// addCommands adds what a person or a script asks for.
func addCommands(root *cobra.Command, o *options) {
	root.AddGroup(&cobra.Group{ID: "tickets", Title: "Tickets:"},
		&cobra.Group{ID: "board", Title: "The board:"}, &cobra.Group{ID: "setup", Title: "Set-up:"})
	root.SetHelpCommand(helpCommand())
	root.SetCompletionCommandGroupID("setup")
	root.AddCommand(verbCommands(o)...)
	root.AddCommand(
		editCommand(o),
		planCommand(o),
		answerCommand(o),
		boardCommand(o),
		graphCommand(o),
		demoCommand(),
		importCommand(o),
		exportCommand(o),
		undoCommand(o),
		reportCommand(o),
		shareCommand(o),
		unshareCommand(o),
		syncCommand(o),
		doctorCommand(o),
		sessionCommand(o),
		raceCommand(),
		installCommand(),
		hookCommand(o),
		instructionsCommand(),
		versionCommand(),
	)
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", GroupID: "setup", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "ticket-mcp", buildVersion())
			return err
		},
	}
}

// flagError is what pflag says of a flag, without the words of package strconv.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	var unread *strconv.NumError
	if !errors.As(err, &invalid) || !errors.As(err, &unread) {
		return err
	}
	use := map[string]string{"bool": "true or false", "uint16": "a number from 0 to 65535"}
	kind := invalid.GetFlag().Value.Type()
	return fmt.Errorf("invalid argument %q for %q flag: use %s", invalid.GetValue(),
		"--"+invalid.GetFlag().Name, cmp.Or(use[kind], "a whole number"))
}

// flagHint is what a flag that there is not probably means, as a tool is told of a wrong argument.
func flagHint(c *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	hint := tools.HintFor(c.Name(), unknown.GetSpecifiedName())
	if argument, is := strings.CutPrefix(hint, "use "); is &&
		c.Flags().Lookup(flagName(argument)) != nil {
		hint = "use --" + flagName(argument)
	}
	if hint == "" {
		return ""
	}
	return hint + "; "
}

// noCommand says that there is no such command, and which one is probably meant.
func noCommand(root *cobra.Command, name string) error {
	next := "see ticket-mcp --help"
	if like := root.SuggestionsFor(name); len(like) > 0 {
		next = "did you mean " + strings.Join(like, " or ") + "? " + next
	}
	return usageError{fmt.Errorf("no command %q; %s", name, next)}
}

// helpCommand is cobra's, but for a command that there is not.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Print what a command does, and its flags", GroupID: "setup",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(c.Root(), strings.Join(args, " "))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// doubleDashes gives long flags that are written with one dash, as before version 2, their second
// one.
func doubleDashes(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true, "version": true}
	for _, c := range append(root.Commands(), root) {
		for _, flags := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			flags.VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		}
	}
	fixed := make([]string, len(args))
	copy(fixed, args)
	for i, arg := range fixed {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && known[name] && arg[0] == '-' {
			fixed[i] = "-" + arg
		}
	}
	return fixed
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
