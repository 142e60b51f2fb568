package durable

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// board is a folder with a ticket file, read.
func board(t *testing.T, text string) (path string, r *Replacement) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "t.md")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, reading(t, path)
}

func reading(t *testing.T, path string) *Replacement {
	t.Helper()
	old, err := ReadFile(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return &Replacement{Path: path, Old: old}
}

// replace does what a change does.
func (r *Replacement) replace(text string) error {
	defer r.Discard()
	if err := r.Write([]byte(text)); err != nil {
		return err
	}
	if err := r.Rename(); err != nil {
		return err
	}
	return r.Sync()
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSyncs: the whole new content is synced before the rename, the folder behind it.
func TestSyncs(t *testing.T) {
	path, r := board(t, "old")
	var seen []string
	file, folder, step := SyncFile, SyncFolder, Step
	defer func() { SyncFile, SyncFolder, Step = file, folder, step }()
	SyncFile = func(f Syncable) error {
		seen = append(seen, "sync "+filepath.Base(f.Name())+" "+textOf(t, f.Name()))
		return file(f)
	}
	SyncFolder = func(f Syncable) error { seen = append(seen, "sync folder"); return folder(f) }
	Step = func(name string) {
		if name == "renamed" {
			seen = append(seen, name)
		}
	}
	if err := r.replace("new"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sync .t.md.tmp new", "renamed", "sync folder"}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
	if textOf(t, path) != "new" {
		t.Error("the file is not the new one")
	}
}

// TestSyncFails: what could not be synced is not renamed, and no temp file stays.
func TestSyncFails(t *testing.T) {
	path, r := board(t, "old")
	file := SyncFile
	defer func() { SyncFile = file }()
	burning := errors.New("disk on fire")
	SyncFile = func(Syncable) error { return burning }
	if err := r.Write([]byte("new")); !errors.Is(err, burning) {
		t.Errorf("write: %v", err)
	}
	r.Discard()
	if _, err := os.Lstat(TempPath(path)); !errors.Is(err, os.ErrNotExist) ||
		textOf(t, path) != "old" {
		t.Errorf("temp: %v, file: %q", err, textOf(t, path))
	}
}

// TestSettled: a stamp proves something beyond the granularity of its filesystem, which is two
// seconds where it shows no fraction.
func TestSettled(t *testing.T) {
	const second, ms = int64(time.Second), int64(time.Millisecond)
	for _, test := range []struct {
		name                 string
		mtime, ctime, looked int64
		settled              bool
	}{
		{name: "just written", mtime: 10*second + 1, ctime: 10*second + 1, looked: 10*second + 2},
		{name: "within a tick", mtime: 10*second + 1, ctime: 10*second + 1,
			looked: 10*second + 20*ms},
		{name: "beyond a tick", mtime: 10*second + 1, ctime: 10*second + 1,
			looked: 10*second + 21*ms, settled: true},
		{name: "by an inode changed later", mtime: second + 1, ctime: 10*second + 1,
			looked: 10*second + 15*ms},
		{name: "whole seconds, the same second", mtime: 10 * second, ctime: 10 * second,
			looked: 10*second + 900*ms},
		{name: "whole seconds, the next second", mtime: 10 * second, ctime: 10 * second,
			looked: 11*second + 900*ms},
		{name: "whole seconds, as FAT ends them", mtime: 10 * second, ctime: 10 * second,
			looked: 12 * second},
		{name: "whole seconds, the clock of stamps a tick behind", mtime: 10 * second,
			ctime: 10 * second, looked: 12*second + 5*ms},
		{name: "whole seconds, long ago", mtime: 10 * second, ctime: 10 * second,
			looked: 12*second + 21*ms, settled: true},
		{name: "a time that was set has no fraction, the inode's has", mtime: 10 * second,
			ctime: 11*second + 1, looked: 11*second + 30*ms, settled: true},
		{name: "in the future", mtime: 99 * second, ctime: 99 * second, looked: 10 * second},
	} {
		if got := (Stamp{Mtime: test.mtime,
			Ctime: test.ctime}).Settled(test.looked); got != test.settled {
			t.Errorf("%s: settled is %v", test.name, got)
		}
	}
}

// TestUnchangedComparesBytes: a file that was young when it was read is compared byte by byte, an
// older one by its stamp alone.
func TestUnchangedComparesBytes(t *testing.T) {
	clock := now
	defer func() { now = clock }()
	path, _ := board(t, "as it is")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	written := stampOf(info)
	for _, test := range []struct {
		after    time.Duration // of the look, from the write
		read     string        // what the reader saw
		compared bool
	}{
		{time.Millisecond, "as it was", true},
		{time.Millisecond, "as it is", true},
		{tick, "as it was", true},
		{time.Hour, "as it was", false},
	} {
		now = func() time.Time { return time.Unix(0, max(written.Mtime, written.Ctime)).Add(test.after) }
		r := reading(t, path)
		r.Old.Content = []byte(test.read)
		err := r.Unchanged()
		if changed := errors.As(err, new(*ChangedError)); changed != (test.compared &&
			test.read != "as it is") || !changed && err != nil {
			t.Errorf("looked at after %s, read as %q: %v", test.after, test.read, err)
		}
	}
	// One that is longer now, or gone, is another one in any case.
	now = clock
	r := reading(t, path)
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Unchanged(); !errors.As(err, new(*ChangedError)) {
		t.Errorf("longer: %v", err)
	}
}
