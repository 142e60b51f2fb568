//go:build unix

package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// crew are processes at work on one board, and what happens to its files.
type crew struct {
	t        *rapid.T
	dir      string
	open     []*Process
	tampered bool
}

// serves are the processes that hold a slot of a conversation which others can see.
func (c *crew) serves(key string) (n int) {
	for _, p := range c.open {
		if s := p.marks.(*slots).held[key]; s != nil && s.lock.Check() == nil {
			n++
		}
	}
	return n
}

func (c *crew) check() {
	keys := map[string]bool{}
	for _, p := range c.open {
		for key := range p.marks.(*slots).held {
			keys[key] = true
		}
	}
	for key := range keys {
		h := New("", time.Now).Attend(c.dir, Call{}).Holder("x@" + key)
		if c.serves(key) > 0 && h.Life != Alive {
			c.t.Fatalf("%s is %s, and %d processes serve it", key, h.Life, c.serves(key))
		}
	}
	for _, name := range []string{"alone", "too"} {
		if n := c.serves(Key(name)); n > 1 && !c.tampered {
			c.t.Fatalf("%d processes are %s", n, name)
		}
	}
}

// TestRandomProcesses: whatever processes do on a board, a conversation that one of them serves is
// seen to live, a claim is always one's own to be seen, and a name of the environment that is not
// to be shared is one client's.
func TestRandomProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		c := &crew{t: t, dir: dir}
		defer func() {
			for _, p := range c.open {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
		}()
		some := func(t *rapid.T) *Process {
			if len(c.open) == 0 {
				t.Skip("no process")
			}
			return rapid.SampledFrom(c.open).Draw(t, "process")
		}
		call := func(t *rapid.T) Call {
			// A host's names and the environment's are different ones, as they are in the world.
			return rapid.SampledFrom([]Call{{}, {Meta: of("s1"), Agent: "a"},
				{Meta: of("s2")}}).Draw(t, "call")
		}
		t.Repeat(map[string]func(*rapid.T){
			"start": func(t *rapid.T) {
				name := rapid.SampledFrom([]string{"", "alone", "alone", "too",
					SharedPrefix + "crew"}).Draw(t, "name")
				p := New(name, time.Now)
				p.Attend(dir, Call{})
				c.open = append(c.open, p)
			},
			"attend": func(t *rapid.T) {
				p := some(t)
				p.Attend(dir, call(t))
			},
			"claim": func(t *rapid.T) {
				p := some(t)
				conversation, err := p.Attend(dir, call(t)).Claim()
				if err != nil {
					t.Fatal(err)
				}
				conversation.Done(rapid.Bool().Draw(t, "it is written"))
				if s := p.marks.(*slots).held[conversation.Key]; s == nil || s.lock.Check() != nil {
					t.Fatalf("%s claims, and its slot cannot be seen", conversation.Key)
				}
			},
			"end": func(t *rapid.T) {
				p := some(t)
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
				c.open = slices.DeleteFunc(c.open, func(q *Process) bool { return q == p })
			},
			"copy": func(t *rapid.T) {
				c.tampered = true
				files, err := filepath.Glob(filepath.Join(dir, Folder, "*.lock"))
				for i, path := range files {
					text, readErr := os.ReadFile(path)
					aside := filepath.Join(dir, fmt.Sprint("copy", i))
					err = errors.Join(err, readErr, os.WriteFile(aside, text, 0o666),
						os.Rename(aside, path))
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			"remove": func(t *rapid.T) {
				c.tampered = true
				if err := os.RemoveAll(filepath.Join(dir, Folder)); err != nil {
					t.Fatal(err)
				}
			},
			"": func(*rapid.T) { c.check() },
		})
	})
}
