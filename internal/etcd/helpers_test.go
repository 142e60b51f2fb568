//go:build etcd

package etcd

import (
	"context"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// world is a cluster with one board, for processes that are made for the test.
type world struct {
	t       *testing.T
	cluster *etcdtest.Cluster
	raw     *clientv3.Client // beside the board's door
	keys
}

func newWorld(t *testing.T, members int, flags ...string) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a cluster")
	}
	w := &world{t: t, cluster: etcdtest.Start(t, members, flags...), keys: keysOf(DefaultPrefix, "b")}
	w.raw = w.cluster.Client()
	w.put(w.keys.meta(), meta{Format: format, State: stateOpen, Epoch: 1}.encode())
	return w
}

// put writes beside the door.
func (w *world) put(key, value string) {
	w.t.Helper()
	_, err := w.raw.Put(w.t.Context(), key, value)
	must(w.t, err)
}

// ticketIs puts a ticket, as a change before the test did.
func (w *world) ticketIs(id, status string, lines ...string) {
	w.t.Helper()
	w.put(w.ticket(id), ticketText(id, status, lines...))
}

func (w *world) value(key string) string {
	w.t.Helper()
	resp, err := w.raw.Get(w.t.Context(), key)
	must(w.t, err)
	if len(resp.Kvs) == 0 {
		return ""
	}
	return string(resp.Kvs[0].Value)
}

// way is a way from a process to the cluster, on which something may happen.
type way func(clientv3.KV) clientv3.KV

// process is a process on the board. What it sends is audited, and then takes the ways.
func (w *world) process(ways ...way) *Board {
	w.t.Helper()
	b, err := Open(w.t.Context(), Config{ID: "b", Prefix: DefaultPrefix,
		Access: Access{Endpoints: w.cluster.Endpoints()}, Now: time.Now, Host: "here", PID: 1})
	must(w.t, err)
	w.t.Cleanup(func() { _ = b.Close() }) // the cluster may be gone
	for _, to := range ways {
		b.client.KV = to(b.client.KV)
	}
	b.client.KV = &auditor{KV: b.client.KV, board: b}
	// What it is shown of other tickets is the board itself, read as late as it can be.
	b.Shown = Shown{
		Revision: func() (int64, error) {
			resp, err := w.raw.Get(context.Background(), w.tip())
			if err != nil {
				return 0, err
			}
			return resp.Header.Revision, nil
		},
		Fresh: func(context.Context) error { return nil },
		Reach: func(context.Context, int64) error { return nil },
	}
	return b
}

func ticketText(id, status string, lines ...string) string {
	text := "---\nid: " + id + "\nstatus: " + status + "\n"
	for _, l := range lines {
		text += l + "\n"
	}
	return text + "---\n# " + id + "\n"
}

// change changes one ticket by edits of its document.
func change(id string, relations bool,
	rule func(d *document.Document) ([]document.Edit, error)) ticketfs.Change {
	return ticketfs.Change{IDs: []string{id}, Relations: relations,
		Cause: journal.Cause{Call: "call", Actor: "tester", Tool: "test"},
		Decide: func(contents [][]byte, _ ticketfs.Viewer) ([]ticketfs.Write, error) {
			d, err := document.Parse(id, contents[0])
			if err != nil {
				return nil, err
			}
			edits, err := rule(d)
			if err != nil || edits == nil {
				return nil, err
			}
			after, err := d.Apply(edits...)
			if err != nil {
				return nil, err
			}
			return []ticketfs.Write{{Content: after.Bytes(), Before: d, After: after}}, nil
		}}
}

// set changes keys of a ticket, in pairs.
func set(id string, relations bool, pairs ...string) ticketfs.Change {
	return change(id, relations, func(*document.Document) ([]document.Edit, error) {
		var edits []document.Edit
		for i := 0; i < len(pairs); i += 2 {
			edits = append(edits, document.Set(pairs[i], pairs[i+1]))
		}
		return edits, nil
	})
}

// meanwhile runs do within the first run of a change's rule, after it was decided on.
func meanwhile(c ticketfs.Change, do func()) ticketfs.Change {
	var once sync.Once
	decide := c.Decide
	c.Decide = func(contents [][]byte, v ticketfs.Viewer) ([]ticketfs.Write, error) {
		writes, err := decide(contents, v)
		once.Do(do)
		return writes, err
	}
	return c
}

// nothing is a view for tests that only ask.
type nothing struct{ ticketfs.View }

func (nothing) Get(string) (document.Ticket, error) { return document.Ticket{}, nil }

// asking makes a change's rule ask for another ticket first, whatever it makes of the answer.
func asking(id string, c ticketfs.Change) ticketfs.Change {
	c.View = func(...document.Ticket) (ticketfs.View, error) { return nothing{}, nil }
	decide := c.Decide
	c.Decide = func(contents [][]byte, view ticketfs.Viewer) ([]ticketfs.Write, error) {
		v, err := view()
		if err != nil {
			return nil, err
		}
		_, _ = v.Get(id)
		return decide(contents, view)
	}
	return c
}

// claimBy is the claim of the conversation of a name.
func claimBy(name string) string {
	return session.Claim{Name: "x", Key: session.Key(name)}.String()
}

// serves signs a conversation.
func serves(t *testing.T, b *Board, name string) {
	t.Helper()
	must(t, b.Marks().Serve(session.Key(name), session.Call{}, true, false))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, want ticketfs.Code) {
	t.Helper()
	if got := ticketfs.CodeOf(err); got != want {
		t.Errorf("%v: code %q, want %q", err, got, want)
	}
}

// soon waits until something holds, which it does soon.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(etcdtest.Soon); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %s: %s", etcdtest.Soon, what)
		}
	}
}

func fields(t *testing.T, w *world, id string) document.Ticket {
	t.Helper()
	d, err := document.Parse(id, []byte(w.value(w.ticket(id))))
	must(t, err)
	return d.Ticket()
}
