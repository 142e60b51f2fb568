package tools_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// memory is a cluster that is as good as its board: it fails where it is told to.
type memory struct {
	open    bool // the board is one
	closed  bool
	tickets map[string]string
	fails   string // the step that fails the next time
}

func (m *memory) fail(step string) error {
	if m.fails != step {
		return nil
	}
	m.fails = ""
	return errors.New("died at " + step)
}

func (m *memory) cluster() tools.Cluster {
	return tools.Cluster{
		Exists: func(context.Context, board.Shared) (bool, error) { return m.open, nil },
		Write: func(_ context.Context, _ board.Shared, tickets []ticketfs.Kept) error {
			if m.open {
				return errors.New("there is a board")
			}
			m.tickets = make(map[string]string)
			for _, t := range tickets {
				m.tickets[t.ID] = string(t.Content)
			}
			if err := m.fail("written"); err != nil {
				return err
			}
			m.open = true
			return m.fail("found")
		},
		Close: func(context.Context, board.Shared) error {
			m.closed = true
			return m.fail("closed")
		},
		Read: func(_ context.Context, _ board.Shared, visit func(ticketfs.Kept) error) error {
			if !m.closed {
				return errors.New("read while others change it")
			}
			for i, id := range slices.Sorted(maps.Keys(m.tickets)) {
				if i == 1 {
					if err := m.fail("half"); err != nil {
						return err
					}
				}
				if err := visit(ticketfs.Kept{ID: id, Content: []byte(m.tickets[id])}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// ticketTexts are the tickets that a folder has as files.
func ticketTexts(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	must(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		all[strings.TrimSuffix(filepath.Base(f), ".md")] = string(text)
	}
	return all
}

// TestShareAgain: at whatever step a move dies, no ticket is lost, nothing can be changed in the
// folder meanwhile, and the same call goes on. Until there is a board, unshare leads back.
func TestShareAgain(t *testing.T) {
	for _, step := range []string{"", "written", "found"} {
		t.Run(step, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a open; b open parent=a; c closed")
			before := ticketTexts(t, w.dir)
			b := w.session("me").board
			m := &memory{fails: step}
			if _, err := b.Share(t.Context(), board.Etcd, m.cluster()); (err == nil) != (step == "") {
				t.Fatal(err)
			}
			if step != "" {
				if r := call(t, w.session("you").board, "create", map[string]any{"title": "x"}); r.code != "unreachable" {
					t.Errorf("created between: %s", r.text)
				}
				if len(ticketTexts(t, w.dir)) > 0 {
					t.Error("tickets in the folder, where a former version changes them")
				}
				_, err := b.Share(t.Context(), board.Etcd, m.cluster())
				must(t, err)
			}
			if !m.open || !maps.Equal(m.tickets, before) {
				t.Errorf("the engine has %v", m.tickets)
			}
			if _, err := os.Lstat(filepath.Join(w.dir, ".moving")); err == nil {
				t.Error("copies are left")
			}
			_, err := b.Share(t.Context(), board.Etcd, m.cluster()) // which is no change
			must(t, err)
		})
	}
}

// TestUnshareAgain: the same for the way back.
func TestUnshareAgain(t *testing.T) {
	for _, step := range []string{"", "closed", "half"} {
		t.Run(step, func(t *testing.T) {
			w := testWorld(t)
			w.layBoard("a open; b open; c closed")
			b := w.session("me").board
			m := &memory{}
			_, err := b.Share(t.Context(), board.Etcd, m.cluster())
			must(t, err)
			m.tickets["b"] += "- changed on another machine\n"
			// what somebody put there meanwhile is kept
			must(t, os.WriteFile(filepath.Join(w.dir, "c.md"), []byte("mine"), 0o666))
			m.fails = step
			said, err := b.Unshare(t.Context(), m.cluster())
			if (err == nil) != (step == "") || err == nil && !strings.Contains(said, "kept as c.md.mine") {
				t.Fatal(said, err)
			}
			if step != "" {
				if r := call(t, w.session("you").board, "create", map[string]any{"title": "x"}); r.code != "unreachable" {
					t.Errorf("created between: %s", r.text)
				}
				_, err := b.Unshare(t.Context(), m.cluster())
				must(t, err)
			}
			if got := ticketTexts(t, w.dir); !maps.Equal(got, m.tickets) {
				t.Errorf("the folder has %v", got)
			}
			mine, err := os.ReadFile(filepath.Join(w.dir, "c.md.mine"))
			if err != nil || string(mine) != "mine" {
				t.Errorf("a file of somebody: %q, %v", mine, err)
			}
			if r := call(t, w.session("later").board, "note", map[string]any{"id": "a", "text": "x"}); r.code != "" {
				t.Errorf("a local board: %s", r.text)
			}
			if _, err := b.Unshare(t.Context(), m.cluster()); ticketfs.CodeOf(err) != ticketfs.NoChange {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// TestShareGivenUp: a share that died before there was a board leads back to what was.
func TestShareGivenUp(t *testing.T) {
	w := testWorld(t)
	w.layBoard("a open; b open")
	before := ticketTexts(t, w.dir)
	b := w.session("me").board
	m := &memory{fails: "written"}
	if _, err := b.Share(t.Context(), board.Etcd, m.cluster()); err == nil {
		t.Fatal("no error")
	}
	_, err := b.Unshare(t.Context(), m.cluster())
	must(t, err)
	if !maps.Equal(before, ticketTexts(t, w.dir)) {
		t.Errorf("not as before: %v", ticketTexts(t, w.dir))
	}
	if r := call(t, w.session("later").board, "create", map[string]any{"title": "x"}); r.code != "" {
		t.Errorf("a local board: %s", r.text)
	}
}
