package index

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// perReader is the number of files from which a second goroutine is worth waking a processor for: 256 looks take about 0.2 ms.
const perReader = 256

// found is what a reader found.
type found struct {
	id     string
	file   *indexed // nil when there is none any more
	broken error    // why it is no ticket
}

// reread compares the stamps of files with those in the index, on all processors, and reads what is new, or with all
// everything.
func (x *Index) reread(folder durable.Folder, ids []string, all bool) error {
	readers := min(runtime.GOMAXPROCS(0), 8, len(ids)/perReader+1)
	results := make([][]found, readers)
	errs := make([]error, readers)
	read := func(n int) {
		results[n], errs[n] = x.readSome(folder, ids[len(ids)*n/readers:len(ids)*(n+1)/readers], all)
	}
	var others sync.WaitGroup
	for n := 1; n < readers; n++ {
		others.Go(func() { read(n) })
	}
	read(0)
	others.Wait()
	for _, part := range results {
		for _, f := range part {
			x.put(f.id, f.file, f.broken)
		}
	}
	return errors.Join(errs...)
}

func (x *Index) readSome(folder durable.Folder, ids []string, all bool) (changed []found, err error) {
	var buffer []byte
	for _, id := range ids {
		name := id + document.Ext
		if old := x.files[id]; old != nil && !all {
			now, err := folder.Stamp(name)
			if err == nil && old.fresh(now) {
				continue
			}
		}
		if buffer == nil {
			buffer = make([]byte, 16<<10)
		}
		f, err := readIndexed(folder, id, buffer)
		if err != nil {
			return changed, fmt.Errorf("read ticket %s: %w", id, err)
		}
		changed = append(changed, f)
	}
	return changed, nil
}

// readIndexed reads a file's fields. What is wrong with the file itself is no error, but what is found.
func readIndexed(folder durable.Folder, id string, buffer []byte) (found, error) {
	file := &indexed{read: time.Now().UnixNano()}
	content, stamp, err := folder.Read(id+document.Ext, buffer, document.MaxFile)
	if durable.FileFault(err) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO) {
		return found{id, file, err}, nil // a per-file error; anything else fails the refresh
	}
	if err != nil || content == nil {
		return found{id: id}, err
	}
	file.stamp = stamp
	if t, ok := document.Scan(id, content); ok {
		file.ticket = t
		return found{id, file, nil}, nil
	}
	d, err := document.Parse(id, content)
	if err == nil {
		file.ticket = d.Ticket()
	}
	return found{id, file, err}, nil
}
