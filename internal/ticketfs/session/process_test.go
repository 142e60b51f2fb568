//go:build unix

package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

func claim(t *testing.T, p *Process, dir string, meta map[string]any) Conversation {
	t.Helper()
	c, err := p.Attend(dir, Call{Meta: meta, Client: "some-client", Agent: "planner"}).Claim()
	must(t, err)
	c.Done(true)
	return c
}

func of(session string) map[string]any { return map[string]any{"sessionID": session} }

// TestMark: a slot says who holds it, and where.
func TestMark(t *testing.T) {
	dir := t.TempDir()
	c := claim(t, New("one", time.Now), dir, nil)
	path := slotPath(dir, c.Key, 0)
	m := readMark(t, path)
	dev, ino, err := identity(os.Lstat(path))
	must(t, err)
	if c.Key != Key("one") || m.PID != os.Getpid() || m.Client != "some-client" ||
		m.Agent != "planner" || m.Dev != dev || m.Ino != ino || m.Since.IsZero() {
		t.Errorf("key %s, mark %+v", c.Key, m)
	}
	if h := life(dir, "one"); h.Life != Alive || h.PID != os.Getpid() ||
		time.Since(h.LastCalled) > time.Minute {
		t.Errorf("to others it is %+v", h)
	}
	if h := c.Holder("x@" + c.Key); h.Life != Mine || len(h.Agents) != 1 ||
		h.Agents[0] != "planner" {
		t.Errorf("to itself it is %+v", h)
	}
}

// TestOneProcessServesMany: the process is a witness of each conversation, and none of them is
// another.
func TestOneProcessServesMany(t *testing.T) {
	dir := t.TempDir()
	p := New("env", time.Now)
	keys := map[string]bool{}
	for _, meta := range []map[string]any{of("s1"), of("s2"), nil} {
		c := claim(t, p, dir, meta)
		keys[c.Key] = true
		if h := New("", time.Now).Attend(dir, Call{}).Holder("x@" + c.Key); h.Life != Alive {
			t.Errorf("%v is %s", meta, h.Life)
		}
	}
	if len(keys) != 3 || !keys[Key("s1")] || !keys[Key("s2")] || !keys[Key("env")] {
		t.Errorf("keys %v", keys)
	}
	if h := p.Attend(dir, Call{Meta: of("s1")}).Holder("x@" + Key("s2")); h.Life != Alive {
		t.Errorf("to the one the other is %s", h.Life)
	}
}

// TestManyProcessesServeOne: a conversation lives while any of them does.
func TestManyProcessesServeOne(t *testing.T) {
	dir := t.TempDir()
	first, second := New("", time.Now), New("", time.Now)
	key := claim(t, first, dir, of("s")).Key
	claim(t, second, dir, of("s"))
	for n := range 2 {
		if _, err := os.Lstat(slotPath(dir, key, n)); err != nil {
			t.Error(err)
		}
	}
	must(t, first.Close())
	wantLife(t, dir, "s", Alive)
	third := New("", time.Now)
	third.Attend(dir, Call{Meta: of("s")}) // its file exists: it is alive before it claims
	must(t, second.Close())
	wantLife(t, dir, "s", Alive)
	if _, err := os.Lstat(slotPath(dir, key, 2)); err == nil {
		t.Error("the free slot was not taken again")
	}
	must(t, third.Close())
}

// TestTwins: a name of the environment is one client's. The other is somebody else until it is
// free, and stays so once it has claimed.
func TestTwins(t *testing.T) {
	dir := t.TempDir()
	first, early, late := New("me", time.Now), New("me", time.Now), New("me", time.Now)
	claim(t, first, dir, nil)
	if c := early.Attend(dir, Call{}); c.Key == Key("me") ||
		c.Holder("x@"+Key("me")).Life != Alive {
		t.Errorf("before its first claim the twin is %s", c.Key)
	}
	refused, err := late.Attend(dir, Call{}).Claim()
	if err != nil || refused.Key == Key("me") {
		t.Errorf("%s, %v", refused.Key, err)
	}
	fresh := claim(t, early, dir, nil).Key
	if fresh == Key("me") {
		t.Error("two clients with one key")
	}
	must(t, first.Close())
	if c := early.Attend(dir, Call{}); c.Key != fresh {
		t.Errorf("after its claim it became %s", c.Key)
	}
	if c := late.Attend(dir, Call{}); c.Key != refused.Key {
		t.Errorf("while its claim may be written it became %s", c.Key)
	}
	refused.Done(false)
	if c := late.Attend(dir, Call{}); c.Key != Key("me") {
		t.Error("the restarted client is not who it was")
	}
	wantLife(t, dir, "me", Alive)
	if c, err := late.Attend(dir, Call{}).Claim(); err != nil || c.Key != Key("me") {
		t.Errorf("%s, %v", c.Key, err)
	}
}

