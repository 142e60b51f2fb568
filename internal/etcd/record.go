//go:build etcd

package etcd

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Files of a mirror beside the tickets.
const (
	recordName = ".revision"
	sumsName   = ".sums"
	writerLock = ".writer.lock"
	mineExt    = ".mine"
)

// record says what a mirror shows. It is written behind the tickets, whole by rename, so a reader
// never sees one that promises more than is there.
type record struct {
	Board   string `json:"board"`
	Cluster uint64 `json:"cluster"`
	Boot    string `json:"boot,omitempty"` // of the system that wrote it
	// Revision is that of the last change that every ticket shows.
	Revision int64 `json:"revision"`
	// Rows is the revision up to which the rows of the board were taken over.
	Rows int64 `json:"rows"`
	// Tip is the revision of the last transaction that was seen. It never goes back, but by a
	// restore.
	Tip   int64 `json:"tip"`
	Epoch int   `json:"epoch"` // of the board
	Loads int   `json:"loads"` // how often the whole board was loaded
	// Restored says that an older state of the board was restored in this epoch, so that nothing
	// may be changed until there is another.
	Restored bool `json:"restored,omitempty"`
	// Kept are the names under which files of the mirror were kept that somebody had changed.
	Kept []string `json:"kept,omitempty"`
}

// maxRecord bounds what is read of a record: a file like any other of the mirror, which somebody
// may have changed.
const maxRecord = 64 << 10

// readRecord returns the zero record where there is none, or none that can be read.
func readRecord(dir string) (record, error) {
	file, err := durable.ReadFile(filepath.Join(dir, recordName), maxRecord)
	if err != nil && !durable.FileFault(err) {
		return record{}, fmt.Errorf("read the mirror's revision: %w", err)
	}
	var r record
	if json.Unmarshal(file.Content, &r) != nil || r.Revision < 0 || r.Rows < 0 || r.Tip < 0 {
		return record{}, nil
	}
	return r, nil
}

func (r record) write(dir string) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = replaceFile(filepath.Join(dir, recordName), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the mirror's revision: %w", err)
	}
	return nil
}

// sum is the SHA-256 of a ticket's bytes.
type sum [sha256.Size]byte

// shown is what the mirror's writer knows of a file that it wrote.
type shown struct {
	sum, former sum   // of the content, and of what it replaces
	revision    int64 // of the ticket
	stamp       durable.Stamp
	looked      int64 // when it had that stamp, in Unix nanoseconds
}

// is reports whether a content is the mirror's own: a writer that is killed between a line of the
// sums and the rename leaves the former one.
func (s shown) is(content []byte) bool {
	is := sha256.Sum256(content)
	return is == s.sum || is == s.former && s.former != sum{}
}

// sums are the files of a mirror as they were written. On the disk there is a line for each, ahead
// of its rename: the revision, the sum and the id. The last line of an id counts.
type sums struct {
	dir   string
	files map[string]shown
	lines int      // on the disk
	end   *os.File // to write behind them; nil until it is needed
}

// maxSums bounds what is read of the sums.
const maxSums = 256 << 20

func readSums(dir string) (*sums, error) {
	s := &sums{dir: dir, files: make(map[string]shown)}
	f, info, err := durable.Open(filepath.Join(dir, sumsName))
	if errors.Is(err, fs.ErrNotExist) || durable.FileFault(err) || err == nil &&
		info.Size() > maxSums {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the mirror's sums: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		s.lines++
		id, line, ok := parseSum(lines.Text())
		switch {
		case !ok:
		case line.sum == sum{}:
			delete(s.files, id)
		default:
			line.former = s.files[id].sum
			s.files[id] = line
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("read the mirror's sums: %w", err)
	}
	return s, nil
}

// parseSum reads a line. One that was torn is none. A sum of zeros says that the file is no more.
func parseSum(line string) (id string, s shown, ok bool) {
	words := strings.Fields(line)
	if len(words) != 3 || !document.ValidID(words[2]) {
		return "", s, false
	}
	revision, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return "", s, false
	}
	digest, err := hex.DecodeString(words[1])
	if err != nil || len(digest) != len(s.sum) {
		return "", s, false
	}
	s.revision = revision
	copy(s.sum[:], digest)
	return words[2], s, true
}

func sumLine(id string, s shown) string {
	return fmt.Sprintf("%d %x %s\n", s.revision, s.sum, id)
}

// add notes what is about to be written.
func (s *sums) add(id string, content []byte, revision int64) error {
	now := shown{sum: sha256.Sum256(content), former: s.files[id].sum, revision: revision}
	if err := s.append(id, now); err != nil {
		return fmt.Errorf("write the mirror's sums: %w", err)
	}
	s.files[id] = now
	const worth = 1000
	if s.lines > worth+4*len(s.files) {
		return s.rewrite()
	}
	return nil
}

// remove notes that a file is about to be removed.
func (s *sums) remove(id string) error {
	if _, known := s.files[id]; !known {
		return nil
	}
	delete(s.files, id)
	if err := s.append(id, shown{}); err != nil {
		return fmt.Errorf("write the mirror's sums: %w", err)
	}
	return nil
}

// append writes a line, with a newline before it, so that it is whole also behind one that was torn.
func (s *sums) append(id string, now shown) (err error) {
	if s.end == nil {
		if s.end, err = openEnd(filepath.Join(s.dir, sumsName)); err != nil {
			return err
		}
	}
	s.lines += 2
	_, err = s.end.WriteString("\n" + sumLine(id, now))
	return err
}

// keep writes the file again if somebody has removed or replaced it: what stands in it is what the
// other processes of the machine go by.
func (s *sums) keep() error {
	if s.end == nil {
		return nil // it is opened by its name at the next line
	}
	ours, err := s.end.Stat()
	if err != nil {
		return fmt.Errorf("look at the mirror's sums: %w", err)
	}
	if now, err := durable.Lstat(filepath.Join(s.dir, sumsName)); err == nil && os.SameFile(ours, now) {
		return nil
	}
	return s.rewrite()
}

// close closes the file.
func (s *sums) close() error {
	if s.end == nil {
		return nil
	}
	err := s.end.Close()
	s.end = nil
	return err
}

// rewrite leaves one line for each file that there is, two for one that may still be its former.
func (s *sums) rewrite() error {
	var text bytes.Buffer
	s.lines = 0
	for id, now := range s.files {
		if now.former != (sum{}) {
			text.WriteString(sumLine(id, shown{sum: now.former, revision: now.revision}))
			s.lines++
		}
		text.WriteString(sumLine(id, now))
		s.lines++
	}
	err := errors.Join(s.close(), replaceFile(filepath.Join(s.dir, sumsName), text.Bytes(), 0o644))
	if err != nil {
		return fmt.Errorf("write the mirror's sums: %w", err)
	}
	return nil
}
