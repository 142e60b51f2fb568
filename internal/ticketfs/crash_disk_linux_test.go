package ticketfs

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
)

// loggedDisk is a disk that remembers, in their order, all writes and flushes that reached it, and
// marks that a program set between them: what the kernel's dm-log-writes does, without
// device-mapper. From the log comes what a disk may hold after a power loss at any moment.
//
// The kernel sees it as a file of a FUSE filesystem that this process serves, with a loop device on
// that. So this process must not use what is mounted from it: if it were killed amid a call there,
// the call would wait for an answer that nobody gives, for ever. Other processes do that; theirs
// fail when this one ends.
type loggedDisk struct {
	mu     sync.Mutex
	now    []byte // what a read finds
	events []diskEvent
}

type diskEvent struct {
	kind diskKind
	at   int64  // of a write
	data []byte // of a write or a mark
}

type diskKind int

const (
	diskWrite diskKind = iota
	diskFlush
	diskMark
)

// diskBlock is what the disk writes whole; the filesystems of these tests have blocks of the same
// size.
const diskBlock = 4096

const diskSize = 24 << 20

func (d *loggedDisk) add(kind diskKind, at int64, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	data = bytes.Clone(data) // whose buffer is used again
	d.events = append(d.events, diskEvent{kind, at, data})
	if kind == diskWrite {
		copy(d.now[at:], data)
	}
}

// log is what happened so far.
func (d *loggedDisk) log() []diskEvent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[:len(d.events):len(d.events)]
}

// diskFile is the disk as a file, or the one into which marks are written.
type diskFile struct {
	fusefs.Inode
	disk  *loggedDisk
	marks bool
}

// Open keeps both out of the page cache, where nobody would see when something is written.
func (f *diskFile) Open(context.Context, uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (f *diskFile) Getattr(_ context.Context, _ fusefs.FileHandle,
	out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o600, diskSize
	return 0
}

func (f *diskFile) Read(_ context.Context, _ fusefs.FileHandle, dest []byte,
	off int64) (fuse.ReadResult, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return fuse.ReadResultData(dest[:copy(dest, f.disk.now[min(off, diskSize):])]), 0
}

func (f *diskFile) Write(_ context.Context, _ fusefs.FileHandle, data []byte,
	off int64) (uint32, syscall.Errno) {
	switch {
	case f.marks:
		f.disk.add(diskMark, 0, data)
	case off+int64(len(data)) > diskSize:
		return 0, syscall.ENOSPC
	default:
		f.disk.add(diskWrite, off, data)
	}
	return uint32(len(data)), 0
}

func (f *diskFile) Fsync(context.Context, fusefs.FileHandle, uint32) syscall.Errno {
	f.disk.add(diskFlush, 0, nil)
	return 0
}

// newLoggedDisk serves a disk until the test ends: as a file, and with a file for marks.
func newLoggedDisk(t *testing.T) (disk *loggedDisk, file, marks string) {
	t.Helper()
	disk = &loggedDisk{now: make([]byte, diskSize)}
	root, dir := &fusefs.Inode{}, t.TempDir()
	options := &fusefs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true,
		FsName: "logged-disk"}}
	options.OnAdd = func(ctx context.Context) {
		attr := fusefs.StableAttr{Mode: syscall.S_IFREG}
		root.AddChild("disk", root.NewPersistentInode(ctx, &diskFile{disk: disk}, attr), false)
		root.AddChild("marks", root.NewPersistentInode(ctx, &diskFile{disk: disk, marks: true},
			attr), false)
	}
	server, err := fusefs.Mount(dir, root, options)
	must(t, err)
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return disk, filepath.Join(dir, "disk"), filepath.Join(dir, "marks")
}

