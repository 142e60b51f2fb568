//go:build !windows

package ticketfs

import "os"

func fsyncFolder(folder *os.File) error { return folder.Sync() }
