//go:build etcd

package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// openShared opens a board that is kept in an etcd: the program ticket-mcp-etcd.
var openShared = openEtcd

func openEtcd(found board.Board) (ticketfs.Engine, error) {
	access, err := etcd.FindAccess(os.Getenv)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	mirror := filepath.Join(found.Dir, board.MirrorFolder)
	return etcd.OpenEngine(context.Background(), etcd.Config{
		ID: found.Shared.ID, Prefix: found.Shared.Prefix, Access: access,
		Now: time.Now, Host: host, PID: os.Getpid(),
	}, mirror)
}