// afterPowerLoss is what the disk may hold when the power fails behind these events: all that was
// written before the last flush, and of each block written later either that or not, since a disk
// writes what was not flushed in any order. kept is the share of these blocks that it wrote.
func afterPowerLoss(events []diskEvent, kept float64, random *rand.Rand) []byte {
	flushed := len(events)
	for flushed > 0 && events[flushed-1].kind != diskFlush {
		flushed--
	}
	image := make([]byte, diskSize)
	for i, e := range events {
		if e.kind != diskWrite {
			continue
		}
		for at := e.at; at < e.at+int64(len(e.data)); {
			end := min(at-at%diskBlock+diskBlock, e.at+int64(len(e.data)))
			if i < flushed || random.Float64() < kept {
				copy(image[at:end], e.data[at-e.at:end-e.at])
			}
			at = end
		}
	}
	return image
}

// writeSparse makes a file of an image, without its empty blocks.
func writeSparse(t *testing.T, path string, image []byte) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	empty := make([]byte, diskBlock)
	for at := 0; at < len(image); at += diskBlock {
		if block := image[at : at+diskBlock]; !bytes.Equal(block, empty) {
			_, err := f.WriteAt(block, int64(at))
			must(t, err)
		}
	}
	must(t, f.Truncate(int64(len(image))), f.Close())
}

// needDisks skips, unless this process may make disks and filesystems.
func needDisks(t *testing.T) {
	t.Helper()
	if !longtest.Wanted() {
		t.Skip("only in the long run, with TICKET_MCP_LONG set")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("there is no FUSE here:", err)
	}
	for _, program := range []string{"losetup", "mkfs.ext4", "e2fsck", "mount", "umount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("a program is missing here:", err)
		}
	}
}

// runProgram returns what a program prints.
func runProgram(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// undone lets a program undo what a test has made: at its end, or before that.
func undone(t *testing.T, name string, args ...string) (now func()) {
	t.Helper()
	now = sync.OnceFunc(func() {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Errorf("%s %q: %v: %s", name, args, err, out)
		}
	})
	t.Cleanup(now)
	return now
}

// attach makes a loop device of a file.
func attach(t *testing.T, file string, options ...string) (device string, detach func()) {
	t.Helper()
	device = runProgram(t, "losetup", append(options, "--find", "--show", file)...)
	return device, undone(t, "losetup", "--detach", device)
}

// makeExt4 makes a filesystem; lazily, the kernel would write much of it later, among what is to be
// seen.
func makeExt4(t *testing.T, device string, journal bool) {
	t.Helper()
	features := "^has_journal"
	if journal {
		features = "has_journal"
	}
	options := "nodiscard,lazy_itable_init=0,lazy_journal_init=0"
	runProgram(t, "mkfs.ext4", "-q", "-b", strconv.Itoa(diskBlock), "-O", features, "-E", options,
		device)
}

func mountExt4(t *testing.T, device string) (dir string, unmount func()) {
	t.Helper()
	dir = t.TempDir()
	runProgram(t, "mount", "-t", "ext4", device, dir)
	return dir, undone(t, "umount", dir)
}

// newLoggedExt4 mounts a new filesystem on a new disk.
func newLoggedExt4(t *testing.T,
	journal bool) (disk *loggedDisk, dir, marks string, unmount func()) {
	t.Helper()
	disk, file, marks := newLoggedDisk(t)
	device, detach := attach(t, file, "--direct-io=on")
	makeExt4(t, device, journal)
	dir, umount := mountExt4(t, device)
	return disk, dir, marks, func() { umount(); detach() }
}

// mountAfterLoss mounts an image as a machine does that starts again: the kernel replays the
// journal; without one e2fsck comes first, and says what it repaired.
func mountAfterLoss(t *testing.T, image []byte,
	journal bool) (dir, repaired string, unmount func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image")
	writeSparse(t, file, image)
	device, detach := attach(t, file)
	if !journal {
		out, err := exec.Command("e2fsck", "-fy", device).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1 is: all errors are corrected
			t.Fatalf("e2fsck: %v: %s", err, out)
		}
		repaired = string(out)
	}
	dir, umount := mountExt4(t, device)
	return dir, repaired, func() {
		t.Helper()
		umount()
		detach()
		must(t, os.Remove(file))
	}
}
