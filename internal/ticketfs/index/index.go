package index

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// index holds the front matter of all tickets of a folder, and who names whom. It is never older
// than the question: refresh, before every use on which an answer or a verdict rests, finds what
// changed since the last time, by the files' stamps or from a watch, and reads it again. It is kept
// in memory only and can be thrown away at any time.
type Index struct {
	mu      sync.RWMutex
	dir     string
	folder  fs.FileInfo // that was read; nil before the first time
	files   map[string]*indexed
	parents relation          // parent -> children
	blocks  relation          // blocker -> tickets that list it
	links   relation          // ticket -> those that it is a link of
	broken  map[string]broken // files that cannot be read as tickets
	unsure  map[string]bool   // files of which a watch does not tell all: see put
	keys    map[string]int    // key of blockers -> how many files have it
	names   []string          // ids in order; nil when they have to be sorted again
	changed map[string]bool   // tickets that are not what they were, until takeChanges
	altered map[string]bool   // files that are not as they were written: see CheckBy
	wrote   func(id string, content []byte) bool
	Watch   *Watch // nil when the folder has to be looked through

	Refreshed time.Time // the last time, without an error
}

// indexed is one file. About 400 bytes, most of them the Ticket.
type indexed struct {
	ticket document.Ticket
	stamp  durable.Stamp
	read   int64  // when, in Unix nanoseconds
	sum    uint32 // CRC of the content
}

// now is the clock that stamps are compared with. A variable, so that tests can look at any moment.
var now = time.Now

// fresh reports whether a file that has this stamp is the one that was read.
func (x *indexed) fresh(stamp durable.Stamp) bool {
	return x.stamp == stamp && stamp.Settled(x.read)
}

// watchFrom is the number of tickets from which a watch is worth its descriptor: looking at every
// stamp takes about 1 us a ticket. Below, the number of watches a user may have (128 on many
// systems) is better left to others, and so is the time of those who write: the kernel tells every
// process that watches of every file they touch.
const WatchFrom = 500

// CheckBy forgets everything, and from then on has each file that is read looked at by wrote, which
// reports whether content, nil for no file, is what belongs there: see Altered. It is called by
// several goroutines.
func (x *Index) CheckBy(wrote func(id string, content []byte) bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrote, x.folder, x.Refreshed = wrote, nil, time.Time{}
}

// Began reports whether the folder was ever read. It waits for who reads it.
func (x *Index) Began() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return !x.Refreshed.IsZero()
}

// RefreshOld is Refresh for an index that was not brought up to date for a second, or never.
func (x *Index) RefreshOld(dir string) error {
	x.mu.RLock()
	recent := x.dir == dir && time.Since(x.Refreshed) < time.Second
	x.mu.RUnlock()
	if recent {
		return nil
	}
	return x.Refresh(dir)
}

