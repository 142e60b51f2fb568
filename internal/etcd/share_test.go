//go:build etcd

package etcd

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

func keptTickets(n, size int) (all []ticketfs.Kept) {
	for i := range n {
		id := fmt.Sprintf("t%04d", i)
		all = append(all, ticketfs.Kept{ID: id,
			Content: []byte(ticketText(id, "open") + strings.Repeat("x", size))})
	}
	return all
}

// TestShare: any number of tickets comes in by groups that the cluster takes, is a board only at the
// end, and comes out as it is when it is closed. Each step may be done again.
func TestShare(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a cluster")
	}
	cluster := etcdtest.Start(t, 1)
	config := Config{ID: "moved", Prefix: DefaultPrefix, Now: time.Now,
		Access: Access{Endpoints: cluster.Endpoints()}}
	raw, ctx := cluster.Client(), t.Context()
	exists := func(want bool) {
		t.Helper()
		if is, err := Exists(ctx, config); err != nil || is != want {
			t.Errorf("exists: %v, %v", is, err)
		}
	}
	exists(false)
	tickets := append(keptTickets(2*maxTickets+1, 100), ticketfs.Kept{ID: "zbig",
		Content: []byte(ticketText("zbig", "open") + strings.Repeat("x", maxBytes-200))})

	// A death between two groups leaves keys and no board.
	must(t, withMover(ctx, config, func(m mover) error { return m.putGroup(ctx, tickets[:3]) }))
	exists(false)
	if _, err := Open(ctx, config); ticketfs.CodeOf(err) != ticketfs.Unreachable {
		t.Errorf("half a board was opened: %v", err)
	}
	must(t, Share(ctx, config, tickets))
	exists(true)
	if err := Share(ctx, config, tickets[:1]); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("shared over a board: %v", err)
	}

	b, err := Open(ctx, config)
	must(t, err)
	t.Cleanup(func() { _ = b.Close() })
	b.Shown = Shown{Revision: func() (int64, error) { return 0, nil }}
	must(t, b.Change(ctx, change("t0000", false, note("mine"))))
	must(t, Close(ctx, config))
	must(t, Close(ctx, config))
	wantCode(t, b.Change(ctx, change("t0001", false, note("late"))), ticketfs.Unreachable)

	got, want := make(map[string]string), make(map[string]string)
	must(t, Tickets(ctx, config, func(t ticketfs.Kept) error {
		got[t.ID] = string(t.Content)
		return nil
	}))
	for _, k := range tickets {
		want[k.ID] = string(k.Content)
	}
	want["t0000"] = valueOf(t, raw, b.ticket("t0000"))
	if !strings.Contains(want["t0000"], "mine") || !maps.Equal(got, want) {
		t.Errorf("%d tickets came out, %d went in", len(got), len(want))
	}
}

// TestCloseHeld: a board on which a session that lives holds a ticket stays open, and the refusal
// says who holds what; a claim of a dead one, of a person, or of a closed ticket holds nothing up.
func TestCloseHeld(t *testing.T) {
	w := newWorld(t, 1)
	config := Config{ID: "b", Prefix: DefaultPrefix, Now: time.Now,
		Access: Access{Endpoints: w.cluster.Endpoints()}}
	w.ticketIs("dead", "in_progress", "claimed-by: "+claimBy("dead"))
	w.ticketIs("person", "in_progress", "claimed-by: ada@person")
	w.ticketIs("done", "closed", "claimed-by: "+claimBy("alive"))
	w.put(w.ticket("broken"), "no ticket")
	b := w.process()
	serves(t, b, "alive")
	at := int64(0)
	look := func() error {
		return withMover(t.Context(), config, func(m mover) (err error) {
			at, err = m.unheld(t.Context())
			return err
		})
	}
	must(t, look())

	w.ticketIs("held", "in_progress", "claimed-by: "+claimBy("alive"))
	must(t, withMover(t.Context(), config, func(m mover) error {
		kept, mod, err := m.readMeta(t.Context())
		must(t, err)
		if done, err := m.close(t.Context(), kept, mod, at); err != nil || done {
			t.Errorf("closed over a claim that was made after the look: %v, %v", done, err)
		}
		return nil
	}))
	before := w.value(w.keys.meta())
	err := Close(t.Context(), config)
	wantCode(t, err, ticketfs.Claimed)
	want := "sessions hold 1 of the tickets: held by " + claimBy("alive") + " on here"
	if err == nil || !strings.Contains(err.Error(), want) ||
		!strings.Contains(err.Error(), "then unshare again") {
		t.Errorf("%v; want %q and the next step", err, want)
	}
	if after := w.value(w.keys.meta()); after != before {
		t.Errorf("meta became %s", after)
	}
	must(t, b.Marks().Drop(session.Key("alive")))
	must(t, Close(t.Context(), config))
}

// TestShareForeign: under a prefix where other tickets are, a board is not made.
func TestShareForeign(t *testing.T) {
	w := newWorld(t, 1)
	config := Config{ID: "other", Prefix: DefaultPrefix, Now: time.Now,
		Access: Access{Endpoints: w.cluster.Endpoints()}}
	w.put(keysOf(DefaultPrefix, "other").ticket("z"), ticketText("z", "open"))
	if err := Share(t.Context(), config, keptTickets(2, 0)); err == nil || !strings.Contains(err.Error(), "another z") {
		t.Errorf("%v", err)
	}
	if is, err := Exists(t.Context(), config); err != nil || is {
		t.Errorf("there is a board: %v", err)
	}
}

func valueOf(t *testing.T, client *clientv3.Client, key string) string {
	t.Helper()
	resp, err := client.Get(context.Background(), key)
	must(t, err)
	if len(resp.Kvs) == 0 {
		return ""
	}
	return string(resp.Kvs[0].Value)
}

// composed are the settings of the compose file in the documents without which a board's cluster
// stops one day.
var composed = regexp.MustCompile(`(?m)^    ETCD_(AUTO_COMPACTION_MODE|AUTO_COMPACTION_RETENTION|QUOTA_BACKEND_BYTES): "?([^"\n]+)"?$`)

// TestComposed: a cluster takes the settings that the documents give, and works.
func TestComposed(t *testing.T) {
	text, err := os.ReadFile("../../docs/many-machines.md")
	must(t, err)
	var flags []string
	for _, m := range composed.FindAllStringSubmatch(string(text), -1) {
		flags = append(flags, "--"+strings.ToLower(strings.ReplaceAll(m[1], "_", "-"))+"="+m[2])
	}
	if len(flags) != 3 {
		t.Fatalf("the documents give %v", flags)
	}
	w := newWorld(t, 1, flags...)
	w.ticketIs("a", "open")
	b := w.process()
	must(t, b.Change(t.Context(), change("a", false, note("mine"))))
	status, err := w.raw.Status(t.Context(), w.cluster.Members[0].Endpoint)
	must(t, err)
	const quota = 8 << 30
	if status.DbSizeQuota != quota {
		t.Errorf("the quota is %d", status.DbSizeQuota)
	}
}
