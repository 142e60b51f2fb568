package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// mark is what a slot says of the process that holds or held it. With it anybody can tell whether a
// free lock proves an end.
type mark struct {
	PID   int    `json:"pid"`
	PIDNS uint64 `json:"pid_ns,omitempty"` // the inode of the pid namespace that PID is of
	// start time of the process, in the system's own ticks
	Start   uint64 `json:"start,omitempty"`
	Boot    string `json:"boot,omitempty"` // the run of the kernel
	Host    string `json:"host,omitempty"`
	Machine string `json:"machine,omitempty"` // machine-id
	// of the slot's file, so that a copy of it proves nothing
	Dev    uint64    `json:"dev"`
	Ino    uint64    `json:"ino"`
	Client string    `json:"client,omitempty"`
	Agent  string    `json:"agent,omitempty"`  // the conversation's own name in claims
	Former []string  `json:"former,omitempty"` // and those that it had by this slot before
	Since  time.Time `json:"since"`
}

// maxMark is how much of a slot is read, in bytes.
const maxMark = 4 << 10

// sign writes this process's mark into a slot that it holds, and makes it durable: after a power
// loss it is what tells that the holder is dead rather than unknown.
func (all *slots) sign(s *slot, call Call) (err error) {
	m := self()
	m.Client, m.Agent, m.Since = call.Client, call.Agent, all.process.Now().UTC()
	if m.Dev, m.Ino, err = identity(s.lock.Seen().Info, nil); err != nil {
		return fmt.Errorf("write session file: %w", err)
	}
	m.Former = s.signed.names(call.Agent)
	if s.signed.PID == 0 {
		m.Former = formerMark(s.path).names(call.Agent)
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|durable.NoFollow, 0)
	if err != nil {
		return fmt.Errorf("write session file: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	if dev, ino, err := identity(f.Stat()); err != nil || dev != m.Dev || ino != m.Ino {
		return fmt.Errorf("write session file: it was replaced meanwhile (%w)", err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := overwrite(f, append(text, '\n')); err != nil {
		return fmt.Errorf("write session file: %w", err)
	}
	if s.signed.PID == 0 { // else only names change, which prove nothing
		if err := durable.SyncFile(f); err != nil {
			return fmt.Errorf("write session file: %w", err)
		}
		if err := durable.SyncPath(filepath.Dir(s.path)); err != nil {
			return fmt.Errorf("write session file: %w", err)
		}
	}
	s.signed = m
	return nil
}

// names are those by which the conversation was called, less the one that it has now.
func (m mark) names(now string) []string {
	const most = 4
	var names []string
	for _, name := range append([]string{m.Agent}, m.Former...) {
		if name != "" && name != now && name == AgentName(name) && !slices.Contains(names, name) &&
			len(names) < most {
			names = append(names, name)
		}
	}
	return names
}

// formerMark is the mark that stands in a slot, the zero one if there is none.
func formerMark(path string) mark {
	line, _, err := readLine(path)
	if err != nil {
		return mark{}
	}
	m, err := parseMark(line)
	if err != nil {
		return mark{}
	}
	return m
}

// overwrite puts a line at the beginning of a file and cuts off what is left of a longer one. The
// file is never empty on the way: a process that is killed here, or has no room, leaves the old
// mark or the new one, and both prove its end.
func overwrite(f *os.File, line []byte) error {
	if _, err := f.WriteAt(line, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(line)))
}

// readLine reads the first line of a small regular file, and says which file it was. It follows no
// link and does not wait.
func readLine(path string) (line []byte, info os.FileInfo, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|durable.NoFollow, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxMark {
		return nil, info, fmt.Errorf("%s is no session file", filepath.Base(path))
	}
	text := make([]byte, info.Size())
	n, err := io.ReadFull(f, text)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF { // it may just be cut off
		return nil, info, err
	}
	// What stands behind the first line is the end of a longer mark, whose successor was killed
	// before it could cut it off.
	line, _, found := bytes.Cut(text[:n], []byte("\n"))
	if !found {
		return nil, info, fmt.Errorf("%s holds no whole line", filepath.Base(path))
	}
	return line, info, nil
}

func parseMark(line []byte) (mark, error) {
	var m mark
	if err := json.Unmarshal(line, &m); err != nil {
		return mark{}, err
	}
	return m, nil
}
