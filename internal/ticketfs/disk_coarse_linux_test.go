package ticketfs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// coarseDisk mounts a new filesystem whose times have no fraction of a second.
func coarseDisk(t *testing.T, mkfs ...string) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	for _, program := range []string{mkfs[0], "mount", "umount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s here", program)
		}
	}
	image := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(image, nil, 0o600), os.Truncate(image, 16<<20))
	runProgram(t, mkfs[0], append(mkfs[1:], image)...)
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-o", "loop", image, dir).CombinedOutput(); err != nil {
		t.Skipf("cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(undone(t, "umount", dir))
	return dir
}

var coarseDisks = [][]string{{"mkfs.ext4", "-q", "-F", "-I", "128"}, {"mkfs.vfat"}}

// evenSecond waits until a moment after the beginning of an even second: what follows at once bears
// one stamp, also on FAT, that is older than a tick.
func evenSecond() {
	now := time.Now()
	time.Sleep(now.Truncate(2 * time.Second).Add(2300 * time.Millisecond).Sub(now))
}

// TestCoarseTimes: where two writes bear the same stamp, the second one is seen nevertheless: by
// readers, and by a change that is under way.
func TestCoarseTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for seconds to end")
	}
	t.Parallel()
	for _, mkfs := range coarseDisks {
		t.Run(mkfs[0], func(t *testing.T) {
			dir := filepath.Join(coarseDisk(t, mkfs...), board.FolderName)
			must(t, os.Mkdir(dir, 0o777))
			path := filepath.Join(dir, "t.md")
			text := func(title string) []byte { return []byte("---\nid: t\nstatus: open\n---\n# " + title + "\n") }
			s, other := storeAt(path), storeAt(path)
			must(t, os.WriteFile(path, text("before"), 0o666),
				noteOn(other, "t", "the locks and the journal are there"))

			evenSecond()
			must(t, os.WriteFile(path, text("one"), 0o666))
			v, err := s.snapshot()
			must(t, err)
			if got, err := v.Get("t"); err != nil || got.Title != "one" {
				t.Fatalf("title %q (%v)", got.Title, err)
			}
			must(t, os.WriteFile(path, text("two"), 0o666))
			v, err = s.snapshot()
			must(t, err)
			if got, err := v.Get("t"); err != nil || got.Title != "two" {
				t.Errorf("a reader sees title %q (%v) after a second write", got.Title, err)
			}

			evenSecond()
			must(t, os.WriteFile(path, text("one"), 0o666))
			undo := atStep(t, "temp synced",
				func() { must(t, os.WriteFile(path, text("two"), 0o666)) })
			err = noteOn(s, "t", "lost?")
			undo()
			if CodeOf(err) != Busy || !strings.Contains(textOf(t, path), "# two") {
				t.Errorf("an editor wrote meanwhile: %v, and the file is %q", err, textOf(t, path))
			}
			must(t, noteOn(s, "t", "kept"))
			if !errors.Is(os.Remove(filepath.Join(dir, ".t.md.tmp")), os.ErrNotExist) {
				t.Error("a temp was left")
			}
		})
	}
}
