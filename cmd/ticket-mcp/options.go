package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// options are what a server or a command is started with.
type options struct {
	where       board.Where
	lockTimeout time.Duration
	logLevel    slog.Level
	agent       string
	readOnly    bool
	toolPrefix  string
	tags        string
	opened      *boards // nil where they need not be closed
}

// boards are those that a command opened.
type boards []*tools.Board

// close ends the work on them. What fails here, a cluster that cannot be reached any more, sees by
// itself that the process has ended, only later.
func (all boards) close() {
	for _, b := range all {
		_ = b.Close()
	}
}

// boardFlags are the flags of every command that works on a board. They may stand before the
// command or after it.
func boardFlags(f *pflag.FlagSet, o *options) {
	o.lockTimeout = ticketfs.DefaultLockTimeout
	f.StringVar(&o.where.Start, "dir", "",
		"the .tickets `folder`, or where the search for it begins, upwards (default CLAUDE_PROJECT_DIR, else the working directory)")
	f.BoolVar(&o.where.Local, "worktree-local", false,
		"in a linked git worktree, use its own .tickets and not the main worktree's")
	f.Var((*wait)(&o.lockTimeout), "lock-timeout",
		"how `long` a call waits for locks at most, like 5s or 500ms; a bare number is seconds")
	f.StringVar(&o.agent, "agent", "",
		"the `name` that stands in claims and notes (default the client's)")
	withEnvironment(f)
}

// serverFlags are those of the server alone.
func serverFlags(f *pflag.FlagSet, o *options) {
	o.logLevel = slog.LevelWarn
	f.TextVar(&o.logLevel, "log-level", o.logLevel,
		"the least `level` of what is logged to standard error: debug, info, warn or error")
	f.BoolVar(&o.readOnly, "read-only", false, "offer only the tools that read")
	f.StringVar(&o.toolPrefix, "tool-prefix", "",
		"what the tools' names begin with, like ticket_, for clients that do not tell the tools of several servers apart by themselves")
	f.StringVar(&o.tags, "tags", "",
		"give out only tickets with one of these `tags`, set apart by commas, where a call names no other")
	withEnvironment(f)
}

// fromEnvironment marks a flag that a variable stands in for when it is not given.
const fromEnvironment = "environment"

// withEnvironment gives each flag the variable of its name: TICKET_MCP_LOCK_TIMEOUT for
// --lock-timeout.
func withEnvironment(f *pflag.FlagSet) {
	f.VisitAll(func(flag *pflag.Flag) {
		variable := "TICKET_MCP_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		flag.Usage += " [" + variable + "]"
		flag.Annotations = map[string][]string{fromEnvironment: {variable}}
	})
}

// applyEnvironment sets the flags that were not given from their variables. An empty variable is
// none.
func applyEnvironment(f *pflag.FlagSet) error {
	var faults []error
	f.VisitAll(func(flag *pflag.Flag) {
		for _, variable := range flag.Annotations[fromEnvironment] {
			if value := os.Getenv(variable); value != "" && !flag.Changed {
				if err := flag.Value.Set(value); err != nil {
					faults = append(faults, fmt.Errorf("%s is %q: %w", variable, value, err))
				}
			}
		}
	})
	if len(faults) > 0 {
		return usageError{errors.Join(faults...)}
	}
	return nil
}

// wait is a flag for a time to wait: more than 0, as Go writes it or as a number of seconds.
type wait time.Duration

func (w *wait) String() string { return time.Duration(*w).String() }
func (w *wait) Type() string   { return "duration" }

func (w *wait) Set(text string) error {
	d, err := time.ParseDuration(text)
	if seconds, notNumber := strconv.ParseFloat(text, 64); notNumber == nil {
		d, err = time.Duration(min(seconds, 1e9)*float64(time.Second)), nil
	}
	switch {
	case err != nil:
		return errors.New("use a number of seconds, or a time like 5s or 500ms")
	case d <= 0:
		return fmt.Errorf("must be more than 0, not %s", text)
	}
	*w = wait(d)
	return nil
}

// newBoard is the tools on the board that the options name.
func newBoard(o options) (*tools.Board, error) {
	where := o.where
	where.Start = cmp.Or(where.Start, os.Getenv("CLAUDE_PROJECT_DIR"), ".")
	dir, err := os.Getwd()
	where.From = dir
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir) // as the board's is
	}
	if err != nil && !filepath.IsAbs(where.Start) {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	// commands have no such flag
	tags, err := tools.Lane(cmp.Or(o.tags, os.Getenv("TICKET_MCP_TAGS")))
	if err != nil {
		return nil, usageError{fmt.Errorf("TICKET_MCP_TAGS or --tags: %w", err)}
	}
	store := ticketfs.NewStore(where, o.lockTimeout)
	store.OpenShared = openShared
	b := &tools.Board{
		Store:   store,
		Session: session.New(session.NameFromEnv(os.Getenv), time.Now),
		Agent:   o.agent,
		Now:     time.Now,
		WorkDir: dir,
		Tags:    tags,
	}
	if o.opened != nil {
		*o.opened = append(*o.opened, b)
	}
	return b, nil
}
