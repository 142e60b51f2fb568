package ticketfs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Obstacle is something that stands where a file or folder of ours should. It is never followed and
// never removed; what needs the place is refused.
type Obstacle struct {
	Name string // in the board's folder
	What string
}

// Obstacles lists what is in the way of locks, unfinished writes, session marks and the journal.
func (f *Folder) Obstacles() ([]Obstacle, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var found []Obstacle
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == session.Folder || name == journal.Folder:
			found = append(found, f.within(name, e)...)
		case isLock(name) && !e.Type().IsRegular():
			found = append(found, Obstacle{name, "a lock file"})
		case ownTemp.MatchString(name) && isTemp(name) && !e.Type().IsRegular():
			found = append(found, Obstacle{name, "the file of an unfinished write"})
		default:
			continue
		}
	}
	return found, nil
}

// within lists what is in the way in a folder of ours, or the folder's place.
func (f *Folder) within(name string, e fs.DirEntry) (found []Obstacle) {
	if !e.IsDir() {
		return []Obstacle{{name, "a folder"}}
	}
	path := filepath.Join(f.dir, name)
	if durable.CheckFolder(path) != nil { // it changed meanwhile
		return nil
	}
	files, err := os.ReadDir(path)
	if err != nil {
		return []Obstacle{{name, fmt.Sprintf("a folder that can be read (%v)", err)}}
	}
	for _, file := range files {
		if !file.Type().IsRegular() {
			found = append(found, Obstacle{filepath.Join(name, file.Name()), "a plain file"})
		}
	}
	return found
}

func isLock(name string) bool {
	file, found := strings.CutSuffix(name, lockExt)
	return name == relationsLock || found && document.IDOf(file) != ""
}
