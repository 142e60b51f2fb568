package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ticket-mcp/ticket-mcp/internal/race"
)

// raceCommand proves on a scratch board what the program promises, or shows that it does not hold
// there.
func raceCommand() *cobra.Command {
	var o race.Options
	c := &cobra.Command{
		Use: "race", Short: "Prove on a scratch board that no update is lost, by many real server processes", GroupID: "board", Args: noArgs,
		Long: `race starts real server processes on a scratch board, races them against each other through MCP, and compares every answer with
the files, or with --board with an etcd. Exit status: 0 every promise was kept, 1 one was broken, which is named, or the race could not be run.`,
	}
	f := c.Flags()
	f.IntVar(&o.Processes, "processes", 16, "`number` of server processes, 3 to 256")
	f.IntVar(&o.Updates, "updates", 10,
		"`number` of updates that each process makes of one ticket, 1 to 1000")
	f.IntVar(&o.Rounds, "rounds", 60,
		"`number` of rounds of each race between two or three calls, 1 to 10000; a third of it for the starts")
	f.StringVar(&o.Dir, "dir", "",
		"the `folder` below which the scratch board is made, to test its filesystem (default the temporary folder)")
	url := f.String("board", "",
		"the `endpoints` of an etcd that keeps the scratch board, which four folders show as so many machines do")
	f.Uint64Var(&o.Seed, "seed", 0,
		"`number` that decides which process makes which call; 0 for another one each time")
	f.DurationVar(&o.Timeout, "timeout", 2*time.Minute, "how `long` it may take at most")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if o.Seed == 0 {
			o.Seed = 1 + rand.Uint64N(1_000_000)
		}
		if err := o.Check(); err != nil {
			return usageError{err}
		}
		if *url != "" {
			if o.Dir != "" {
				return usageError{errors.New("--dir is for a board in a folder, --board for one in an etcd")}
			}
			// which the servers inherit
			if err := os.Setenv("ETCDCTL_ENDPOINTS", *url); err != nil {
				return fmt.Errorf("name the endpoints: %w", err)
			}
			var err error
			if o.Engine, err = raceEngine(); err != nil {
				return err
			}
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		// a second signal ends the process at once; the servers then see their input end
		context.AfterFunc(ctx, stop)
		began := time.Now()
		results, err := race.Run(ctx, o, os.Stderr)
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		if err != nil {
			return fmt.Errorf("race: %w", err)
		}
		if !race.Report(c.OutOrStdout(), o, results, time.Since(began)) {
			return exitStatus(statusWrong)
		}
		return nil
	}
	return c
}