// TestTwinsAtOnce: of many that come at the same time one has the name.
func TestTwinsAtOnce(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var mu sync.Mutex
		keys := map[string]int{}
		var all []Conversation // whose slots a collector would free with their files
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				c, err := New("me", time.Now).Attend(dir, Call{}).Claim()
				mu.Lock()
				defer mu.Unlock()
				all = append(all, c)
				if keys[c.Key]++; err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(keys) != 6 || keys[Key("me")] != 1 {
			t.Fatalf("keys %v", keys)
		}
		runtime.KeepAlive(all)
	}
}

// TestTwinOfACopy: a copy of a living client's slot is no free slot, though nobody holds it.
func TestTwinOfACopy(t *testing.T) {
	needStart(t)
	dir := t.TempDir()
	first := hold(t, dir, "me")
	path := slotPath(dir, first.key, 0)
	text, err := os.ReadFile(path)
	must(t, errors.Join(err, os.Remove(path), os.WriteFile(path, text, 0o666)))
	if c := claim(t, New("me", time.Now), dir, nil); c.Key == first.key {
		t.Error("two clients with one key")
	}
	must(t, first.cmd.Process.Kill())
	_ = first.cmd.Wait() // says that it was killed
	if c := claim(t, New("me", time.Now), dir, nil); c.Key != first.key {
		t.Error("the client that comes back is not who it was")
	}
}

// TestNeighbourOfACopy: who shares a conversation leaves the copy of a living process's slot alone,
// so that its end does not look like the end of both.
func TestNeighbourOfACopy(t *testing.T) {
	needStart(t)
	dir := t.TempDir()
	first := hold(t, dir, SharedPrefix+"crew")
	path := slotPath(dir, first.key, 0)
	text, err := os.ReadFile(path)
	must(t, errors.Join(err, os.Remove(path), os.WriteFile(path, text, 0o666)))
	second := New(SharedPrefix+"crew", time.Now)
	claim(t, second, dir, nil)
	must(t, second.Close())
	rewrite(t, slotPath(dir, first.key, 1), func(m *mark) { m.PID = neverPID })
	wantLife(t, dir, SharedPrefix+"crew", Alive)
	forget(t, dir, SharedPrefix+"crew")
	wantLife(t, dir, SharedPrefix+"crew", Unknown)
	first.end()
}

func TestSharedNames(t *testing.T) {
	dir := t.TempDir()
	name := SharedPrefix + "crew"
	first, second := New(name, time.Now), New(name, time.Now)
	if a, b := claim(t, first, dir, nil), claim(t, second, dir, nil); a.Key != Key(name) ||
		b.Key != a.Key {
		t.Errorf("keys %s and %s", a.Key, b.Key)
	}
	must(t, first.Close())
	wantLife(t, dir, name, Alive)
}

// TestVisitor: a command in an agent's shell claims while its conversation lives, and is no witness
// of that.
func TestVisitor(t *testing.T) {
	dir := t.TempDir()
	v := NewVisitor("me", time.Now)
	if _, err := v.Attend(dir, Call{}).Claim(); !errors.Is(err, ErrNoSession) {
		t.Errorf("without a session: %v", err)
	}
	p := New("me", time.Now)
	claim(t, p, dir, nil)
	c, err := v.Attend(dir, Call{}).Claim()
	if err != nil || c.Key != Key("me") || c.Holder("x@"+c.Key).Life != Mine {
		t.Errorf("beside the session: %s, %v", c.Key, err)
	}
	if slots, _ := filepath.Glob(filepath.Join(dir, Folder, "*")); len(slots) != 1 {
		t.Errorf("the visitor took a slot: %v", slots)
	}
	must(t, p.Close())
	forget(t, dir, "me")
	if _, err := v.Attend(dir, Call{}).Claim(); !errors.Is(err, ErrNoSession) {
		t.Errorf("after the session: %v", err)
	}
	claim(t, New("other", time.Now), dir, nil)
	nobody := NewVisitor("", time.Now)
	if _, err := nobody.Attend(dir, Call{}).Claim(); !errors.Is(err, ErrNoSession) {
		t.Errorf("nobody: %v", err)
	}
}

