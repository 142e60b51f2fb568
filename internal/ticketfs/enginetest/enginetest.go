// Package enginetest is the contract of a ticketfs.Engine as tests: what the door, the rules and the
// sessions rely on. Each implementation runs it on real files or a real cluster.
package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// Board opens one new, empty board twice, as two processes do, and ends both with the test. A View of
// a change shows what Dir holds.
type Board func(t *testing.T) (a, b ticketfs.Engine)

// Run runs the contract. dies is how long after the orderly end of a process it may take until its
// conversations are proven dead; 0 where that shows only once the process of the test has ended.
func Run(t *testing.T, board Board, dies time.Duration) {
	for _, c := range []struct {
		name string
		test func(*testing.T, ticketfs.Engine, ticketfs.Engine)
	}{
		{"absent", absent}, {"created", created}, {"refused", refused}, {"unchanged", unchanged},
		{"cancelled", cancelled}, {"several", several}, {"appended", appended},
		{"one creator", oneCreator}, {"write skew", writeSkew}, {"fresh", fresh},
		{"judged", judged}, {"journaled", journaled}, {"twins", twins},
		{"lives and dies", func(t *testing.T, a, b ticketfs.Engine) { livesAndDies(t, a, b, dies) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := board(t)
			c.test(t, a, b)
		})
	}
}

// Text is a ticket in canonical form.
func Text(id string, status document.Status, lines ...string) []byte {
	return fmt.Appendf(nil, "---\nid: %s\nstatus: %s\n%s---\n# %s\n", id, status,
		strings.Join(append(lines, ""), "\n"), id)
}

// View answers from the files of a folder, each read when it is asked for.
func View(dir string) ticketfs.Viewer {
	return func(assumed ...document.Ticket) (ticketfs.View, error) {
		return ticketfs.Assuming(files{dir: dir}, assumed...), nil
	}
}

type files struct {
	ticketfs.View // what the contract does not ask
	dir           string
}

func (f files) Get(id string) (document.Ticket, error) {
	content, err := os.ReadFile(filepath.Join(f.dir, id+document.Ext))
	if errors.Is(err, fs.ErrNotExist) {
		return document.Ticket{}, ticketfs.Refuse(ticketfs.NotFound, "", "no ticket %s", id)
	}
	if err != nil {
		return document.Ticket{}, err
	}
	d, err := document.Parse(id, content)
	if err != nil {
		return document.Ticket{}, err
	}
	return d.Ticket(), nil
}

func change(e ticketfs.Engine, relations bool, ids []string, decide ticketfs.Decide) ticketfs.Change {
	view := View(e.Dir())
	return ticketfs.Change{IDs: ids, Relations: relations, Decide: decide, Speculate: view, View: view,
		Cause: journal.Cause{Call: journal.NewCall(), Actor: "tester", Tool: "test"}}
}

