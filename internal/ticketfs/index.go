package ticketfs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// index holds the front matter of all tickets of a folder, and who names whom. It is never older than the question: refresh,
// before every use, finds what changed since the last time, by the files' stamps or from a watch, and reads it again. It is
// kept in memory only and can be thrown away at any time.
type index struct {
	mu      sync.RWMutex
	dir     string
	folder  fs.FileInfo // that was read; nil before the first time
	files   map[string]*indexed
	parents map[string]map[string]bool // parent -> children
	blocks  map[string]map[string]bool // blocker -> tickets that list it
	broken  map[string]bool            // malformed files
	linked  map[string]bool            // files with more than one name
	names   []string                   // ids in order; nil when they have to be sorted anew
	changed map[string]bool            // tickets that are not what they were, until takeChanges
	watch   *watch                     // nil when the folder has to be looked through
}

// indexed is one file. About 400 bytes, most of them the Ticket.
type indexed struct {
	ticket Ticket
	err    error // why the file is no ticket
	stamp  stamp
	read   int64 // when, in Unix nanoseconds
}

// stamp tells whether a file was written since it was read.
type stamp struct {
	ino, links   uint64
	size         int64
	mtime, ctime int64 // Unix nanoseconds
}

// listFolder returns the names in a folder, in no order.
func listFolder(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// settling is how recent a file's last change may be, at the time of reading, for a later one to bear the same time: kernels
// before 6.13 stamp by the tick, 4 ms at 250 Hz.
const settling = 20 * time.Millisecond

// fresh reports whether a file that has this stamp is the one that was read.
func (x *indexed) fresh(now stamp) bool {
	return x.stamp == now && x.read-max(now.mtime, now.ctime) > int64(settling)
}

// watchFrom is the number of tickets from which a watch is worth its descriptor: looking at every stamp takes about 2 us a
// ticket. Below, the number of watches a user may have (128 on many systems) is better left to others.
const watchFrom = 2000

// refresh brings the index up to what the folder holds now.
func (x *index) refresh(dir string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	folder, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if x.folder == nil || x.dir != dir || !os.SameFile(x.folder, folder) {
		x.begin(dir, folder)
	}
	if x.watch != nil {
		names, complete := x.watch.drain()
		if complete {
			err := x.update(names)
			if err != nil {
				x.unwatch() // the names are gone; the stamps will tell
			}
			return err
		}
		x.unwatch()
	}
	if len(x.files) >= watchFrom {
		// Before the folder is looked through, so that nothing falls between the two.
		x.watch = newWatch(dir)
	}
	if err := x.scan(); err != nil {
		x.unwatch()
		return err
	}
	return nil
}

// begin forgets everything, for another folder.
func (x *index) begin(dir string, folder fs.FileInfo) {
	x.unwatch()
	if x.changed == nil {
		x.changed = make(map[string]bool)
	}
	for id := range x.files {
		x.changed[id] = true
	}
	x.dir, x.folder, x.names = dir, folder, nil
	x.files = make(map[string]*indexed)
	x.parents = make(map[string]map[string]bool)
	x.blocks = make(map[string]map[string]bool)
	x.broken = make(map[string]bool)
	x.linked = make(map[string]bool)
}

func (x *index) unwatch() {
	if x.watch != nil {
		x.watch.close()
		x.watch = nil
	}
}

// scan looks at every file of the folder.
func (x *index) scan() error {
	names, err := listFolder(x.dir)
	if err != nil {
		return err
	}
	ids := names[:0]
	known := 0
	for _, name := range names {
		if id := idOf(name); id != "" {
			ids = append(ids, id)
			if x.files[id] != nil {
				known++
			}
		}
	}
	if known < len(x.files) {
		x.forgetAllBut(ids)
	}
	return x.reread(ids, false)
}

func (x *index) forgetAllBut(ids []string) {
	here := make(map[string]bool, len(ids))
	for _, id := range ids {
		here[id] = true
	}
	for id := range x.files {
		if !here[id] {
			x.put(id, nil)
		}
	}
}

// update reads the files again that a watch has named, and looks at those that have other names as well: what is written
// through a name outside the folder is no event of the folder.
func (x *index) update(names []string) error {
	ids := names[:0]
	for _, name := range names {
		if id := idOf(name); id != "" {
			ids = append(ids, id)
		}
	}
	if err := x.reread(ids, true); err != nil {
		return err
	}
	return x.reread(slices.Collect(maps.Keys(x.linked)), false)
}

// reread compares the stamps of files with those in the index, on all processors, and reads what is new, or with all
// everything.
func (x *index) reread(ids []string, all bool) error {
	if len(ids) == 0 {
		return nil
	}
	folder, err := openFolder(x.dir)
	if err != nil {
		return err
	}
	defer folder.close()
	type found struct {
		id   string
		file *indexed // nil: it is gone
	}
	workers := min(runtime.GOMAXPROCS(0), 8, len(ids)/64+1)
	results := make([][]found, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for _, id := range ids[len(ids)*w/workers : len(ids)*(w+1)/workers] {
				if old := x.files[id]; old != nil && !all {
					now, err := folder.stamp(id + ticketExt)
					if err == nil && old.fresh(now) {
						continue
					}
				}
				file, err := x.readOne(id)
				if err != nil {
					errs[w] = fmt.Errorf("read ticket %s: %w", id, err)
					return
				}
				results[w] = append(results[w], found{id, file})
			}
		})
	}
	wg.Wait()
	for _, part := range results {
		for _, f := range part {
			x.put(f.id, f.file)
		}
	}
	return errors.Join(errs...)
}