// TestReplacedSlot: a holder whose file was removed or replaced signs the one that stands there at
// its next call.
func TestReplacedSlot(t *testing.T) {
	for name, replace := range map[string]func(path string) error{
		"removed": os.Remove,
		"a copy": func(path string) error {
			text, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path, text, 0o666))
		},
		"an empty one": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o666)) },
		"all of it":    func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := New("me", time.Now)
			path := slotPath(dir, claim(t, p, dir, nil).Key, 0)
			must(t, replace(path))
			if name == "a copy" {
				forget(t, dir, "me")
			}
			wantLife(t, dir, "me", Unknown)
			p.Attend(dir, Call{})
			wantLife(t, dir, "me", Alive)
			_, ino, err := identity(os.Lstat(path))
			if m := readMark(t, path); err != nil || m.Ino != ino {
				t.Errorf("the mark is of %d, the file is %d", m.Ino, ino)
			}
		})
	}
}

// TestNamesOfAConversation: it is known by the names that it had, in this process and in former
// ones.
func TestNamesOfAConversation(t *testing.T) {
	dir := t.TempDir()
	names := func(p *Process, agent string) (agents, elsewhere []string) {
		h := p.Attend(dir, Call{Meta: of("s"), Agent: agent}).Holder("x@" + Key("s"))
		return h.Agents, h.Elsewhere
	}
	first, second := New("", time.Now), New("", time.Now)
	_, err := first.Attend(dir, Call{Meta: of("s"), Agent: "one"}).Claim()
	must(t, err)
	if agents, elsewhere := names(first, "two"); !slices.Equal(agents, []string{"two", "one"}) ||
		len(elsewhere) > 0 {
		t.Errorf("renamed: %v, elsewhere %v", agents, elsewhere)
	}
	if agents, elsewhere := names(second, "pane"); !slices.Equal(agents,
		[]string{"two", "one", "pane"}) || !slices.Equal(elsewhere, []string{"two"}) {
		t.Errorf("to a second process: %v, elsewhere %v", agents, elsewhere)
	}
	must(t, errors.Join(first.Close(), second.Close()))
	third := New("", time.Now)
	if agents, elsewhere := names(third, ""); !slices.Equal(agents,
		[]string{"two", "one", "pane"}) || len(elsewhere) > 0 {
		t.Errorf("started again: %v, elsewhere %v", agents, elsewhere)
	}
	for n := range 9 {
		names(third, fmt.Sprint("name", n))
	}
	if agents, _ := names(third, "last"); !slices.Equal(agents,
		[]string{"last", "name8", "name7", "name6", "pane"}) {
		t.Errorf("of many names: %v", agents)
	}
}

// TestLastCalled: a slot tells when a call last came, to ten seconds.
func TestLastCalled(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().Add(-time.Hour).Truncate(time.Second)
	p := New("me", func() time.Time { return now })
	claim(t, p, dir, nil)
	began := now
	for _, tt := range []struct{ at, want time.Duration }{{0, 0}, {9 * time.Second, 0},
		{10 * time.Second, 10 * time.Second}, {time.Minute, time.Minute}} {
		now = began.Add(tt.at)
		p.Attend(dir, Call{Client: "some-client", Agent: "planner"})
		if got := life(dir, "me").LastCalled; !got.Equal(began.Add(tt.want)) {
			t.Errorf("after %s: last called %s after the beginning", tt.at, got.Sub(began))
		}
	}
}

// TestLongNames: whatever a client calls itself, its mark can be read.
func TestLongNames(t *testing.T) {
	dir := t.TempDir()
	p := New("me", time.Now)
	c, err := p.Attend(dir, Call{Client: strings.Repeat("\x01long", 2000),
		Agent: "planner"}).Claim()
	must(t, err)
	must(t, p.Close())
	forget(t, dir, "me")
	wantLife(t, dir, "me", Dead)
	if m := readMark(t, slotPath(dir, c.Key, 0)); len(m.Client) != 32 {
		t.Errorf("the client is %q", m.Client)
	}
}

// TestMarkIsSynced: a mark that a power loss took would leave its holder unknown for ever, so it is
// synced whole before a claim stands anywhere; a mark that is not durable is an error.
func TestMarkIsSynced(t *testing.T) {
	file, folder := durable.SyncFile, durable.SyncFolder
	defer func() { durable.SyncFile, durable.SyncFolder = file, folder }()
	var synced []string
	durable.SyncFile = func(f durable.Syncable) error {
		text, err := os.ReadFile(f.Name())
		synced = append(synced, filepath.Base(f.Name())+" "+string(text))
		return errors.Join(err, file(f))
	}
	durable.SyncFolder = func(f durable.Syncable) error {
		synced = append(synced, "folder "+filepath.Base(f.Name()))
		return folder(f)
	}
	dir := t.TempDir()
	if _, err := New("synced", time.Now).Attend(dir, Call{}).Claim(); err != nil {
		t.Fatal(err)
	}
	slot := slotPath(dir, Key("synced"), 0)
	text, err := os.ReadFile(slot)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"folder " + filepath.Base(dir), filepath.Base(slot) + " " + string(text),
		"folder " + Folder}
	if !slices.Equal(synced, want) {
		t.Errorf("synced %q, want %q", synced, want)
	}
	burning := errors.New("disk on fire")
	durable.SyncFile = func(durable.Syncable) error { return burning }
	if _, err := New("lost", time.Now).Attend(dir, Call{}).Claim(); !errors.Is(err, burning) {
		t.Errorf("a mark that is not durable: %v", err)
	}
}