// write gives tickets new content, whatever they hold.
func write(t *testing.T, e ticketfs.Engine, contents map[string][]byte) {
	t.Helper()
	var ids []string
	for id := range contents {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	must(t, e.Change(t.Context(), change(e, true, ids,
		func([][]byte, ticketfs.Viewer) (writes []ticketfs.Write, _ error) {
			for i, id := range ids {
				writes = append(writes, ticketfs.Write{N: i, Content: contents[id]})
			}
			return writes, nil
		})))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holds checks what a ticket holds, by a read and, once it is fresh, by the file.
func holds(t *testing.T, e ticketfs.Engine, id string, want []byte) {
	t.Helper()
	got, err := e.Read(t.Context(), id)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("read of %s: %q, want %q", id, got, want)
	}
	must(t, e.Fresh(t.Context()))
	got, err = os.ReadFile(filepath.Join(e.Dir(), id+document.Ext))
	if want != nil && err != nil || !bytes.Equal(got, want) {
		t.Errorf("file of %s: %q, %v; want %q", id, got, err, want)
	}
}

func absent(t *testing.T, a, _ ticketfs.Engine) {
	if err := a.Exists(t.Context(), "t-1"); err != fs.ErrNotExist {
		t.Errorf("no ticket: %v, want fs.ErrNotExist", err)
	}
	holds(t, a, "t-1", nil)
}

func created(t *testing.T, a, b ticketfs.Engine) {
	text := Text("t-1", document.StatusOpen)
	write(t, a, map[string][]byte{"t-1": text})
	for _, e := range []ticketfs.Engine{b, a} {
		must(t, e.Exists(t.Context(), "t-1"))
		holds(t, e, "t-1", text)
	}
}

func refused(t *testing.T, a, b ticketfs.Engine) {
	text := Text("t-1", document.StatusOpen)
	write(t, a, map[string][]byte{"t-1": text})
	refusal := ticketfs.Refuse(ticketfs.Blocked, "wait", "no")
	for _, relations := range []bool{false, true} {
		err := b.Change(t.Context(), change(b, relations, []string{"t-1"},
			func([][]byte, ticketfs.Viewer) ([]ticketfs.Write, error) {
				return []ticketfs.Write{{Content: Text("t-1", document.StatusClosed)}}, refusal
			}))
		if err != refusal {
			t.Errorf("a refusal came back as %v", err)
		}
	}
	holds(t, b, "t-1", text)
}

func unchanged(t *testing.T, a, b ticketfs.Engine) {
	text := Text("t-1", document.StatusOpen)
	write(t, a, map[string][]byte{"t-1": text})
	must(t, b.Fresh(t.Context()))
	before, err := os.Stat(filepath.Join(b.Dir(), "t-1.md"))
	must(t, err)
	for _, content := range [][]byte{nil, text} {
		write(t, a, map[string][]byte{"t-1": content})
	}
	must(t, b.Fresh(t.Context()))
	after, err := os.Stat(filepath.Join(b.Dir(), "t-1.md"))
	must(t, err)
	if !before.ModTime().Equal(after.ModTime()) || !os.SameFile(before, after) {
		t.Error("nil or equal content wrote the file")
	}
	holds(t, b, "t-1", text)
}

func cancelled(t *testing.T, a, b ticketfs.Engine) {
	text := Text("t-1", document.StatusOpen)
	write(t, a, map[string][]byte{"t-1": text})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := a.Change(ctx, change(a, true, []string{"t-1"},
		func([][]byte, ticketfs.Viewer) ([]ticketfs.Write, error) {
			return []ticketfs.Write{{Content: Text("t-1", document.StatusClosed)}}, nil
		}))
	if err == nil {
		t.Error("a cancelled change was made")
	}
	holds(t, b, "t-1", text)
}

// several: the contents come in the order of the ids; all are written, or none.
func several(t *testing.T, a, b ticketfs.Engine) {
	ids := []string{"t-1", "t-2", "t-3"}
	texts := map[string][]byte{}
	for _, id := range ids {
		texts[id] = Text(id, document.StatusOpen)
	}
	write(t, a, map[string][]byte{"t-1": texts["t-1"], "t-3": texts["t-3"]})
	no := errors.New("no")
	for _, fault := range []error{no, nil} {
		err := b.Change(t.Context(), change(b, true, ids,
			func(contents [][]byte, _ ticketfs.Viewer) (writes []ticketfs.Write, _ error) {
				if !bytes.Equal(contents[0], texts["t-1"]) || contents[1] != nil ||
					!bytes.Equal(contents[2], texts["t-3"]) {
					return nil, fmt.Errorf("contents are %q", contents)
				}
				for i, id := range ids {
					writes = append(writes,
						ticketfs.Write{N: i, Content: Text(id, document.StatusClosed)})
				}
				return writes, fault
			}))
		if err != fault {
			t.Fatalf("change: %v, want %v", err, fault)
		}
		for _, id := range ids {
			want := Text(id, document.StatusClosed)
			if fault != nil && id != "t-2" {
				want = texts[id]
			} else if fault != nil {
				want = nil
			}
			holds(t, a, id, want)
		}
	}
}

// appended: what two processes append to one ticket at once is all there.
func appended(t *testing.T, a, b ticketfs.Engine) {
	const writers, each = 4, 5
	write(t, a, map[string][]byte{"t-1": Text("t-1", document.StatusOpen)})
	var wg sync.WaitGroup
	for i, e := range []ticketfs.Engine{a, b} {
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					line := fmt.Sprintf("- line %d-%d-%d\n", i, w, n)
					if err := e.Change(t.Context(), change(e, n%2 == 0, []string{"t-1"},
						func(contents [][]byte, _ ticketfs.Viewer) ([]ticketfs.Write, error) {
							return []ticketfs.Write{{
								Content: append(bytes.Clone(contents[0]), line...)}}, nil
						})); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	got, err := b.Read(t.Context(), "t-1")
	must(t, err)
	if n := bytes.Count(got, []byte("- line ")); n != 2*writers*each {
		t.Errorf("%d of %d lines are there:\n%s", n, 2*writers*each, got)
	}
}

// oneCreator: of two that create one ticket, one does, and the other sees it.
func oneCreator(t *testing.T, a, b ticketfs.Engine) {
	for round := range 10 {
		id := fmt.Sprintf("t-%d", round)
		errs := make([]error, 2)
		together(a, b, func(i int, e ticketfs.Engine) {
			errs[i] = e.Change(t.Context(), change(e, true, []string{id},
				func(contents [][]byte, _ ticketfs.Viewer) ([]ticketfs.Write, error) {
					if contents[0] != nil {
						return nil, fs.ErrExist
					}
					return []ticketfs.Write{{Content: Text(id, document.StatusOpen)}}, nil
				}))
		})
		slices.SortFunc(errs, func(x, _ error) int {
			if x == nil {
				return -1
			}
			return 1
		})
		if errs[0] != nil || errs[1] != fs.ErrExist {
			t.Fatalf("round %d: %v, %v; want one creator", round, errs[0], errs[1])
		}
	}
}

// together runs do for both engines at once.
func together(a, b ticketfs.Engine, do func(i int, e ticketfs.Engine)) {
	var wg sync.WaitGroup
	for i, e := range []ticketfs.Engine{a, b} {
		wg.Go(func() { do(i, e) })
	}
	wg.Wait()
}

// writeSkew: two that each read the other's ticket and write their own never both go by what was.
func writeSkew(t *testing.T, a, b ticketfs.Engine) {
	for round := range 10 {
		ids := []string{fmt.Sprintf("x-%d", round), fmt.Sprintf("y-%d", round)}
		write(t, a, map[string][]byte{ids[0]: Text(ids[0], document.StatusOpen),
			ids[1]: Text(ids[1], document.StatusOpen)})
		must(t, b.Fresh(t.Context()))
		made := make([]bool, 2)
		together(a, b, func(i int, e ticketfs.Engine) {
			mine, other := ids[i], ids[1-i]
			blocked := ticketfs.Refuse(ticketfs.Cycle, "", "%s waits already", other)
			err := e.Change(t.Context(), change(e, true, []string{mine},
				func(_ [][]byte, view ticketfs.Viewer) ([]ticketfs.Write, error) {
					v, err := view()
					if err != nil {
						return nil, err
					}
					if is, err := v.Get(other); err != nil {
						return nil, err
					} else if len(is.BlockedBy) > 0 {
						return nil, blocked
					}
					return []ticketfs.Write{{Content: Text(mine, document.StatusOpen,
						"blocked-by: ["+other+"]")}}, nil
				}))
			if made[i] = err == nil; err != nil && err != blocked {
				t.Errorf("round %d: %v", round, err)
			}
		})
		if made[0] == made[1] {
			t.Fatalf("round %d: made are %v, want one", round, made)
		}
	}
}

// fresh: what one process was answered the other's folder shows.
func fresh(t *testing.T, a, b ticketfs.Engine) {
	for round := range 20 {
		from, to := a, b
		if round%2 == 1 {
			from, to = b, a
		}
		text := Text("t-1", document.StatusOpen, fmt.Sprintf("priority: %d", round%5),
			fmt.Sprintf("round: %d", round))
		write(t, from, map[string][]byte{"t-1": text})
		must(t, to.Fresh(t.Context()))
		got, err := os.ReadFile(filepath.Join(to.Dir(), "t-1.md"))
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("round %d: the folder shows %q, %v", round, got, err)
		}
	}
}

// judged: what is only read is read as it is.
func judged(t *testing.T, a, b ticketfs.Engine) {
	write(t, a, map[string][]byte{"t-1": Text("t-1", document.StatusOpen)})
	refusal := ticketfs.Refuse(ticketfs.NotFound, "", "it is not there")
	if err := b.Judge(t.Context(), func() error {
		if _, err := os.Stat(filepath.Join(b.Dir(), "t-1.md")); err != nil {
			return refusal
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := b.Judge(t.Context(), func() error { return refusal }); err != refusal {
		t.Errorf("a refusal came back as %v", err)
	}
}

// journaled: a change is told to both, with its cause and what it made of what.
func journaled(t *testing.T, a, b ticketfs.Engine) {
	first, second := Text("t-1", document.StatusOpen), Text("t-1", document.StatusClosed)
	write(t, a, map[string][]byte{"t-1": first})
	write(t, b, map[string][]byte{"t-1": second})
	for _, e := range []ticketfs.Engine{a, b} {
		must(t, e.Fresh(t.Context()))
		rows, err := journal.Of(e.Dir()).Last("t-1", 10)
		must(t, err)
		if len(rows) != 2 || rows[0].Before != "" || rows[0].After != journal.HashOf(first) ||
			rows[1].Before != journal.HashOf(first) || rows[1].After != journal.HashOf(second) ||
			rows[1].From != "open" || rows[1].To != "closed" || rows[1].Actor != "tester" {
			t.Errorf("rows are %+v", rows)
		}
	}
}

// claim lets a new process of a name claim on a board.
func claim(t *testing.T, e ticketfs.Engine, name string) (*session.Process, session.Conversation) {
	t.Helper()
	p := session.New(name, time.Now)
	t.Cleanup(func() { _ = p.Close() }) // the board may be gone
	c, err := e.Attend(p, session.Call{Agent: "tester"}).Claim()
	must(t, err)
	c.Done(true)
	return p, c
}

// twins: two processes of one name are two holders.
func twins(t *testing.T, a, b ticketfs.Engine) {
	_, one := claim(t, a, "twin")
	_, other := claim(t, b, "twin")
	if one.Key != session.Key("twin") || other.Key == one.Key {
		t.Errorf("the keys are %s and %s", one.Key, other.Key)
	}
}

// livesAndDies: a conversation that claimed is seen to live until its process ends.
func livesAndDies(t *testing.T, a, b ticketfs.Engine, dies time.Duration) {
	p, mine := claim(t, a, "")
	_, others := claim(t, b, "")
	text := "tester@" + mine.Key
	if h := others.Holder(text); h.Life != session.Alive {
		t.Fatalf("a holder that serves is %s", h.Life)
	}
	if h := mine.Holder(text); h.Life != session.Mine {
		t.Errorf("a holder is to itself %s", h.Life)
	}
	if h := others.Holder("tester@000000000000"); h.Life == session.Alive {
		t.Error("a holder that never was lives")
	}
	if dies == 0 {
		return
	}
	must(t, p.Close())
	end := time.Now().Add(dies)
	for h := others.Holder(text); h.Life != session.Dead; h = others.Holder(text) {
		if time.Now().After(end) {
			t.Fatalf("%s after its end the holder is %s", dies, h.Life)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
