//go:build unix && !linux && !darwin

package durable

import "github.com/ticket-mcp/ticket-mcp/internal/rawfile"

// attributes: these systems are not asked for any.
type attributes struct{}

func readAttributes(string) (attributes, acl, error) { return attributes{}, nil, nil }

func (attributes) write(*rawfile.File) error { return nil }