// TestNothingIsFollowed: whatever stands in the place of the folder or of a slot, nothing outside
// is read, made or changed.
func TestNothingIsFollowed(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		dir, outside := t.TempDir(), t.TempDir()
		must(t, os.Symlink(outside, filepath.Join(dir, Folder)))
		if _, err := New("me", time.Now).Attend(dir, Call{}).Claim(); !errors.As(err,
			new(*durable.NotFolderError)) {
			t.Errorf("a link in the place of the folder: %v", err)
		}
		if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
			t.Errorf("it was followed: %v, %v", entries, err)
		}
	})
	t.Run("folder with marks", func(t *testing.T) {
		dir, outside := t.TempDir(), t.TempDir()
		dead(t, outside, "gone", nil)
		must(t, os.Symlink(filepath.Join(outside, Folder), filepath.Join(dir, Folder)))
		wantLife(t, outside, "gone", Dead)
		wantLife(t, dir, "gone", Unknown)
	})
	for name, lay := range map[string]func(path string) error{
		"link":        func(path string) error { return os.Symlink("/etc/hostname", path) },
		"broken link": func(path string) error { return os.Symlink(path+".none", path) },
		"FIFO":        func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"folder":      func(path string) error { return os.Mkdir(path, 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, makeFolder(dir))
			key := Key("me")
			must(t, lay(slotPath(dir, key, 0)))
			wantLife(t, dir, "me", Unknown)
			// Who has the name takes another slot, where others may be; and another name, where it
			// is to be one client's.
			if c := claim(t, New("", time.Now), dir, of("me")); c.Key != key {
				t.Error("the host's conversation has another key")
			}
			wantLife(t, dir, "me", Alive)
			if c := claim(t, New("me", time.Now), dir, nil); c.Key == key {
				t.Error("nobody can tell who holds the first slot, and it is taken for free")
			}
			if _, err := os.Lstat(slotPath(dir, key, 0) + ".none"); err == nil {
				t.Error("the link's target was made")
			}
		})
	}
}

// TestRights: whoever may write the board folder may lock there, whatever the umask was.
func TestRights(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, mode := range []os.FileMode{0o700, 0o755, 0o775, 0o775 | os.ModeSetgid, 0o777} {
		dir := filepath.Join(t.TempDir(), "board")
		must(t, os.Mkdir(dir, 0o777))
		must(t, os.Chmod(dir, mode))
		p := New("me", time.Now)
		key := claim(t, p, dir, nil).Key
		dead(t, dir, "gone", nil)
		c := p.Attend(dir, Call{})
		c.process.Grace(c.Holder("x@" + Key("gone")))
		folder, err := os.Lstat(filepath.Join(dir, Folder))
		must(t, err)
		if got := folder.Mode() & (os.ModePerm | os.ModeSetgid); got != mode {
			t.Errorf("folder %s, its .sessions %s", mode, got)
		}
		for _, path := range []string{slotPath(dir, key, 0),
			filepath.Join(dir, Folder, Key("gone")+".seen")} {
			if file, err := os.Lstat(path); err != nil || file.Mode().Perm() != mode.Perm()&0o666 {
				t.Errorf("folder %s: %s is %v (%v)", mode, filepath.Base(path), file.Mode(), err)
			}
		}
	}
}

func TestSlotNames(t *testing.T) {
	if got := slotPath("d", "0123456789ab", 0) + " " +
		slotPath("d", "0123456789ab", 2); strings.ReplaceAll(got, string(filepath.Separator),
		"/") != "d/.sessions/0123456789ab.lock d/.sessions/0123456789ab.2.lock" {
		t.Error(got)
	}
}

// TestOwnNameNeedsNoLook: a claim in the name by which a conversation goes is its own, whatever its
// slots say; of one in another name they are asked.
func TestOwnNameNeedsNoLook(t *testing.T) {
	dir := t.TempDir()
	c := New("s", time.Now).Attend(dir, Call{Agent: "planner"})
	if _, err := c.Claim(); err != nil {
		t.Fatal(err)
	}
	for name, asked := range map[string]bool{"planner": false, "reviewer": true} {
		if h := c.Holder(name + "@" + c.Key); h.Life != Mine || h.Name != name ||
			(len(h.Agents) > 0) != asked {
			t.Errorf("%s: %+v", name, h)
		}
	}
}
