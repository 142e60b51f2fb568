package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// Refusal is a call that was refused. It changed nothing, so it is no row; a report counts it.
type Refusal struct {
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Tool   string    `json:"tool"`
	Ticket string    `json:"ticket,omitempty"`
	Code   string    `json:"code"`
}

const (
	refusals    = ".refusals" + fileExt // no ticket's id begins with a dot
	maxRefusals = 8 << 20               // bytes, behind which no more are counted
)

// Refused notes a refusal, where there is a journal already: a refused call makes nothing. Any
// process may do so at any time, since a line is one write behind the end of the file.
func (j Journal) Refused(r Refusal) error {
	if err := durable.CheckFolder(j.dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("note a refusal: %w", err)
	}
	path := filepath.Join(j.dir, refusals)
	if info, err := durable.Lstat(path); err == nil && info.Size() > maxRefusals {
		return nil
	}
	r.Time, r.Ticket = r.Time.UTC(), shorten(r.Ticket, maxValue)
	line, err := json.Marshal(r)
	if err == nil {
		err = durable.Append(path, fmt.Appendf(nil, "\n%s\n", line))
	}
	if err != nil {
		return fmt.Errorf("note a refusal: %w", err)
	}
	return nil
}

// Refusals tells what was refused since a moment, in the order in which it was noted.
func (j Journal) Refusals(since time.Time, yield func(Refusal)) error {
	if err := durable.CheckFolder(j.dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("read refusals: %w", err)
	}
	f, _, err := durable.Open(filepath.Join(j.dir, refusals))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read refusals: %w", err)
	}
	defer f.Close()
	b := bufio.NewReader(f)
	var line []byte
	for {
		line, _, err = readLine(b, line[:0])
		var r Refusal
		if len(line) > 1 && json.Unmarshal(line, &r) == nil && r.Code != "" &&
			!r.Time.Before(since) {
			yield(r)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read refusals: %w", err)
		}
	}
}
