// Package importer reads other trackers' files and says which tickets they would become.
//
// It promises: nothing of what it reads is lost without being counted (Source.Tally); input of any
// size or shape ends in an error or a fault, never in a panic or an endless run; the plan's tickets
// are in an order in which each can be created, its parent and its blockers first, and together
// they break no rule between tickets. A second run over the same files plans what the first one did
// not create: a ticket's external-ref is the id that it had there.
//
// It does not write: a plan is carried out by package tools, through the one door. It does not
// synchronise.
package importer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Caps on what is read. What is beyond them is an error that names them, or a fault of one item.
const (
	MaxLine  = 4 << 20  // bytes of one line of JSON
	MaxInput = 64 << 20 // bytes of one import
	MaxItems = 50_000   // of one import
)

// Source is what was read of another tracker.
type Source struct {
	Name   string // "beads", "backlog"
	Items  []Item
	Faults []Fault // what could not be read, and why
	Tally  Tally

	refs map[string]bool // ids read so far, in lower case, where a file may have that of another
	size int             // bytes read so far
}

// Item is one of their issues as the ticket that it would become. Its relations name ids of theirs.
type Item struct {
	Ref    string          // its id there
	Where  string          // the file, or the line, it was read from
	Ticket document.Ticket // without id and relations; the status is open or closed

	Description string
	Sections    []document.Section

	Parent    string
	BlockedBy []string
	Links     []string

	Extra map[string]any // what has no home here, kept as JSON under x-<source>
	edges []edge         // relations of theirs that ours cannot say, kept in Extra
}

// edge is a relation that is kept for an export, with the reason why it is no relation here.
type edge struct {
	Type string `json:"type"`
	To   string `json:"to"`
	Why  string `json:"why,omitempty"`
}

// Fault says what could not be read or written.
type Fault struct {
	Where string
	Err   error
}

func (f Fault) Error() string { return f.Where + ": " + f.Err.Error() }

func (f Fault) Unwrap() error { return f.Err }

func (s *Source) fault(where string, err error) { s.Faults = append(s.Faults, Fault{where, err}) }

// errTooMany and errTooLarge end the reading of a source.
var (
	errTooMany  = fmt.Errorf("more than %d items", MaxItems)
	errTooLarge = fmt.Errorf("more than %d bytes", MaxInput)
)

func (s *Source) add(item Item) error {
	if len(s.Items) == MaxItems {
		return errTooMany
	}
	s.Items = append(s.Items, item)
	return nil
}

// open opens a regular file: a pipe or a device would be read without end.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// readCapped reads a regular file of at most limit bytes.
func readCapped(path string, limit int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", filepath.Base(path), limit)
	}
	return content, err
}
