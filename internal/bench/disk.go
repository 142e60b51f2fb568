//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// benchDisk is where bench writes: boards in a fresh folder of its own. It writes tickets directly,
// while no server has anything to do, and what it changes while there are servers is a lock that
// they wait for, or a ticket as an editor would.
type benchDisk struct{ root string }

func newBenchDisk(parent string) (*benchDisk, error) {
	root, err := os.MkdirTemp(parent, "ticket-mcp-bench-")
	if err != nil {
		return nil, err
	}
	root, err = filepath.Abs(root)
	return &benchDisk{root}, err
}

func (d *benchDisk) remove() error { return os.RemoveAll(d.root) }

// board makes an empty ticket folder.
func (d *benchDisk) board(name string) (dir string, err error) {
	dir = filepath.Join(d.root, name, ".tickets")
	return dir, os.MkdirAll(dir, 0o777)
}

func benchPath(dir, id string) string { return filepath.Join(dir, id+".md") }

// benchBody is 1.5 KB of text. Its last character is what is flipped.
var benchBody = "\n" + strings.Repeat("Some text of the body of this ticket.\n", 40)

// benchTicket is a ticket as this program writes it.
func benchTicket(id string, status document.Status, blocker string, n int) []byte {
	state := string(status)
	if status == document.StatusClosed {
		state += "\nclosed: 2026-01-04T05:36:50Z"
	}
	return fmt.Appendf(nil,
		"---\nschema_version: 1\nid: %s\nstatus: %s\nblocked-by: [%s]\ncreated: 2026-01-04T05:%02d:%02dZ\ntype: feature\npriority: %d\nassignee: Ada Lovelace\n---\n# Ticket %d with a title of usual length\n%s",
		id, state, blocker, n/60%60, n%60, 1+n%4, n, benchBody)
}

// put writes open tickets, or puts them back into that state.
func (d *benchDisk) put(dir string, ids ...string) error {
	for i, id := range ids {
		if err := os.WriteFile(benchPath(dir, id), benchTicket(id, document.StatusOpen, "", i),
			0o666); err != nil {
			return err
		}
	}
	return nil
}

func bigID(n int) string { return fmt.Sprintf("t%06d", n) }

// fill writes n tickets, half of them closed and a quarter blocked, and waits until they are on the
// disk.
func (d *benchDisk) fill(ctx context.Context, dir string, n int) error {
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := n * w / workers; i < n*(w+1)/workers && errs[w] == nil; i++ {
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				status, blocker := document.StatusOpen, ""
				if i%2 == 1 {
					status = document.StatusClosed
				}
				if i%4 == 0 {
					blocker = bigID((i + 2) % n)
				}
				errs[w] = os.WriteFile(benchPath(dir, bigID(i)),
					benchTicket(bigID(i), status, blocker, i), 0o666)
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return unix.Syncfs(int(folder.Fd()))
}

// hold takes the lock of a ticket, as a process that was stopped would.
func (d *benchDisk) hold(dir, id string) (letGo func(), err error) {
	f, err := os.OpenFile(benchPath(dir, id)+".lock", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, unix.Flock(int(f.Fd()), unix.LOCK_EX)
}

// floor makes durable changes by the system calls that one takes and by nothing else: no parsing,
// no checks, the folder open, the buffer at hand. It is what a change by a good C program costs.
type floor struct {
	folder             int
	buffer             []byte
	lock, ticket, temp string
}

func newFloor(dir, id string) (*floor, error) {
	folder, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return &floor{folder, make([]byte, 64<<10), id + ".md.lock", id + ".md",
		"." + id + ".md.tmp"}, err
}

func (f *floor) close() { _ = unix.Close(f.folder) }

// change flips a character of the ticket. syncing is the part of the time that the two syncs took.
func (f *floor) change() (syncing time.Duration, err error) {
	sync := func(fd int) error {
		began := time.Now()
		err := unix.Fsync(fd)
		syncing += time.Since(began)
		return err
	}
	lock, err := unix.Openat(f.folder, f.lock, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		return 0, err
	}
	defer unix.Close(lock)
	if err := unix.Flock(lock, unix.LOCK_EX); err != nil {
		return 0, err
	}
	n, err := f.read()
	if err != nil {
		return 0, err
	}
	flip(f.buffer[:n])
	temp, err := unix.Openat(f.folder, f.temp,
		unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return 0, err
	}
	_, err = unix.Write(temp, f.buffer[:n])
	if err == nil {
		err = sync(temp)
	}
	if closeErr := unix.Close(temp); err == nil {
		err = closeErr
	}
	if err == nil {
		err = unix.Renameat(f.folder, f.temp, f.folder, f.ticket)
	}
	if err == nil {
		err = sync(f.folder)
	}
	if err == nil {
		err = unix.Flock(lock, unix.LOCK_UN)
	}
	return syncing, err
}

func (f *floor) read() (int, error) {
	ticket, err := unix.Openat(f.folder, f.ticket, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	n, err := unix.Read(ticket, f.buffer)
	if closeErr := unix.Close(ticket); err == nil {
		err = closeErr
	}
	return n, err
}

// flip changes the last full stop of a body made here to an exclamation mark and back.
func flip(content []byte) {
	const stops = '.' ^ '!'
	content[len(content)-2] ^= stops
}

// bareScan is the least that a program without a watch must do to know that nothing changed: look
// at every file.
func bareScan(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return err
	}
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			var st unix.Stat_t
			for _, name := range names[len(names)*w/workers : len(names)*(w+1)/workers] {
				if err := unix.Fstatat(int(f.Fd()), name, &st,
					unix.AT_SYMLINK_NOFOLLOW); err != nil {
					errs[w] = err
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// largeBody is 4 KB of text.
var largeBody = "\n" + strings.Repeat("Some text of the body of this ticket.\n", 108)

// fillLarge writes n tickets with large bodies and one that has the needle.
func (d *benchDisk) fillLarge(ctx context.Context, dir string, n int) error {
	write := func(id, body string, i int) error {
		content := append(benchTicket(id, "open", "", i), body...)
		return os.WriteFile(benchPath(dir, id), content, 0o666)
	}
	for i := range n {
		if err := errors.Join(ctx.Err(), write(bigID(i), largeBody, i)); err != nil {
			return err
		}
	}
	return write(bigID(n), "A needle.\n", n)
}

// bareRead is the least that a program must do to know all tickets: open, look at, read and close
// each file.
func bareRead(dir string, readers int) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	errs := make([]error, readers)
	var group sync.WaitGroup
	for r := range readers {
		group.Go(func() {
			buffer := make([]byte, 16<<10)
			for _, name := range names[len(names)*r/readers : len(names)*(r+1)/readers] {
				errs[r] = errors.Join(errs[r], readOne(int(folder.Fd()), name, buffer))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func readOne(folder int, name string, buffer []byte) error {
	fd, err := unix.Openat(folder, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil // folders of the board's own
	}
	_, err = unix.Read(fd, buffer)
	return err
}

// chill makes the system forget what it has of all disks.
func (d *benchDisk) chill() error {
	unix.Sync() // what is not yet written cannot be forgotten
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}
