//go:build etcd

package etcd

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// sumReader is what the sums of a mirror tell any process of the machine: what the writer,
// whichever process that is, made the file of each ticket. A line stands ahead of its rename, so
// whoever sees a file as it was written finds its line.
type sumReader struct {
	path string

	mu   sync.Mutex
	file fs.FileInfo    // that was read last; nil for none
	seen int64          // its length then
	read int64          // up to where: behind that is half a line
	sums map[string]sum // zero for a file that is no more
}

// is reports whether content, nil for no file, is what was written last. What stood there before
// that is not: it is about to be replaced, or a writer that was stopped has put it back.
func (w *sumReader) is(id string, content []byte) (bool, error) {
	var now sum // zero for no file, as the sum of an id that is not known
	if content != nil {
		now = sha256.Sum256(content)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// Also where the sum is the one that is known: a stopped writer may have put that back.
	if err := w.catchUp(); err != nil {
		return false, err
	}
	return w.sums[id] == now, nil
}

// catchUp reads the lines that were added, or all where there is another file.
func (w *sumReader) catchUp() error {
	now, err := durable.Lstat(w.path)
	if errors.Is(err, fs.ErrNotExist) { // no file was written yet
		w.file, w.sums = nil, nil
		return nil
	}
	if err != nil || w.file != nil && os.SameFile(w.file, now) && now.Size() == w.seen {
		return err
	}
	f, info, err := durable.Open(w.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if w.file == nil || !os.SameFile(w.file, info) || info.Size() < w.read {
		w.file, w.read, w.sums = info, 0, make(map[string]sum)
	}
	added, err := io.ReadAll(io.NewSectionReader(f, w.read, maxSums))
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(added, '\n') + 1 // the last line may be half there
	w.seen = w.read + int64(len(added))
	w.read += int64(whole)
	for line := range bytes.Lines(added[:whole]) {
		if id, shown, ok := parseSum(string(line)); ok {
			w.sums[id] = shown.sum
		}
	}
	return nil
}

// Wrote reports whether a file of the mirror is as its writer wrote it. Where that cannot be told
// it is not: the writer puts right what is missing.
func (e *engine) Wrote(id string, content []byte) bool {
	is, err := e.written.is(id, content)
	return err == nil && is
}

func newSumReader(dir string) *sumReader { return &sumReader{path: filepath.Join(dir, sumsName)} }
