//go:build !etcd

package main

import (
	"github.com/ticket-mcp/ticket-mcp/internal/race"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// cluster is none here.
func cluster() (tools.Cluster, error) {
	return tools.Cluster{}, ticketfs.Refuse(ticketfs.Unreachable, "install ticket-mcp-etcd",
		"this program has no engine for shared boards")
}

// raceEngine is none here either.
func raceEngine() (*race.Engine, error) {
	_, err := cluster()
	return nil, err
}
