package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

const aboutSession = `session runs a command as one session of work on the board: whatever it starts holds tickets in one name, and that name
lives until the command ends. It is for what would otherwise be a new session with every call or pane: frameworks that start
a server for each call, shells and agents in the panes of a terminal, containers that work on one task.

The name is in TICKET_MCP_SESSION for the command and all that it starts. Sessions of one name are one session, and each of
them keeps it alive. The exit status is the command's.`

// sessionCommand holds a slot of a conversation for the life of a command.
func sessionCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "session [--name NAME] -- COMMAND [ARGUMENT]...", Short: "Run a command whose tickets are held in one name until it ends",
		Long: aboutSession, GroupID: "board",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("COMMAND is missing; usage: ticket-mcp %s", c.Use)}
			}
			return nil
		},
	}
	name := c.Flags().String("name", "",
		"the session's `name`, which others may share (default: a random one)")
	c.Flags().SetInterspersed(false) // what follows the command is the command's
	c.RunE = func(c *cobra.Command, args []string) error {
		shared, ok := session.SharedName(cmp.Or(*name, rand.Text()))
		if !ok {
			return usageError{errors.New("NAME is too long")}
		}
		b, err := newBoard(*o)
		if err != nil {
			return err
		}
		folder, err := b.Store.Open()
		if err != nil {
			return err
		}
		p := session.New(shared, time.Now)
		if _, err := folder.Attend(p, session.Call{Client: "ticket-mcp session",
			Agent: o.agent}).Claim(); err != nil {
			return ticketfs.Refused(fmt.Errorf("begin the session: %w", err))
		}
		return errors.Join(runAs(shared, args), p.Close())
	}
	return c
}

// runAs runs a command with a session's name in its environment. Signals of the terminal reach it
// by themselves, others are passed on: while it lives, so does this process.
func runAs(name string, args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	const variable = "TICKET_MCP_SESSION="
	cmd.Env = append(slices.DeleteFunc(os.Environ(),
		func(v string) bool { return strings.HasPrefix(v, variable) }), variable+name)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run the command: %w", err)
	}
	go func() {
		for s := range signals {
			if s != os.Interrupt && s != syscall.SIGQUIT {
				_ = cmd.Process.Signal(s) // it may have ended
			}
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitStatus(128 + int(status.Signal())) // as a shell says it
	}
	return exitStatus(exit.ExitCode())
}
