//go:build etcd

package etcd

import (
	"bytes"
	"crypto/sha256"
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
	file fs.FileInfo // that was read last; nil for none
	read int64       // up to where
	sums map[string]sum
}

// is reports whether content, nil for no file, is what was written last. What stood there before
// that is not: it is about to be replaced, or a writer that was stopped has put it back.
func (w *sumReader) is(id string, content []byte) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.knows(id, content) {
		return true, nil
	}
	if err := w.catchUp(); err != nil {
		return false, err
	}
	return w.knows(id, content), nil
}

func (w *sumReader) knows(id string, content []byte) bool {
	known, there := w.sums[id]
	if content == nil {
		return !there
	}
	return there && known == sha256.Sum256(content)
}

// catchUp reads the lines that were added, or all where there is another file.
func (w *sumReader) catchUp() error {
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
	w.read += int64(whole)
	for line := range bytes.Lines(added[:whole]) {
		id, shown, ok := parseSum(string(line))
		switch {
		case !ok:
		case shown.sum == sum{}:
			delete(w.sums, id)
		default:
			w.sums[id] = shown.sum
		}
	}
	return nil
}

// Wrote reports whether a file of the mirror is as its writer wrote it. Where that cannot be told
// it is not: the writer puts right what is missing.
func (e *engine) Wrote(id string, content []byte) bool {
	is, err := e.written.is(id, content)
	return is && err == nil
}

func newSumReader(dir string) *sumReader { return &sumReader{path: filepath.Join(dir, sumsName)} }
