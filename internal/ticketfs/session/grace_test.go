//go:build unix

package session

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// onlooker is a process with a clock of its own making.
type onlooker struct {
	*Process
	dir    string
	now    time.Duration
	shared bool
}

func look4(dir string, now time.Duration) *onlooker {
	o := &onlooker{Process: New("", time.Now), dir: dir, now: now, shared: true}
	o.SinceBoot = func() (time.Duration, bool) { return o.now, o.shared }
	return o
}

// waits is for how long it still waits for a conversation.
func (o *onlooker) waits(t *testing.T, name string) time.Duration {
	t.Helper()
	c := o.Attend(o.dir, Call{})
	h := c.Holder("x@" + Key(name))
	if h.Life != Dead {
		t.Fatalf("%s is %s", name, h.Life)
	}
	return c.process.Grace(h)
}

const anHour = time.Hour

// TestGraceIsCommon: the first look of anybody begins it, and all agree, also processes that live
// for one look.
func TestGraceIsCommon(t *testing.T) {
	dir := t.TempDir()
	dead(t, dir, "gone", nil)
	for _, tt := range []struct{ at, want time.Duration }{
		{0, grace}, {3 * time.Second, 7 * time.Second}, {9999 * time.Millisecond,
			time.Millisecond}, {grace, 0}, {time.Minute, 0}, {anHour, 0},
	} {
		if got := look4(dir, anHour+tt.at).waits(t, "gone"); got != tt.want {
			t.Errorf("%s after the first look: %s, want %s", tt.at, got, tt.want)
		}
	}
	dead(t, dir, "other", nil)
	if got := look4(dir, 2*anHour).waits(t, "other"); got != grace {
		t.Errorf("another holder: %s", got)
	}
}

// TestGraceIsVoid: an observation counts for the marks that it saw, on this boot, in the past.
func TestGraceIsVoid(t *testing.T) {
	seen := func(dir string) string { return filepath.Join(dir, Folder, Key("gone")+".seen") }
	for name, void := range map[string]func(t *testing.T, dir string){
		"signed again": func(t *testing.T, dir string) {
			h := hold(t, dir, "gone")
			h.end()
		},
		"another boot": func(t *testing.T, dir string) {
			must(t, writeSeen(seen(dir), "another",
				observation{life(dir, "gone").marks, time.Second}))
		},
		"the future": func(t *testing.T, dir string) {
			must(t, writeSeen(seen(dir), self().Boot,
				observation{life(dir, "gone").marks, 100 * anHour}))
		},
		"other marks": func(t *testing.T, dir string) {
			must(t, writeSeen(seen(dir), self().Boot, observation{"ab", time.Second}))
		},
		"no number":     func(t *testing.T, dir string) { must(t, os.WriteFile(seen(dir), []byte(self().Boot+" x y\n"), 0o666)) },
		"a negative":    func(t *testing.T, dir string) { must(t, os.WriteFile(seen(dir), []byte(self().Boot+" -9 y\n"), 0o666)) },
		"empty":         func(t *testing.T, dir string) { must(t, os.Truncate(seen(dir), 0)) },
		"removed":       func(t *testing.T, dir string) { must(t, os.Remove(seen(dir))) },
		"a mtime ahead": func(t *testing.T, dir string) {},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := dead(t, dir, "gone", nil)
			if got := look4(dir, anHour).waits(t, "gone"); got != grace {
				t.Fatal(got)
			}
			want := grace
			void(t, dir)
			if name == "a mtime ahead" {
				day := time.Now().Add(24 * time.Hour)
				must(t, errors.Join(os.Chtimes(path, day, day), os.Chtimes(seen(dir), day, day)))
				want = 0
			}
			if got := look4(dir, anHour+time.Minute).waits(t, "gone"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if got := look4(dir, anHour+2*time.Minute).waits(t, "gone"); got != 0 {
				t.Errorf("and then %s", got)
			}
		})
	}
}

// TestGraceOfItsOwn: where nothing can be written down, or the clock is not the others', a process
// goes by its own.
func TestGraceOfItsOwn(t *testing.T) {
	for name, lay := range map[string]func(dir, seen string) error{
		"time namespace": func(dir, seen string) error { return nil },
		"FIFO":           func(dir, seen string) error { return syscall.Mkfifo(seen, 0o666) },
		"folder":         func(dir, seen string) error { return os.Mkdir(seen, 0o777) },
		"link":           func(dir, seen string) error { return os.Symlink("outside", seen) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			dead(t, dir, "gone", nil)
			must(t, lay(dir, filepath.Join(dir, Folder, Key("gone")+".seen")))
			one := look4(dir, anHour)
			one.shared = name != "time namespace"
			if got := one.waits(t, "gone"); got != grace {
				t.Error(got)
			}
			other := look4(dir, 100*anHour)
			other.shared = one.shared
			if got := other.waits(t, "gone"); got != grace {
				t.Errorf("another process: %s", got)
			}
			one.now += grace
			if got := one.waits(t, "gone"); got != 0 {
				t.Errorf("after ten seconds: %s", got)
			}
			if entries, _ := os.ReadDir(filepath.Join(dir, Folder)); len(entries) > 2 ||
				name == "time namespace" && len(entries) > 1 {
				t.Errorf("it wrote %v", entries)
			}
		})
	}
}
