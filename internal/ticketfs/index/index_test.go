package index

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// folder is an index and the folder that it is of.
type folder struct {
	t   *testing.T
	dir string
	x   Index
}

func (f *folder) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) want(ids, none string) {
	f.t.Helper()
	if err := f.x.Refresh(f.dir); err != nil {
		f.t.Fatal(err)
	}
	if got := strings.Join(f.x.Ids(), " "); got != ids {
		f.t.Errorf("tickets %q, want %q", got, ids)
	}
	others, why := f.x.NoTickets()
	if got := strings.Join(others, " "); got != none || len(why) != len(others) {
		f.t.Errorf("no tickets %q, want %q", got, none)
	}
	for _, id := range others {
		if _, err := f.x.Get(id); !errors.Is(err, fs.ErrNotExist) {
			f.t.Errorf("%s is no ticket: %v", id, err)
		}
	}
}

func ticket(front string) string { return "---\nstatus: open\n" + front + "---\n# T\n" }

// TestNoTickets: a README is none, until another ticket names it, and again when none does.
func TestNoTickets(t *testing.T) {
	f := &folder{t: t, dir: t.TempDir()}
	f.write("a.md", ticket(""))
	f.write("README.md", "# About\n\n- a\n")
	f.write("index.md", "---\ntitle: a\n---\n")
	f.write("big.md", strings.Repeat("x", document.MaxFile+1))
	f.write("torn.md", "")
	f.write("merge.md", "<<<<<<< HEAD\n")
	f.write("wrong.md", "---\nid: wrong\n---\n")
	f.want("a merge wrong", "README big index torn")
	if len(f.x.TakeChanges()) != 7 {
		t.Error("not all are new")
	}
	for _, front := range []string{"blocked-by: [README]\n", "deps: [README]\n", "parent: README\n",
		"links: [README]\n"} {
		f.write("a.md", ticket(front))
		f.want("README a merge wrong", "big index torn")
		var bad *document.Malformed
		if _, err := f.x.Get("README"); !errors.As(err, &bad) {
			t.Errorf("%s: README is %v", front, err)
		}
		if changed := f.x.TakeChanges(); !slices.Contains(changed, "README") {
			t.Errorf("%s: only %q changed", front, changed)
		}
		f.write("a.md", ticket("x: y\n"))
		f.want("a merge wrong", "README big index torn")
	}
	// Its journal says that it was a ticket before it was emptied.
	f.write(".journal/torn.jsonl", "\n")
	f.write("torn.md", "\n")
	f.want("a merge torn wrong", "README big index")
	f.write("README.md", ticket(""))
	f.want("README a merge torn wrong", "big index")
	if err := os.Remove(filepath.Join(f.dir, "index.md")); err != nil {
		t.Fatal(err)
	}
	f.want("README a merge torn wrong", "big")
}

// TestChildrenThatCannotBeRead: a broken file may be a child only of what its parent may be.
func TestChildrenThatCannotBeRead(t *testing.T) {
	f := &folder{t: t, dir: t.TempDir()}
	f.write("a.md", ticket(""))
	f.write("child.md", ticket("parent: a\n"))
	f.write("index.md", "- a\n")
	f.write("other.md", "---\nstatus: todo\nparent: b\n---\nsee a\n")
	f.write("mine.md", "---\nstatus: todo\nparent: a\n---\n")
	f.write("both.md", "---\nstatus: open\n<<<<<<< HEAD\nparent: a\n=======\nparent: b\n>>>>>>> x\n---\n")
	f.write("orphan.md", "---\nstatus: todo\n---\nparent: a\n")
	f.write("cut.md", "---\nid: cut\nstatus: open\n")
	if err := os.Mkdir(filepath.Join(f.dir, "folder.md"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := f.x.Refresh(f.dir); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"a": "both cut mine", "b": "both cut other", "c": "cut",
		"cut": "", "mine": "cut"} {
		children, unread := f.x.ChildrenOf(id)
		if got := strings.Join(unread, " "); got != want || (len(children) == 1) != (id == "a") {
			t.Errorf("%s: children %v, may be %q; want %q", id, children, got, want)
		}
	}
}

// TestYoungFilesAreReadAgain: a file that was read within its filesystem's granularity of its last
// change is read again, since another write may bear the same stamp; an older one is not.
func TestYoungFilesAreReadAgain(t *testing.T) {
	clock := now
	defer func() { now = clock }()
	for _, test := range []struct {
		after time.Duration // of the look, from the write
		again bool
	}{{0, true}, {19 * time.Millisecond, true}, {21 * time.Millisecond, false}, {time.Hour,
		false}} {
		f := &folder{t: t, dir: t.TempDir()}
		f.write("a.md", ticket(""))
		info, err := os.Stat(filepath.Join(f.dir, "a.md"))
		if err != nil {
			t.Fatal(err)
		}
		now = func() time.Time { return info.ModTime().Add(test.after) }
		f.want("a", "")
		// as a write of the same stamp and size would leave it
		f.x.files["a"].ticket.Title = "what it was"
		f.want("a", "")
		if got := f.x.files["a"].ticket.Title == "T"; got != test.again {
			t.Errorf("%s after the write: read again is %v", test.after, got)
		}
	}
}
