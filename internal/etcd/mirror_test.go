//go:build etcd

package etcd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
)

// scene is a board in a cluster that tests change by plain transactions, as another machine does.
type scene struct {
	t      testing.TB
	client *clientv3.Client
	keys   keys
	id     string
	texts  map[string]string // by ticket, as they were put last
}

// oneMember is a cluster of one.
func oneMember(t testing.TB) *etcdtest.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a cluster")
	}
	return etcdtest.Start(t, 1)
}

func newScene(t testing.TB, client *clientv3.Client) *scene {
	t.Helper()
	s := &scene{t: t, client: client, id: "b", texts: make(map[string]string)}
	s.keys = keysOf("/mirror-test", s.id)
	s.txn(clientv3.OpPut(s.keys.meta(), meta{Format: format, State: stateOpen}.encode()),
		clientv3.OpPut(s.keys.tip(), "share"))
	return s
}

func (s *scene) txn(ops ...clientv3.Op) int64 {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), etcdtest.Soon)
	defer cancel()
	answer, err := s.client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.Header.Revision
}

// titled is a ticket with a title.
func titled(id, title string) string {
	return fmt.Sprintf("---\nschema_version: 1\nid: %s\nstatus: open\n---\n# %s\n", id, title)
}

// put is a change of tickets, with the rows that every change of this program leaves.
func (s *scene) put(titles map[string]string) int64 {
	s.t.Helper()
	operation := newOperation(time.Now())
	ops := []clientv3.Op{clientv3.OpPut(s.keys.tip(), operation)}
	var rows bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(titles)) {
		before, after := []byte(s.texts[id]), titled(id, titles[id])
		if s.texts[id] == "" {
			before = nil
		}
		ops = append(ops, clientv3.OpPut(s.keys.ticket(id), after))
		line, err := json.Marshal(journal.Row{Time: time.Now(), Ticket: id,
			Cause: journal.Cause{Call: journal.NewCall(), Tool: "test"}, From: "open", To: "open",
			Before: journal.HashOf(before), After: journal.HashOf([]byte(after))})
		if err != nil {
			s.t.Fatal(err)
		}
		rows.Write(append(line, '\n'))
		s.texts[id] = after
	}
	return s.txn(append(ops, clientv3.OpPut(s.keys.row(operation), rows.String()))...)
}

// fill makes tickets t0, t1 and so on.
func (s *scene) fill(n int) {
	s.t.Helper()
	for from := 0; from < n; from += 100 {
		titles := make(map[string]string)
		for i := from; i < min(from+100, n); i++ {
			titles[fmt.Sprint("t", i)] = "one"
		}
		s.put(titles)
	}
}

// board is the scene's board as a process sees it.
func (s *scene) board(client *clientv3.Client) *Board {
	s.t.Helper()
	b := &Board{Config: Config{ID: s.id, Now: time.Now}, keys: s.keys, client: client}
	ctx, cancel := context.WithTimeout(context.Background(), etcdtest.Soon)
	defer cancel()
	if err := b.readMeta(ctx); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// open opens a mirror, which is closed at the end of the test.
func (s *scene) open(client *clientv3.Client, dir string) *Mirror {
	s.t.Helper()
	m, err := OpenMirror(s.board(client), dir, KeepRows)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := m.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return m
}

// fresh is the barrier, within the time that a loaded machine may need.
func fresh(t testing.TB, m *Mirror) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), etcdtest.Soon)
	defer cancel()
	for {
		err := m.Fresh(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// shows compares all files of a mirror with what the tickets hold.
func (s *scene) shows(dir string) {
	s.t.Helper()
	for id, want := range s.texts {
		path := filepath.Join(dir, id+".md")
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			s.t.Fatalf("%s shows %q (%v) instead of %q", id, got, err, want)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(found) != len(s.texts) {
		s.t.Fatalf("%d files for %d tickets (%v)", len(found), len(s.texts), err)
	}
}

// rowsIn are the rows of a ticket, with their former texts.
func rowsIn(t testing.TB, dir, id string) (rows []journal.Row) {
	t.Helper()
	err := journal.Of(dir).Ticket(id, true, func(r journal.Row) bool {
		rows = append(rows, r)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// tells checks that the rows of a ticket lead, one after another, to what it holds, each with its
// former text.
func (s *scene) tells(dir, id string, changes int) {
	s.t.Helper()
	all := rowsIn(s.t, dir, id)
	if len(all) != changes {
		s.t.Fatalf("%s has %d rows of %d changes: %+v", id, len(all), changes, all)
	}
	text := []byte(s.texts[id])
	for _, r := range slices.Backward(all) {
		former, err := r.Restore(text)
		if err != nil {
			s.t.Fatalf("row %s: %v", r.ID(), err)
		}
		text = former
	}
	if text != nil {
		s.t.Fatalf("%s began as %q", id, text)
	}
}

func TestMirrorLoadsAndFollows(t *testing.T) {
	t.Parallel() // most of it is waiting
	s := newScene(t, oneMember(t).Client())
	s.fill(2000)
	dir := filepath.Join(t.TempDir(), "mirror")
	began := time.Now()
	m := s.open(s.client, dir)
	fresh(t, m)
	t.Logf("first load of %d tickets: %s", len(s.texts), time.Since(began))
	s.shows(dir)
	info, err := os.Stat(filepath.Join(dir, "t7.md"))
	if err != nil || info.Mode() != 0o444 {
		t.Fatalf("mode %s, %v", info.Mode(), err)
	}
	for n := range 50 {
		s.put(map[string]string{"t7": fmt.Sprint("title ", n), fmt.Sprint("n", n): "new"})
		fresh(t, m)
		if text, err := os.ReadFile(filepath.Join(dir, "t7.md")); err != nil || string(text) !=
			s.texts["t7"] {
			t.Fatalf("after the barrier of change %d: %q, %v", n, text, err)
		}
	}
	s.shows(dir)
	s.tells(dir, "t7", 51)
	s.tells(dir, "n3", 1)
}

// Two processes have one mirror: whoever does not write it follows, and goes on when the other has
// ended. Nothing is loaded again, and no row is appended twice.
func TestMirrorOfTwo(t *testing.T) {
	s := newScene(t, oneMember(t).Client())
	s.fill(20)
	dir := filepath.Join(t.TempDir(), "mirror")
	first, err := OpenMirror(s.board(s.client), dir, KeepRows)
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, first)
	second := s.open(s.client, dir)
	for n := range 10 {
		s.put(map[string]string{"t3": fmt.Sprint("first writes ", n)})
		fresh(t, second)
		s.shows(dir)
	}
	if writes(second) || !writes(first) {
		t.Fatal("the second writes")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	s.put(map[string]string{"t3": "between"})
	s.put(map[string]string{"t3": "after"})
	fresh(t, second)
	s.shows(dir)
	s.tells(dir, "t3", 13)
	if n := loads(t, second); n != 1 {
		t.Fatalf("loaded %d times", n)
	}
}

// writes reports whether this process's mirror is written by it.
func writes(m *Mirror) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes.Revision > 0
}

// loads is how often a mirror was loaded whole.
func loads(t testing.TB, m *Mirror) int {
	t.Helper()
	shown, err := m.record()
	if err != nil {
		t.Fatal(err)
	}
	return shown.Loads
}
