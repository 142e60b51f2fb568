package index

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"runtime"
	"sync"
	"syscall"
	"unique"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// perReader is the number of files from which a second goroutine is worth waking a processor for:
// 256 looks take about 0.2 ms.
const perReader = 256

// Of files that were never read, which a disk may have to fetch, so many are read at once, by
// goroutines that read so many each: a disk answers many questions in little more than the time of
// one. More are no faster.
const inFlight, perFlight = 32, 32

// castagnoli is the polynomial that processors know: a sum costs little beside the read.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// found is what a reader found.
type found struct {
	id      string
	file    *indexed // nil when there is none any more
	broken  broken
	altered bool // it is not as it was written: see CheckBy
}

// broken is what is known of a file that cannot be read as a ticket.
type broken struct {
	why     error // nil for a ticket
	none    bool  // it does not want to be a ticket, and never was one
	parents []string
	told    bool // whether parents are all that its parent may be
}

// brokenBy tells what can be told of a malformed file, or the beginning of one that is too long.
func (x *Index) brokenBy(id string, content []byte, why error) broken {
	b := broken{why: why, none: document.NoTicket(content) && !journal.Of(x.dir).Has(id)}
	b.parents, b.told = document.Parents(content)
	return b
}

// reread compares the stamps of files with those in the index, on all processors, and reads what is
// new, or with all everything.
func (x *Index) reread(folder durable.Folder, ids []string, all bool) error {
	readers := min(runtime.GOMAXPROCS(0), 8, len(ids)/perReader+1)
	if unread := len(ids) - len(x.files); unread > perReader {
		readers = max(readers, min(inFlight, unread/perFlight))
	}
	results := make([][]found, readers)
	errs := make([]error, readers)
	read := func(n int) {
		results[n], errs[n] = x.readSome(folder, ids[len(ids)*n/readers:len(ids)*(n+1)/readers],
			all)
	}
	var others sync.WaitGroup
	for n := 1; n < readers; n++ {
		others.Go(func() { read(n) })
	}
	read(0)
	others.Wait()
	for _, part := range results {
		for _, f := range part {
			x.put(f)
		}
	}
	return errors.Join(errs...)
}

func (x *Index) readSome(folder durable.Folder, ids []string,
	all bool) (changed []found, err error) {
	var buffer []byte
	for _, id := range ids {
		name := id + document.Ext
		if old := x.files[id]; old != nil && !all {
			stamp, err := folder.Stamp(name)
			if err == nil && old.fresh(stamp) {
				continue
			}
		}
		if buffer == nil {
			buffer = make([]byte, 16<<10)
		}
		f, err := x.readFile(folder, id, buffer)
		if err != nil {
			return changed, fmt.Errorf("read ticket %s: %w", id, err)
		}
		changed = append(changed, f)
	}
	return changed, nil
}

// readFile reads a file's fields. What is wrong with the file itself is no error, but what is
// found.
func (x *Index) readFile(folder durable.Folder, id string, buffer []byte) (found, error) {
	file := &indexed{read: now().UnixNano()}
	content, stamp, err := folder.Read(id+document.Ext, buffer, document.MaxFile)
	file.stamp, file.sum = stamp, crc32.Checksum(content, castagnoli)
	f := found{id: id, file: file, altered: x.isAltered(id, content, err)}
	var tooLong *durable.TooLongError
	switch {
	case errors.As(err, &tooLong):
		f.broken = x.brokenBy(id, content, err)
		return f, nil
	case durable.FileFault(err): // no file, and so nobody's child
		f.broken = broken{why: err, told: true}
		return f, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EIO):
		// a per-file error; anything else fails the refresh
		f.broken = broken{why: err}
		return f, nil
	case err != nil || content == nil:
		f.file = nil
		return f, err
	}
	if t, ok := document.Scan(id, content); ok {
		file.ticket = compact(t)
		return f, nil
	}
	d, err := document.Parse(id, content)
	if err != nil {
		f.broken = x.brokenBy(id, content, err)
		return f, nil
	}
	file.ticket = compact(d.Ticket())
	return f, nil
}

// isAltered reports whether a file is not as it was written.
func (x *Index) isAltered(id string, content []byte, err error) bool {
	if x.wrote == nil {
		return false
	}
	if err != nil {
		content = nil // what can be read of it is not the whole
	}
	return !x.wrote(id, content)
}

// compact lets all tickets that name a blocker share its name, and gives their lists no room to
// grow.
func compact(t document.Ticket) document.Ticket {
	blockers := make([]document.Blocker, len(t.BlockedBy))
	for i, b := range t.BlockedBy {
		blockers[i] = document.Blocker{ID: unique.Make(b.ID).Value(), Reason: b.Reason}
	}
	if t.BlockedBy != nil {
		t.BlockedBy = blockers
	}
	return t
}
