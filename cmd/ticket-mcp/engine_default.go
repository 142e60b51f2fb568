//go:build !etcd

package main

import (
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// openShared is nil: this program has no way to a board that many machines share.
var openShared func(board.Board) (ticketfs.Engine, error)
