package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// File is the journal of one ticket.
type File struct {
	Ticket   string
	Size     int64
	Modified time.Time
}

// Files lists the journals, one for each ticket that ever changed here. No folder is none.
func (j Journal) Files() ([]File, error) {
	var entries []os.DirEntry
	err := durable.CheckFolder(j.dir)
	if err == nil {
		entries, err = os.ReadDir(j.dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	var files []File
	for _, e := range entries {
		ticket, found := strings.CutSuffix(e.Name(), fileExt)
		if !found || ticket == "" || ticket[0] == '.' || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it was removed meanwhile
		}
		files = append(files, File{ticket, info.Size(), info.ModTime()})
	}
	return files, nil
}

// Ticket tells a ticket's rows, oldest first, until yield returns false: with an outside row
// wherever a row did not find what the one before it left, and a last one where the file is not
// what the last row left. A ticket that never changed here has none. The former texts come along
// only if they are asked for: they can be large.
func (j Journal) Ticket(ticket string, former bool, yield func(Row) bool) error {
	f, err := j.openRead(ticket)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	return j.rowsOf(f, ticket, 0, former, "", yield)
}

// Last returns the last n rows of a ticket, oldest first, by reading no more than it must.
func (j Journal) Last(ticket string, n int) ([]Row, error) { return j.LastUntil(ticket, n, nil) }

// LastUntil is Last for a caller that has just read the ticket's content, or written it: what
// happens to the file after that is not looked for. nil: what is there now.
func (j Journal) LastUntil(ticket string, n int, content []byte) ([]Row, error) {
	f, err := j.openRead(ticket)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	from, err := lastRows(f, ticket, n+1) // one more, to see what was between it and the next
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	for {
		var rows []Row
		err = j.rowsOf(f, ticket, from, false, HashOf(content), func(r Row) bool {
			rows = append(rows, r)
			return true
		})
		enough := len(rows) >= n && !hasGap(rows)
		if err != nil || enough || from == 0 || from > maxLook {
			return rows[max(0, len(rows)-n):], err
		}
		from = 0 // some of them were torn, or repeat one that stands farther ahead
	}
}

// hasGap reports whether there is an outside row between others.
func hasGap(rows []Row) bool {
	return len(rows) > 0 && slices.ContainsFunc(rows[:len(rows)-1], Row.IsOutside)
}

// maxLook is how far from its end the last rows of a journal are looked for.
const maxLook = 2 * maxRow

// lastRows finds where the n last rows of a file begin; 0 if there are no more.
func lastRows(f *os.File, ticket string, n int) (from int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	for window := int64(4 << 10); ; window *= 8 {
		from := max(0, info.Size()-window)
		text := make([]byte, info.Size()-from)
		if _, err := f.ReadAt(text, from); err != nil && err != io.EOF {
			return 0, err
		}
		end, found := len(text), 0
		for end > 0 && found < n {
			begin := bytes.LastIndexByte(text[:end-1], '\n') + 1
			if bytes.HasPrefix(text[begin:end], []byte("{")) && text[end-1] == '\n' {
				found++
			}
			end = begin
		}
		if found == n || from == 0 || window >= maxLook {
			return from + int64(end), nil
		}
	}
}

// rowsOf tells the rows of a ticket's open journal that begin at an offset or behind it. Where the
// last one left the content that is known of the ticket, the file is not read.
func (j Journal) rowsOf(f *os.File, ticket string, from int64, former bool, known Hash,
	yield func(Row) bool) (err error) {
	var c chain
	more := func(r Row) bool {
		if !former {
			r.Former = nil
		}
		return c.add(r, yield)
	}
	if from, err = rowsFrom(f, from, ticket, more); err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	for c.begun && !c.stopped && (known == "" || c.last.After != known) {
		tail, err := j.tail(ticket, c.last)
		if err != nil || tail == nil {
			return err
		}
		// The ticket's lock was free, so whoever made the file what it is has appended its row by
		// now, if ever it will. The file was changed outside only if no row has come.
		end, err := rowsFrom(f, from, ticket, more)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		if end == from {
			yield(*tail)
			return nil
		}
		from = end
	}
	return nil
}

// tail is the outside row behind the last one, nil where the ticket is as that one left it, or
// where it cannot be told because a change is under way.
func (j Journal) tail(ticket string, last Row) (*Row, error) {
	now, err := j.current(ticket)
	if err != nil || now.hash == last.After {
		return nil, err
	}
	held, err := flocker.Held(filepath.Join(filepath.Dir(j.dir), ticket+".md.lock"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("probe ticket lock: %w", err)
	}
	if held {
		return nil, nil
	}
	row := last.outside(now.hash, "", now.modified)
	return &row, nil
}

// current is a ticket's file as it is now.
type current struct {
	hash     Hash
	modified time.Time
}

func (j Journal) current(ticket string) (current, error) {
	file, err := durable.ReadFile(filepath.Join(filepath.Dir(j.dir), ticket+".md"), maxRow)
	if durable.FileFault(err) { // whatever it is, no row left it
		return current{}, nil
	}
	if err != nil || file.Content == nil {
		return current{}, err
	}
	return current{HashOf(file.Content), file.Info.ModTime()}, nil
}

func (j Journal) openRead(ticket string) (*os.File, error) {
	if err := durable.CheckFolder(j.dir); err != nil {
		return nil, err
	}
	f, _, err := durable.Open(j.path(ticket))
	return f, err
}

// rowsFrom reads the whole rows of a ticket from an offset to the end of the file, skips all else,
// and returns the offset behind the last line that is complete.
func rowsFrom(f io.ReaderAt, from int64, ticket string, yield func(Row) bool) (int64, error) {
	const end = 1<<63 - 1
	b := bufio.NewReaderSize(io.NewSectionReader(f, from, end-from), 8<<10)
	var line []byte
	for {
		var n int
		var err error
		line, n, err = readLine(b, line[:0])
		if err == io.EOF {
			return from, nil // a line without an end is torn, or being written
		}
		if err != nil {
			return from, err
		}
		from += int64(n)
		if row, ok := decode(ticket, line); ok && !yield(row) {
			return from, nil
		}
	}
}

// readLine reads a line of n bytes into buffer, nothing of one that is too long to be a row.
func readLine(b *bufio.Reader, buffer []byte) (line []byte, n int, err error) {
	for {
		part, err := b.ReadSlice('\n')
		if n += len(part); n <= maxRow {
			buffer = append(buffer, part...)
		} else {
			buffer = buffer[:0]
		}
		if err != bufio.ErrBufferFull {
			return buffer, n, err
		}
	}
}

// chain derives the outside rows of one ticket, and leaves out rows that were appended twice.
type chain struct {
	last    Row
	begun   bool
	stopped bool
	recent  []uint64 // the names of the rows told last, a ring
	oldest  int      // the place in it that is used next
}

// looksBack is behind how many others the repetition of a row is known. Who repeats one was held up
// for some seconds.
const looksBack = 1000

var seed = maphash.MakeSeed()

// repeats reports whether the row was told before, and notes it.
func (c *chain) repeats(r Row) bool {
	name := maphash.Comparable(seed, [3]string{r.Call, string(r.Before), string(r.After)})
	if slices.Contains(c.recent, name) {
		return true
	}
	if len(c.recent) < looksBack {
		c.recent = append(c.recent, name)
		return false
	}
	c.recent[c.oldest] = name
	c.oldest = (c.oldest + 1) % looksBack
	return false
}

// add yields r, after the outside row that must have been between it and the one before. The times
// of a ticket's rows never go back, whatever the clock did: their order is that of the changes, and
// whoever merges rows by time must keep it.
func (c *chain) add(r Row, yield func(Row) bool) bool {
	if c.repeats(r) {
		return true
	}
	if c.begun && c.last.After != r.Before {
		gap := c.last.outside(r.Before, r.From, r.Time.Add(-1))
		c.stopped = !yield(gap)
		c.last = gap
	}
	if c.begun && !r.Time.After(c.last.Time) {
		r.Time = c.last.Time.Add(1)
	}
	c.stopped = c.stopped || !yield(r)
	c.last, c.begun = r, true
	return !c.stopped
}

// outside is the row of a change that was noticed at t and left a ticket with a hash and a status.
func (r Row) outside(hash Hash, status string, t time.Time) Row {
	if !t.After(r.Time) {
		t = r.Time.Add(1)
	}
	return Row{
		Time: t.UTC(), Ticket: r.Ticket, Cause: Cause{Tool: Outside},
		From: r.To, To: status, Before: r.After, After: hash,
	}
}
