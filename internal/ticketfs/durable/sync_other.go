//go:build !windows

package durable

import "os"

func fsyncFolder(folder *os.File) error { return folder.Sync() }
