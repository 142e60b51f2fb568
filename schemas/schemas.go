// Package schemas holds what tools/list says, one file per tool, and the schema of a ticket's front
// matter. The files are the source: the server serves them as they stand and checks arguments
// against them.
package schemas

import "embed"

// Files are the *.json files of this folder.
//
//go:embed *.json
var Files embed.FS
