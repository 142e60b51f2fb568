//go:build unix && !linux

package durable

import "github.com/ticket-mcp/ticket-mcp/internal/rawfile"

// Only Linux keeps its ACLs in extended attributes. Those of other systems are not kept.

func readACL(string) (acl, error) { return nil, nil }

func hasDefaultACL(string) bool { return false }

func writeACL(*rawfile.File, acl) error { return nil }

func removeACL(*rawfile.File) error { return nil }
