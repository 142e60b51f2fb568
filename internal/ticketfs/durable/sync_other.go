//go:build !windows

package durable

func fsyncFolder(folder Syncable) error { return folder.Sync() }
