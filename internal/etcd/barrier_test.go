//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/flocker"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// titleIn is the number in the title of a ticket that a mirror shows.
func titleIn(t testing.TB, dir, id string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, id+".md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "# ")
	n, err := strconv.Atoi(strings.TrimSpace(after))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Two mirrors, and a second process at one of them, are asked while others change the board: none
// shows less than what was answered before the question. Their watches are late, and other boards
// write too. It is noticed where the mirror is trusted ahead of the barrier.
func TestBarrierIsNeverStale(t *testing.T) {
	t.Parallel() // most of it is waiting
	if err := neverStale(t, (*Mirror).Fresh); err != nil {
		t.Error(err)
	}
	trusting := func(m *Mirror, _ context.Context) error {
		_, err := m.record()
		return err
	}
	if err := neverStale(t, trusting); err == nil {
		t.Error("not noticed: the mirror is trusted ahead of the barrier")
	}
}

func neverStale(t *testing.T, ask func(*Mirror, context.Context) error) error {
	cluster := oneMember(t)
	late := cluster.Proxy(cluster.Members[0])
	s := newScene(t, cluster.Client())
	s.put(map[string]string{"a": "0", "b": "0"})
	dir := filepath.Join(t.TempDir(), "mirror")
	mirrors := map[string]*Mirror{"slow": s.open(cluster.Client(late.Endpoint), dir)}
	fresh(t, mirrors["slow"])
	mirrors["follower"] = s.open(s.client, dir) // which asks straight, and hears late
	mirrors["straight"] = s.open(s.client, filepath.Join(t.TempDir(), "mirror"))
	fresh(t, mirrors["straight"])
	late.Delay(20 * time.Millisecond)
	for n := 1; n <= 40; n++ {
		s.put(map[string]string{"a": fmt.Sprint(n), "b": fmt.Sprint(n)})
		s.txn(clientv3.OpPut("/another-board", fmt.Sprint(n)))
		for name, m := range mirrors {
			if !asked(t, m, ask) {
				continue
			}
			for _, id := range []string{"a", "b"} {
				if shown := titleIn(t, m.dir, id); shown != n {
					return fmt.Errorf("the %s mirror shows %d of %s after %d was answered", name,
						shown, id, n)
				}
			}
		}
	}
	return nil
}

// asked reports whether the answer was that the mirror is current. On a loaded machine it may be
// that it cannot be said in time.
func asked(t *testing.T, m *Mirror, ask func(*Mirror, context.Context) error) bool {
	t.Helper()
	err := ask(m, t.Context())
	var lost *ticketfs.CutOff
	if err != nil && !errors.As(err, &lost) {
		t.Fatal(err)
	}
	return err == nil
}

// A progress notice that comes ahead of its events, as members before 3.5.8 sent them, moves
// nothing. It is noticed where it does.
func TestEarlyProgressNotice(t *testing.T) {
	if err := earlyNotice(t, (*writer).take); err != nil {
		t.Error(err)
	}
	trusting := func(w *writer, ctx context.Context, answer clientv3.WatchResponse) error {
		if answer.IsProgressNotify() {
			w.rec.Revision = answer.Header.Revision
			return w.commit()
		}
		return w.take(ctx, answer)
	}
	if err := earlyNotice(t, trusting); err == nil {
		t.Error("not noticed: a progress notice is trusted")
	}
}

// earlyNotice plays the writer of a mirror that another process reads: a notice comes, then what it
// tells of.
func earlyNotice(t *testing.T,
	take func(*writer, context.Context, clientv3.WatchResponse) error) error {
	s := newScene(t, oneMember(t).Client())
	s.put(map[string]string{"a": "0"})
	dir := filepath.Join(t.TempDir(), "mirror")
	if err := makeMirror(dir); err != nil {
		t.Fatal(err)
	}
	locks := flocker.Locks{Make: durable.MakeFile}
	lock, err := locks.Acquire(t.Context(), filepath.Join(dir, writerLock))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	m := s.open(s.client, dir)
	sums, err := readSums(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{Mirror: m, lock: lock, sums: sums}
	at, err := w.look(t.Context())
	if err == nil {
		err = w.load(t.Context(), at)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.recorded(record{}) // it is another process, which reads the folder
	events := s.client.Watch(t.Context(), s.keys.prefix, clientv3.WithPrefix(),
		clientv3.WithRev(at.revision+1))
	revision := s.put(map[string]string{"a": "1"})
	notice := clientv3.WatchResponse{Header: &etcdserverpb.ResponseHeader{Revision: revision}}
	for _, answer := range []clientv3.WatchResponse{notice, <-events} {
		if err := take(w, t.Context(), answer); err != nil {
			t.Fatal(err)
		}
		m.recorded(record{})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err := m.Fresh(ctx)
		cancel()
		if shown := titleIn(t, dir, "a"); err == nil && shown != 1 {
			return fmt.Errorf("it shows %d after 1 was answered", shown)
		}
	}
	fresh(t, m)
	return nil
}

// While the cluster is silent the first read waits, the next are answered at once, with the age of
// what they show. Once it speaks again they are current.
func TestCutOff(t *testing.T) {
	t.Parallel() // most of it is waiting
	cluster := oneMember(t)
	p := cluster.Proxy(cluster.Members[0])
	s := newScene(t, cluster.Client())
	s.put(map[string]string{"a": "0"})
	dir := filepath.Join(t.TempDir(), "mirror")
	m := s.open(cluster.Client(p.Endpoint), dir)
	fresh(t, m)
	known := time.Now()
	for name, end := range map[string]func(){"silent": p.Silence, "cut": p.Cut} {
		end()
		s.put(map[string]string{"a": "1"})
		var lost *ticketfs.CutOff
		if err := m.Fresh(t.Context()); !errors.As(err, &lost) {
			t.Fatalf("%s, the barrier said: %v", name, err)
		}
		began := time.Now()
		if err := m.Fresh(t.Context()); !errors.As(err, &lost) {
			t.Fatalf("%s, the barrier said: %v", name, err)
		}
		if took := time.Since(began); took > barrierLimit/2 {
			t.Errorf("%s, the second read waited %s, as the first does", name, took)
		}
		if lost.AsOf.Before(known.Add(-time.Minute)) || lost.AsOf.After(time.Now()) {
			t.Errorf("%s, the board is shown as of %s", name, lost.AsOf)
		}
		p.Heal()
		fresh(t, m)
		if shown := titleIn(t, dir, "a"); shown != 1 {
			t.Errorf("%s and healed, it shows %d", name, shown)
		}
	}
}

// A question that loses its answer, as when the leader changes, is asked again: the machine is not
// cut off.
func TestBarrierAsksAgain(t *testing.T) {
	cluster := oneMember(t)
	p := cluster.Proxy(cluster.Members[0])
	s := newScene(t, cluster.Client())
	s.put(map[string]string{"a": "0"})
	m := s.open(cluster.Client(p.Endpoint), filepath.Join(t.TempDir(), "mirror"))
	fresh(t, m)
	for range 5 {
		p.Lose(1)
		if err := m.Fresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if p.Lost() == 0 {
		t.Error("no answer was lost")
	}
}

// A cut off machine has nothing to show where it never saw the board.
func TestCutOffWithoutMirror(t *testing.T) {
	t.Parallel() // most of it is waiting
	cluster := oneMember(t)
	p := cluster.Proxy(cluster.Members[0])
	s := newScene(t, cluster.Client())
	client := cluster.Client(p.Endpoint)
	b := s.board(client)
	p.Cut()
	m, err := OpenMirror(b, filepath.Join(t.TempDir(), "mirror"), KeepRows)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var lost *ticketfs.CutOff
	if err := m.Fresh(t.Context()); !errors.As(err, &lost) || !lost.AsOf.IsZero() {
		t.Fatalf("the barrier said: %v", err)
	}
}

// A board that an older copy was restored of is loaded again, shows that older state, and takes no
// changes until somebody has begun another epoch: also where the cluster has the same name, and its
// revisions were raised.
func TestRestored(t *testing.T) {
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.put(map[string]string{"a": "1", "gone": "0"})
	dir := filepath.Join(t.TempDir(), "mirror")
	first, err := OpenMirror(s.board(s.client), dir, KeepRows)
	if err != nil {
		t.Fatal(err)
	}
	fresh(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// Another cluster, which has gone farther with other things.
	older := newScene(t, oneMember(t).Client())
	older.put(map[string]string{"a": "0"})
	for n := range 20 {
		older.txn(clientv3.OpPut("/raised", fmt.Sprint(n)))
	}
	b := older.board(older.client)
	m, err := OpenMirror(b, dir, KeepRows)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	fresh(t, m)
	if shown := titleIn(t, dir, "a"); shown != 0 {
		t.Errorf("after the restore it shows %d", shown)
	}
	if kept, err := m.Kept(); err != nil || len(kept) != 1 || kept[0] != "gone.md.mine" {
		t.Errorf("what the copy does not have was kept as %q, %v", kept, err)
	}
	if !b.epoch.isRestored() {
		t.Error("it takes changes")
	}
	older.txn(clientv3.OpPut(older.keys.meta(), meta{Format: format, State: stateOpen, Epoch: 1}.
		encode()), clientv3.OpPut(older.keys.tip(), "epoch"))
	fresh(t, m)
	shown, err := m.record()
	if err != nil || shown.Restored || shown.Epoch != 1 {
		t.Errorf("in the next epoch the mirror says %+v, %v", shown, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), etcdtest.Soon)
	defer cancel()
	if err := b.readMeta(ctx); err != nil {
		t.Errorf("in the next epoch: %v", err)
	}
}

func (g *guard) isRestored() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.restored
}

// A process that may not write into the folder has a mirror of its own, which goes with it. It
// follows the board only while somebody asks.
func TestMirrorOfOneAlone(t *testing.T) {
	t.Parallel() // most of it is waiting
	s := newScene(t, oneMember(t).Client())
	s.put(map[string]string{"a": "0"})
	const closed = "/sys/ticket-mcp-mirror" // for root too
	m, err := OpenMirror(s.board(s.client), closed, KeepRows)
	must(t, err)
	if !m.alone {
		t.Skip("a folder can be made at", closed)
	}
	fresh(t, m)
	if shown := titleIn(t, m.dir, "a"); shown != 0 || m.board.Shown.Dir != m.dir {
		t.Errorf("it shows %d in %s", shown, m.dir)
	}
	m.mu.Lock()
	m.used = time.Now().Add(-2 * restAfterUse)
	m.mu.Unlock()
	for late := time.Now().Add(etcdtest.Soon); writes(m); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it goes on following, though nobody asks")
		}
	}
	s.put(map[string]string{"a": "1"})
	fresh(t, m)
	if shown := titleIn(t, m.dir, "a"); shown != 1 || loads(t, m) != 1 {
		t.Errorf("asked again, it shows %d, loaded %d times", shown, loads(t, m))
	}
	must(t, m.Close())
	if _, err := os.Stat(m.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder stays: %v", err)
	}
}

// Rows that are older than they are kept go, a hundred at a time; the others stay.
func TestOldRowsGo(t *testing.T) {
	s := newScene(t, oneMember(t).Client())
	const old, each = 250, 100
	for from := 0; from < old; from += 50 {
		var puts []clientv3.Op
		for n := range 50 {
			puts = append(puts, clientv3.OpPut(s.keys.row(newOperation(
				time.Now().Add(-KeepRows-time.Duration(from+n+1)*time.Minute))), ""))
		}
		s.txn(puts...)
	}
	s.fill(3)
	s.txn(clientv3.OpPut(s.keys.row(newOperation(time.Now().Add(time.Hour-KeepRows))), ""))
	b := s.board(s.client)
	w := &writer{Mirror: &Mirror{board: b, keepRows: KeepRows},
		swept: time.Now().Add(-2 * time.Hour)}
	at, err := w.position(t.Context())
	must(t, err)
	for left := old; ; left -= each {
		count, err := s.client.Get(t.Context(), s.keys.rows(), clientv3.WithPrefix(),
			clientv3.WithCountOnly())
		must(t, err)
		if want := int64(max(left, 0) + 2); count.Count != want {
			t.Fatalf("%d rows are there instead of %d", count.Count, want)
		}
		if left <= 0 {
			return
		}
		must(t, w.sweepRows(t.Context(), at))
	}
}
