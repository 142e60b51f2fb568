//go:build etcd

package main

import (
	"context"
	"os"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd"
	"github.com/ticket-mcp/ticket-mcp/internal/race"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// cluster is the etcd that the environment names, for a board that moves into it or out of it.
func cluster() (tools.Cluster, error) {
	access, err := etcd.FindAccess(os.Getenv)
	if err != nil {
		return tools.Cluster{}, err
	}
	config := func(s board.Shared) etcd.Config { return configOf(s, access) }
	return tools.Cluster{
		Exists: func(ctx context.Context, s board.Shared) (bool, error) {
			return etcd.Exists(ctx, config(s))
		},
		Write: func(ctx context.Context, s board.Shared, tickets []ticketfs.Kept) error {
			return etcd.Share(ctx, config(s), tickets)
		},
		Close: func(ctx context.Context, s board.Shared) error { return etcd.Close(ctx, config(s)) },
		Read: func(ctx context.Context, s board.Shared, visit func(ticketfs.Kept) error) error {
			return etcd.Tickets(ctx, config(s), visit)
		},
		NewEpoch: func(ctx context.Context, s board.Shared) (int, error) {
			return etcd.NewEpoch(ctx, config(s))
		},
	}, nil
}

func configOf(s board.Shared, access etcd.Access) etcd.Config {
	return etcd.Config{ID: s.ID, Prefix: s.Prefix, Access: access, Now: time.Now}
}

// raceEngine keeps a scratch board in the etcd that the environment names.
func raceEngine() (*race.Engine, error) {
	access, err := etcd.FindAccess(os.Getenv)
	if err != nil {
		return nil, err
	}
	return &race.Engine{
		Open: openShared,
		Make: func(ctx context.Context, s board.Shared) error {
			return etcd.Share(ctx, configOf(s, access), nil)
		},
		Remove: func(ctx context.Context, s board.Shared) error {
			return etcd.Remove(ctx, configOf(s, access))
		},
	}, nil
}
