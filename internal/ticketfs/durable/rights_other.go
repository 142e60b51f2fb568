//go:build !unix

package durable

import "io/fs"

func takeRights(string, fs.FileInfo, fs.FileMode) error { return nil }
