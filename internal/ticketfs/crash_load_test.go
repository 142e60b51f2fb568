package ticketfs

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

var loadTickets = []string{"t", "u"}

// loadText is a note that describes itself, so that half of one is seen to be half.
func loadText(mark string, n int) string {
	text := mark + " " + strings.Repeat("x", n*37%400)
	return fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE([]byte(text)))
}

// loadChild writes marks into the tickets, each in its own note or as a blocker, and says which
// were answered, until it is killed. Nobody lets it live as long as it could.
func loadChild(t *testing.T, dir, name, door string) {
	s := NewStore(board.Where{Start: dir}, time.Minute)
	for n := range 3000 {
		id := loadTickets[rand.N(len(loadTickets))]
		mark := fmt.Sprintf("%s-%d", name, n)
		var err error
		switch {
		case door == "in place":
			err = noteInPlace(filepath.Join(dir, id+document.Ext), loadText(mark, n))
		case n%5 == 0:
			err = blockOn(s, id, mark)
		default:
			err = noteOn(s, id, loadText(mark, n))
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("answered", id, mark)
	}
}

// noteInPlace is a door that takes no lock and replaces nothing.
func noteInPlace(path, text string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(append(content, "- "+text+"\n"...), 512) {
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

// load is a number of processes that write, die and are replaced.
type load struct {
	path     string
	door     string
	children []*loader
	started  int
	temps    int // that the dead left behind

	mu       sync.Mutex
	answered map[string][]string // marks, by ticket
	count    int
}

// loader is one of the processes.
type loader struct {
	cmd *exec.Cmd
	end chan error // of what it says
}

func (l *load) start(t *testing.T) {
	t.Helper()
	l.started++
	cmd := crashChild(l.path, "load", "CRASH_CHANGE="+l.door,
		fmt.Sprintf("CRASH_NAME=c%d", l.started))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &loader{cmd, make(chan error, 1)}
	go func() { c.end <- l.listen(out) }()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			<-c.end
			_ = cmd.Wait()
		}
	})
	l.children = append(l.children, c)
}

// listen notes what a child was answered, to its end: what it said before its death is still in the
// pipe after it.
func (l *load) listen(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id, mark string
		if _, err := fmt.Sscanf(lines.Text(), "answered %s %s", &id, &mark); err != nil {
			return fmt.Errorf("a child says %q", lines.Text())
		}
		l.mu.Lock()
		l.answered[id] = append(l.answered[id], mark)
		l.count++
		l.mu.Unlock()
	}
	return lines.Err()
}

func (l *load) answers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// goOn waits for some more answers: whatever died before, the others go on.
func (l *load) goOn(more int) error {
	want := l.answers() + more
	for end := time.Now().Add(time.Minute); l.answers() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the others did not go on for 20 s")
		}
	}
	return nil
}

func (l *load) kill(t *testing.T, i int) {
	t.Helper()
	c := l.children[i]
	l.children = slices.Delete(l.children, i, i+1)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-c.end; err != nil {
		t.Error(err)
	}
	if err := c.cmd.Wait(); err == nil {
		t.Error("a child came to its end before it was killed")
	}
}

// judge compares the tickets with what was answered.
func (l *load) judge() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, id := range loadTickets {
		f, err := readTicketFile(filepath.Join(filepath.Dir(l.path), id+document.Ext))
		if err != nil {
			say("%w", err)
			continue
		}
		d, err := document.Parse(id, f.Content)
		if err != nil {
			say("%s: %w", id, err)
			continue
		}
		if !strings.HasPrefix(d.Body(), strings.SplitAfter(string(crashContent(id)), "---\n")[2]) {
			say("%s: the body has lost its beginning", id)
		}
		found := make(map[string]int)
		for _, note := range d.Notes() {
			text := note[:max(0, len(note)-9)]
			if mark, _, _ := strings.Cut(note, " "); note == fmt.Sprintf("%s %08x", text,
				crc32.ChecksumIEEE([]byte(text))) {
				found[mark]++
			} else if note != "The next one." {
				say("%s: a torn note %.60q", id, note)
			}
		}
		for _, b := range d.Ticket().BlockedBy {
			found[b.ID]++
		}
		for _, mark := range l.answered[id] {
			if found[mark] != 1 {
				say("%s: %s was answered and is there %d times", id, mark, found[mark])
			}
		}
	}
	return errors.Join(wrong...)
}

// run kills and restarts children until enough have died, or something is found to be wrong.
func (l *load) run(t *testing.T, deaths int) error {
	t.Helper()
	const most = 3
	for n := range deaths {
		for len(l.children) < most {
			l.start(t)
		}
		if err := l.goOn(rand.N(10)); err != nil {
			return err
		}
		time.Sleep(rand.N(5 * time.Millisecond))
		l.kill(t, rand.N(len(l.children)))
		if n%8 < 7 && n < deaths-1 {
			continue
		}
		// Now and then all of them, so that nobody is left to hold a lock.
		for len(l.children) > 0 {
			l.kill(t, rand.N(len(l.children)))
		}
		if err := errors.Join(l.judge(), l.nextWriters()); err != nil {
			return err
		}
	}
	return nil
}

// nextWriters looks at what all the dead have left, and writes each ticket.
func (l *load) nextWriters() error {
	dir := filepath.Dir(l.path)
	litter, err := litterOf(dir)
	wrong := []error{err}
	for _, name := range litter {
		isTemp := slices.ContainsFunc(loadTickets,
			func(id string) bool { return name == filepath.Base(durable.TempPath(id+document.Ext)) })
		if isTemp {
			l.temps++
		} else if !strings.HasPrefix(name, tkLocks) {
			wrong = append(wrong, fmt.Errorf("left in the folder: %s", name))
		}
	}
	for _, id := range loadTickets {
		wrong = append(wrong, nextWriter(filepath.Join(dir, id+document.Ext)))
	}
	return errors.Join(wrong...)
}

func newLoad(t *testing.T, door string, tk bool) *load {
	path := crashBoard(t, false, tk)
	writeFile(t, filepath.Join(filepath.Dir(path), "u.md"), string(crashContent("u")))
	writeFile(t, filepath.Join(filepath.Dir(path), ".gitignore"), board.Gitignore)
	return &load{path: path, door: door, answered: make(map[string][]string)}
}

// Killed at any moment, under load, processes lose nothing that they were told was done, and do not
// hinder the others.
func TestCrashUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	for round := range times(2, 20) {
		l := newLoad(t, "", round%2 == 1)
		if err := l.run(t, times(16, 40)); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d processes killed, %d changes answered, %d temps left by the dead", l.started,
			l.count, l.temps)
	}
}

// The load finds what is wrong with a writer that does not replace the file whole.
func TestCrashLoadCatches(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	l := newLoad(t, "in place", false)
	err := l.run(t, 200)
	if err == nil {
		t.Fatal("nothing was found to be wrong")
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	t.Logf("after %d processes: %s", l.started, first)
}