// readOne reads a file's fields; nil when it is gone. What is wrong with the file is kept as its error.
func (x *index) readOne(id string) (*indexed, error) {
	began := time.Now().UnixNano()
	f, err := readFile(filepath.Join(x.dir, id+ticketExt))
	if CodeOf(err) != "" || errors.Is(err, fs.ErrPermission) {
		return &indexed{err: err, read: began}, nil // this file's affair; all else is everybody's
	}
	if err != nil || f.content == nil {
		return nil, err
	}
	file := &indexed{stamp: stampOf(f.info), read: began}
	if t, ok := scan(id, f.content); ok {
		file.ticket = t
		return file, nil
	}
	d, err := parse(x.dir, id, f.content)
	if err != nil {
		file.err = err
		return file, nil
	}
	file.ticket = detach(d.Ticket())
	return file, nil
}

// detach copies a ticket's texts, which are parts of the whole file's.
func detach(t Ticket) Ticket {
	for _, s := range []*string{&t.ID, &t.ClaimedBy, &t.CloseReason, &t.Type, &t.Assignee, &t.Parent, &t.Title} {
		*s = strings.Clone(*s)
	}
	t.Status = Status(strings.Clone(string(t.Status)))
	for i := range t.BlockedBy {
		t.BlockedBy[i] = Blocker{strings.Clone(t.BlockedBy[i].ID), strings.Clone(t.BlockedBy[i].Reason)}
	}
	return t
}

// put replaces what is known of a file, and of whom it names.
func (x *index) put(id string, now *indexed) {
	old := x.files[id]
	if old == nil && now == nil {
		return
	}
	if old != nil {
		unlink(x.parents, old.ticket.Parent, id)
		for _, b := range old.ticket.BlockedBy {
			unlink(x.blocks, b.ID, id)
		}
	}
	delete(x.broken, id)
	delete(x.linked, id)
	if now == nil {
		delete(x.files, id)
		x.names = nil
	} else {
		if old == nil {
			x.names = nil
		}
		x.files[id] = now
		link(x.parents, now.ticket.Parent, id)
		for _, b := range now.ticket.BlockedBy {
			link(x.blocks, b.ID, id)
		}
		if now.err != nil {
			x.broken[id] = true
		}
		if now.stamp.links > 1 {
			x.linked[id] = true
		}
	}
	x.changed[id] = true
}

func link(m map[string]map[string]bool, from, to string) {
	if from == "" {
		return
	}
	if m[from] == nil {
		m[from] = make(map[string]bool)
	}
	m[from][to] = true
}

func unlink(m map[string]map[string]bool, from, to string) {
	if delete(m[from], to); len(m[from]) == 0 {
		delete(m, from)
	}
}
