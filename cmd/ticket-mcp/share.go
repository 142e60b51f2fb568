package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/terminal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// shareCommand and unshareCommand change the mode of a board. Every program has them: a clone takes
// part in what others did without any engine.
func shareCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "share", Short: "Share the board between many machines", GroupID: "board", Args: noArgs,
		Long: `share moves the tickets of a local board into an engine that many machines reach; what stays in .tickets is .board, which says so, and a
mirror to read. It is refused while sessions hold claims, and can be run again if it was interrupted. It needs ticket-mcp-etcd, and
ETCDCTL_ENDPOINTS (ETCDCTL_CACERT, _CERT, _KEY, _USER, _PASSWORD) as etcdctl does.

A clone works on the shared board that it saw first. --accept takes another one, which .board must name: a person's decision.`,
		Example: "  ticket-mcp share --engine etcd\n  ticket-mcp share --accept b7k2m4qw",
	}
	engine := c.Flags().String("engine", "", "what keeps the tickets: etcd")
	accept := c.Flags().String("accept", "",
		"work on the shared board with this `id`, which .board names, in this clone")
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case *accept != "" && *engine != "" || *accept == "" && *engine == "":
			return usageError{fmt.Errorf("give --engine %s, or --accept ID", board.Etcd)}
		case *accept != "":
			return decideMode(c, o, func(w board.Where) (string, error) { return w.Accept(*accept) })
		case *engine != board.Etcd:
			return usageError{fmt.Errorf("no engine %q; there is %s", *engine, board.Etcd)}
		}
		return moveMode(c, o, func(b *tools.Board, to tools.Cluster) (string, error) {
			return b.Share(c.Context(), *engine, to)
		})
	}
	return c
}

func unshareCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "unshare", Short: "Bring a shared board's tickets back as files", GroupID: "board",
		Args: noArgs,
		Long: `unshare ends a shared board: every other change is refused from then on, and all tickets come back as files in .tickets. It
is refused while sessions that live hold tickets, and can be run again if it was interrupted. It needs ticket-mcp-etcd.

In every other clone a person says that the board is a local one again, by --accept, once .board is gone there too.`,
	}
	accept := c.Flags().Bool("accept", false,
		"the board was unshared elsewhere: use the files in this clone")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *accept {
			return decideMode(c, o, board.Where.Leave)
		}
		return moveMode(c, o, func(b *tools.Board, from tools.Cluster) (string, error) {
			return b.Unshare(c.Context(), from)
		})
	}
	return c
}

// syncCommand brings the mirror of a shared board up to date.
func syncCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "sync", Short: "Bring the mirror of a shared board up to date", GroupID: "board",
		Args: noArgs,
		Long: `sync waits until the mirror shows every change that was answered before, and names what git has that the board has not: files of
tickets that came from a clone which did not know that the board is shared. They are never the tickets, and never taken over
by themselves. It needs ticket-mcp-etcd.`,
	}
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, _ []string) error {
		b, err := personBoard(*o)
		if err != nil {
			return err
		}
		answer, err := b.Sync(c.Context())
		if err != nil {
			return err
		}
		return printAnswer(c, "sync", answer, *asJSON)
	}
	return c
}

// moveMode moves a board into an engine or out of it.
func moveMode(c *cobra.Command, o *options,
	move func(*tools.Board, tools.Cluster) (string, error)) error {
	b, err := personBoard(*o)
	if err != nil {
		return err
	}
	engine, err := cluster()
	if err != nil {
		return err
	}
	said, err := move(b, engine)
	if said != "" {
		fmt.Fprintln(c.OutOrStdout(), terminal.Printable(said))
	}
	return err
}

// decideMode is a person's decision on which board a clone works. That it needs a terminal keeps
// agents from it, as a rail does; it is no wall.
func decideMode(c *cobra.Command, o *options, decide func(board.Where) (string, error)) error {
	b, err := personBoard(*o)
	if err != nil {
		return err
	}
	if b.Person == "" || !terminal.Is(os.Stdin) {
		return ticketfs.Refuse(ticketfs.Invalid, "ask a person to type it at a terminal",
			"which board a clone works on is a person's decision")
	}
	said, err := decide(b.Store.Where)
	if err != nil {
		return ticketfs.Refused(err)
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), said)
	return err
}
