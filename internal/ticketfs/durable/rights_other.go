//go:build !unix

package durable

import (
	"io/fs"

	"github.com/ticket-mcp/ticket-mcp/internal/rawfile"
)

func takeRights(*rawfile.File, string, fs.FileInfo, fs.FileMode, bool) error { return nil }

func keepRights(*rawfile.File, string, fs.FileInfo) error { return nil }

func mayWrite(string) error { return nil }
