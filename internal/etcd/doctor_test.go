//go:build etcd

package etcd

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// health is what doctor says, by the names of the facts.
func health(t *testing.T, e *engine) map[string]ticketfs.Fact {
	t.Helper()
	facts := make(map[string]ticketfs.Fact)
	for _, f := range e.Health(t.Context()) {
		facts[f.Name] = f
	}
	return facts
}

// says checks one fact.
func says(t *testing.T, f ticketfs.Fact, wrong bool, text string) {
	t.Helper()
	if f.Wrong != wrong || !strings.Contains(f.Text, text) {
		t.Errorf("%s: wrong %v, %q; it should be %v and say %q", f.Name, f.Wrong, f.Text, wrong, text)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel() // most of it is waiting
	if testing.Short() {
		t.Skip("runs a cluster")
	}
	cluster := etcdtest.Start(t, 3, "--quota-backend-bytes", fmt.Sprint(32<<20))
	s := newScene(t, cluster.Client())
	s.fill(3)
	b := s.board(cluster.Client())
	m, err := OpenMirror(b, filepath.Join(t.TempDir(), "mirror"), KeepRows)
	must(t, err)
	defer m.Close()
	fresh(t, m)
	e := &engine{Board: b, mirror: m}
	facts := health(t, e)
	for _, name := range []string{"latency", "members", "member m0", "member m1", "member m2", "alarms",
		"compaction", "names", "mirror", "kept"} {
		if f, told := facts[name]; !told || f.Wrong && name != "latency" { // the machine may be slow
			t.Errorf("of a healthy board it says %s: %q", name, f.Text)
		}
	}
	says(t, facts["member m1"], false, "of 32 MB")
	says(t, b.compactionBeyond(t.Context(), 2), true, "--auto-compaction-mode=periodic")
	_, err = s.client.Compact(t.Context(), s.txn(clientv3.OpPut("/x", "")))
	must(t, err)
	says(t, b.compactionBeyond(t.Context(), 2), false, "ok")

	s.txn(clientv3.OpPut(s.keys.tickets()+"../out", ""), clientv3.OpPut(s.keys.tip(), "x"))
	must(t, writeNew(filepath.Join(m.dir, "t0.md"+mineExt), []byte("mine"), 0o644))
	for n := 0; err == nil; n++ { // until the quota is reached
		_, err = s.client.Put(t.Context(), fmt.Sprint("/large/", n), strings.Repeat("x", 1<<20))
	}
	cluster.Members[2].Kill()
	facts = health(t, e)
	says(t, facts["names"], true, "../out")
	says(t, facts["kept"], true, "t0.md.mine")
	says(t, facts["member m0"], true, "at its quota")
	says(t, facts["alarms"], true, "NOSPACE")
	says(t, facts["member m2"], true, "no answer")
	says(t, facts["mirror"], false, "this process writes it")
}

// A role for one board's keys may not look at the cluster, which is nothing wrong; what it needs for
// the board it has.
func TestHealthOfARole(t *testing.T) {
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.fill(2)
	ctx, cancel := context.WithTimeout(t.Context(), etcdtest.Soon)
	defer cancel()
	_, err := s.client.UserAdd(ctx, "root", "secret")
	must(t, err)
	_, err = s.client.UserGrantRole(ctx, "root", "root")
	must(t, err)
	_, err = s.client.RoleAdd(ctx, "board")
	must(t, err)
	_, err = s.client.RoleGrantPermission(ctx, "board", s.keys.prefix,
		clientv3.GetPrefixRangeEnd(s.keys.prefix), clientv3.PermissionType(clientv3.PermReadWrite))
	must(t, err)
	_, err = s.client.UserAdd(ctx, "agent", "word")
	must(t, err)
	_, err = s.client.UserGrantRole(ctx, "agent", "board")
	must(t, err)
	_, err = s.client.AuthEnable(ctx)
	must(t, err)
	client, err := Access{Endpoints: cluster.Endpoints(), User: "agent", Password: "word"}.dial()
	must(t, err)
	defer client.Close()
	b := s.board(client)
	m, err := OpenMirror(b, filepath.Join(t.TempDir(), "mirror"), KeepRows)
	must(t, err)
	defer m.Close()
	fresh(t, m)
	facts := health(t, &engine{Board: b, mirror: m})
	for name, f := range facts {
		if f.Wrong && name != "latency" { // the machine may be slow
			t.Errorf("%s: %q", name, f.Text)
		}
	}
	for _, name := range []string{"names", "mirror", "compaction"} {
		if f := facts[name]; f.Text == "not permitted" {
			t.Errorf("%s: %q", name, f.Text)
		}
	}
	b.keys = keysOf("/somewhere", "else")
	says(t, b.latency(t.Context()), false, "not permitted")
	says(t, b.strangers(t.Context()), false, "not permitted")
}

// A new epoch is begun once, by whoever has seen the last one.
func TestNewEpoch(t *testing.T) {
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	c := Config{ID: s.id, Prefix: "/mirror-test", Access: Access{Endpoints: cluster.Endpoints()},
		Now: time.Now}
	for want := 1; want <= 2; want++ {
		if epoch, err := NewEpoch(t.Context(), c); err != nil || epoch != want {
			t.Fatalf("epoch %d began: %v", epoch, err)
		}
	}
	c.ID = "none"
	if _, err := NewEpoch(t.Context(), c); ticketfs.CodeOf(err) != ticketfs.Unreachable {
		t.Fatalf("of no board: %v", err)
	}
}

func TestOldVersions(t *testing.T) {
	for version, want := range map[string]bool{"3.4.30": true, "3.5.12": true, "3.5.13": false,
		"3.6.0-rc.1": false, "3.7.3": false, "": true, "x": true} {
		if old(version) != want {
			t.Errorf("%q is old: %v", version, !want)
		}
	}
}