// Revalidate is RefreshOld, and in any case looks at the files of these tickets again.
func (x *Index) Revalidate(dir string, ids []string) error {
	if err := x.RefreshOld(dir); err != nil || len(ids) == 0 {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	folder, err := durable.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return x.reread(folder, ids, false)
}

// Refresh brings the index up to what the folder holds now.
func (x *Index) Refresh(dir string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	folder, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if x.folder == nil || x.dir != dir || !os.SameFile(x.folder, folder) {
		x.begin(dir, folder)
	}
	if x.Watch != nil {
		names, complete := x.Watch.drain()
		if complete {
			err := x.update(names)
			if err != nil {
				x.Unwatch() // the names are gone; the stamps will tell
				return err
			}
			x.Refreshed = time.Now()
			return nil
		}
		x.Unwatch()
	}
	large, err := x.large()
	if err != nil {
		return err
	}
	if large {
		// Before the folder is looked through, so that nothing falls between the two.
		x.Watch = newWatch(dir)
	}
	if err := x.Scan(); err != nil {
		x.Unwatch()
		return err
	}
	x.Refreshed = time.Now()
	return nil
}

// large reports whether a watch of the folder is worth it. One that was never read is counted, so
// that already the second look has no need to go through it.
func (x *Index) large() (bool, error) {
	if !x.Refreshed.IsZero() {
		return len(x.files) >= WatchFrom, nil
	}
	folder, err := durable.OpenFolder(x.dir)
	if err != nil {
		return false, err
	}
	defer folder.Close()
	names, err := folder.Names()
	if err != nil {
		return false, err
	}
	tickets := 0
	for _, name := range names {
		if document.IDOf(name) != "" {
			tickets++
		}
	}
	return tickets >= WatchFrom, nil
}

// begin forgets everything, for another folder.
func (x *Index) begin(dir string, folder fs.FileInfo) {
	x.Unwatch()
	if x.changed == nil {
		x.changed = make(map[string]bool)
	}
	for id := range x.files {
		x.changed[id] = true
	}
	x.dir, x.folder, x.names, x.Refreshed = dir, folder, nil, time.Time{}
	x.files = make(map[string]*indexed)
	x.parents = make(relation)
	x.blocks = make(relation)
	x.links = make(relation)
	x.broken = make(map[string]broken)
	x.keys = make(map[string]int)
	x.unsure = make(map[string]bool)
	x.altered = make(map[string]bool)
}

func (x *Index) Unwatch() {
	if x.Watch != nil {
		x.Watch.close()
		x.Watch = nil
	}
}

// scan looks at every file of the folder.
func (x *Index) Scan() error {
	folder, err := durable.OpenFolder(x.dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := folder.Names()
	if err != nil {
		return err
	}
	ids := names[:0]
	known := 0
	for _, name := range names {
		if id := document.IDOf(name); id != "" {
			ids = append(ids, id)
			if x.files[id] != nil {
				known++
			}
		}
	}
	if known < len(x.files) {
		x.forgetAllBut(ids)
	}
	return errors.Join(x.reread(folder, ids, false), x.rereadAltered(folder))
}

// rereadAltered reads the files again that were not as they were written.
func (x *Index) rereadAltered(folder durable.Folder) error {
	if len(x.altered) == 0 {
		return nil
	}
	return x.reread(folder, slices.Collect(maps.Keys(x.altered)), true)
}

func (x *Index) forgetAllBut(ids []string) {
	here := make(map[string]bool, len(ids))
	for _, id := range ids {
		here[id] = true
	}
	for id := range x.files {
		if !here[id] {
			x.put(found{id: id, altered: x.isAltered(id, nil, nil)})
		}
	}
}

// update reads the files again that a watch has named, and looks at those of which it does not tell
// all.
func (x *Index) update(names []string) error {
	ids := names[:0]
	for _, name := range names {
		if id := document.IDOf(name); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids)+len(x.unsure)+len(x.altered) == 0 {
		return nil
	}
	folder, err := durable.OpenFolder(x.dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := x.reread(folder, ids, true); err != nil {
		return err
	}
	return errors.Join(x.reread(folder, slices.Collect(maps.Keys(x.unsure)), false),
		x.rereadAltered(folder))
}

// ownFault reports whether an error is about what the file holds, so that it stays until the file
// changes.
func ownFault(err error) bool {
	var bad *document.Malformed
	return errors.As(err, &bad) || durable.FileFault(err)
}

// put replaces what is known of a file, and of whom it names.
func (x *Index) put(f found) {
	id, now, fault := f.id, f.file, f.broken
	old := x.files[id]
	delete(x.altered, id)
	if f.altered {
		x.altered[id] = true
	}
	if old == nil && now == nil {
		return
	}
	if old == nil || now == nil || fault.none || x.broken[id].none {
		x.names = nil
	}
	if old != nil {
		x.name(old.ticket, unlink)
		x.keys[old.ticket.BlockerKey]--
	}
	delete(x.broken, id)
	delete(x.unsure, id)
	if now == nil {
		delete(x.files, id)
	} else {
		x.files[id] = now
		x.name(now.ticket, link)
		x.keys[now.ticket.BlockerKey]++
		if fault.why != nil {
			x.broken[id] = fault
		}
		// What is written through another name, outside the folder, is no event of the folder; nor
		// is a disk that reads again.
		if now.stamp.Links > 1 || fault.why != nil && !ownFault(fault.why) {
			x.unsure[id] = true
		}
	}
	x.changed[id] = true
}

// name links a ticket with those that it names, or unlinks it. A file that is none while nobody
// names it changes by that.
func (x *Index) name(t document.Ticket, do func(m relation, from, to string)) {
	named := func(m relation, id string) {
		do(m, id, t.ID)
		if x.broken[id].none {
			x.names, x.changed[id] = nil, true
		}
	}
	named(x.parents, t.Parent)
	for _, b := range t.BlockedBy {
		named(x.blocks, b.ID)
	}
	for _, id := range t.Links {
		named(x.links, id)
	}
}

// relation holds for each id the ids on its other side, in order. Most lists are short, and a few
// are as long as the board.
type relation map[string][]string

func link(m relation, from, to string) {
	if from == "" {
		return
	}
	if at, there := slices.BinarySearch(m[from], to); !there {
		m[from] = slices.Insert(m[from], at, to)
	}
}

func unlink(m relation, from, to string) {
	at, there := slices.BinarySearch(m[from], to)
	if !there {
		return
	}
	if m[from] = slices.Delete(m[from], at, at+1); len(m[from]) == 0 {
		delete(m, from)
	}
}
