//go:build unix && !linux

package durable

import "os"

// Only Linux keeps its ACLs in extended attributes. Those of other systems are not kept.

func readACL(string) (acl, error) { return nil, nil }

func hasDefaultACL(string) bool { return false }

func writeACL(*os.File, acl) error { return nil }

func removeACL(*os.File) error { return nil }
