// Command ticket-mcp serves the tickets of a repository to AI agents over MCP on standard input and output. Any number of its
// processes may work on one folder of tickets at once; see the README for what they promise.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lmittmann/tint"

	"github.com/ticket-mcp/ticket-mcp/internal/stdio"
	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// version is set by the linker for releases; otherwise the build information tells.
var version string

func main() { os.Exit(run(os.Args[1:])) }

// command is a sub-command; it returns the exit status.
type command struct {
	name, about string
	run         func(args []string) int
}

// commands are the sub-commands; without one the program serves.
var commands = []command{
	{"ready", "print the tickets that can be started now", ready},
	{"list", "print or search tickets", list},
	{"show", "print one ticket", show},
	{"doctor", "find what is wrong with the tickets and their filesystem; --fix mends", doctor},
	{"race", "prove on a scratch board that no update is lost, by many real server processes", runRace},
	{"install", "add this server to a client's configuration: claude, codex, gemini, cursor, vscode, ...", installServer},
	{"instructions", "print a section on the tickets for AGENTS.md or CLAUDE.md", instructions},
}

func run(args []string) int {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		for _, c := range commands {
			if c.name == args[0] {
				return c.run(args[1:])
			}
		}
		fmt.Fprintf(os.Stderr, "ticket-mcp: no command %q; see ticket-mcp --help\n", args[0])
		return 2
	}
	return serve(args)
}

// options are what a server is started with: flags, and their twins in the environment for clients that cannot pass flags.
type options struct {
	where       board.Where
	lockTimeout time.Duration
	logLevel    slog.Level
	agent       string
	readOnly    bool
	version     bool
}

// boardFlags are the flags that say which board, shared by the server and the commands.
func boardFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.where.Start, "dir", "", "the .tickets `folder`, or where the search for it begins, upwards (TICKET_MCP_DIR; default CLAUDE_PROJECT_DIR, else the working directory)")
	f.BoolVar(&o.where.Local, "worktree-local", false, "in a linked git worktree, use its own .tickets and not the main worktree's")
	f.DurationVar(&o.lockTimeout, "lock-timeout", ticketfs.DefaultLockTimeout, "how `long` a call waits for locks, like 5s or 500ms (TICKET_MCP_LOCK_TIMEOUT)")
}

func parseOptions(args []string) (options, error) {
	o := options{logLevel: slog.LevelWarn}
	f := flag.NewFlagSet("ticket-mcp", flag.ContinueOnError)
	f.Usage = func() { usage(f) }
	boardFlags(f, &o)
	f.TextVar(&o.logLevel, "log-level", o.logLevel, "debug, info, warn or error; logs go to standard error (TICKET_MCP_LOG_LEVEL)")
	f.StringVar(&o.agent, "agent", "", "the `name` that stands in claims (TICKET_MCP_AGENT; default the client's)")
	f.BoolVar(&o.readOnly, "read-only", false, "offer only the tools that read: ready, list, show")
	f.BoolVar(&o.version, "version", false, "print the version and exit")
	if err := parseFlags(f, &o, args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, nil
}

// twins are the variables that stand in for flags which are not given.
var twins = map[string]string{
	"dir": "TICKET_MCP_DIR", "lock-timeout": "TICKET_MCP_LOCK_TIMEOUT", "log-level": "TICKET_MCP_LOG_LEVEL", "agent": "TICKET_MCP_AGENT",
}

func parseFlags(f *flag.FlagSet, o *options, args []string) error {
	// The environment first, so that a flag overrides it.
	for name, variable := range twins {
		if value := os.Getenv(variable); value != "" && f.Lookup(name) != nil {
			if err := f.Set(name, value); err != nil {
				return fmt.Errorf("%s is %q: %w", variable, value, err)
			}
		}
	}
	// Package flag would print the whole usage for every slip; here only those who ask for it get it.
	f.SetOutput(io.Discard)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(os.Stdout)
			f.Usage()
		}
		return err
	}
	if o.lockTimeout <= 0 {
		return fmt.Errorf("lock-timeout must be more than 0, not %s", o.lockTimeout)
	}
	o.where.Start = cmp.Or(o.where.Start, os.Getenv("CLAUDE_PROJECT_DIR"), ".")
	return nil
}

func usage(f *flag.FlagSet) {
	fmt.Fprint(f.Output(), "ticket-mcp serves the tickets in .tickets/ to AI agents: an MCP server on standard input and output.\n\nusage: ticket-mcp [flags]\n")
	for _, c := range commands {
		fmt.Fprintf(f.Output(), "       ticket-mcp %-12s %s\n", c.name, c.about)
	}
	fmt.Fprint(f.Output(), "\nflags:\n")
	f.PrintDefaults()
}

// exitOn says why a command cannot go on, and gives the exit status.
func exitOn(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(os.Stderr, "ticket-mcp: %v\n", err)
	return 2
}

// serve is the server: until standard input ends or a signal comes.
func serve(args []string) int {
	o, err := parseOptions(args)
	if err != nil {
		return exitOn(err)
	}
	if o.version {
		fmt.Println("ticket-mcp", buildVersion())
		return 0
	}
	// Nothing but the protocol may reach the real standard output; a stray print goes where the logs go.
	out := os.Stdout
	os.Stdout = os.Stderr
	log := newLogger(os.Stderr, o.logLevel)
	b, err := newBoard(o)
	if err != nil {
		return exitOn(err)
	}
	s, err := tools.NewServer(b, buildVersion(), o.readOnly, log)
	if err != nil {
		return exitOn(err)
	}
	if err := stdio.Listen(context.Background(), s, os.Stdin, out, log); err != nil {
		log.Error("serve", "err", err)
		return 1
	}
	return 0
}

func newBoard(o options) (*tools.Board, error) {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir) // as the board's is
	}
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	return &tools.Board{
		Store:   ticketfs.NewStore(o.where, o.lockTimeout),
		Session: session.NewSession(os.Getenv("CLAUDE_CODE_SESSION_ID"), time.Now),
		Agent:   o.agent,
		Now:     time.Now,
		WorkDir: dir,
	}, nil
}

// newLogger writes to w, coloured only for a terminal.
func newLogger(w *os.File, level slog.Level) *slog.Logger {
	return slog.New(tint.NewTextHandler(io.Writer(w), &tint.Options{Level: level, NoColor: !terminal.Is(w)}))
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
