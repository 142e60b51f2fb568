//go:build etcd

package etcd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// auditor looks at every transaction that puts a ticket, and panics where it does not compare what
// it must. It derives that from the bytes, by itself.
type auditor struct {
	clientv3.KV
	board *Board
}

// Put is no way to a ticket.
func (a *auditor) Put(ctx context.Context, key, value string, opts ...clientv3.OpOption) (
	*clientv3.PutResponse, error) {
	if strings.HasPrefix(key, a.board.tickets()) {
		panic("audit: a plain put of " + key)
	}
	return a.KV.Put(ctx, key, value, opts...)
}

func (a *auditor) Txn(ctx context.Context) clientv3.Txn {
	return &txn{Txn: a.KV.Txn(ctx), commit: func(t *txn) (*clientv3.TxnResponse, error) {
		if err := a.audit(ctx, t); err != nil {
			panic("audit: " + err.Error())
		}
		return t.send()
	}}
}

// txn is a transaction on its way, which somebody looks at or changes ahead of the next.
type txn struct {
	clientv3.Txn
	ifs         []clientv3.Cmp
	then, other []clientv3.Op
	commit      func(*txn) (*clientv3.TxnResponse, error)
}

func (t *txn) If(cs ...clientv3.Cmp) clientv3.Txn     { t.ifs = cs; return t }
func (t *txn) Then(ops ...clientv3.Op) clientv3.Txn   { t.then = ops; return t }
func (t *txn) Else(ops ...clientv3.Op) clientv3.Txn   { t.other = ops; return t }
func (t *txn) Commit() (*clientv3.TxnResponse, error) { return t.commit(t) }

func (t *txn) send() (*clientv3.TxnResponse, error) {
	return t.Txn.If(t.ifs...).Then(t.then...).Else(t.other...).Commit()
}

// compares reports whether a key is compared by what the target says.
func (t *txn) compares(key string, target pb.Compare_CompareTarget, prefix bool) bool {
	return slices.ContainsFunc(t.ifs, func(c clientv3.Cmp) bool {
		pb := c.GetCompare()
		return string(pb.Key) == key && pb.Target == target && (len(pb.RangeEnd) > 0) == prefix
	})
}

func (t *txn) puts(key string) bool {
	return slices.ContainsFunc(t.then, func(o clientv3.Op) bool {
		return o.IsPut() && string(o.KeyBytes()) == key
	})
}

func (a *auditor) audit(ctx context.Context, t *txn) error {
	b := a.board
	var edits []edit
	keys := make(map[string]bool)
	slot, row := false, false
	for _, op := range t.then {
		key := string(op.KeyBytes())
		if op.IsGet() {
			continue
		}
		if keys[key] {
			return fmt.Errorf("%s twice", key)
		}
		keys[key] = true
		slot = slot || strings.HasPrefix(key, b.prefix+"op/")
		row = row || strings.HasPrefix(key, b.rows())
		id, is := strings.CutPrefix(key, b.tickets())
		if !is {
			continue
		}
		resp, err := a.KV.Get(ctx, key)
		if err != nil {
			return nil // it cannot be audited now
		}
		e := edit{id: id, after: textOf(id, op.ValueBytes(), nil)}
		if len(resp.Kvs) > 0 {
			e.before = textOf(id, content(resp.Kvs[0].Value), nil)
		}
		edits = append(edits, e)
		target := pb.Compare_MOD
		if !t.compares(key, target, false) && !t.compares(key, pb.Compare_CREATE, false) {
			return fmt.Errorf("%s is not compared", key)
		}
	}
	if len(edits) == 0 {
		return nil
	}
	if !t.compares(b.keys.meta(), pb.Compare_MOD, false) {
		return fmt.Errorf("meta is not compared")
	}
	if !slot || !row || !t.puts(b.tip()) {
		return fmt.Errorf("no slot, row or tip: %v", keys)
	}
	return a.auditRules(t, edits)
}

// auditRules looks for what depends on the fields of the tickets.
func (a *auditor) auditRules(t *txn, edits []edit) error {
	b := a.board
	for _, e := range edits {
		if !e.before.ground().equal(e.after.ground()) &&
			(!t.compares(b.keys.relations(), pb.Compare_MOD, false) || !t.puts(b.keys.relations())) {
			return fmt.Errorf("%s moves the ground, and relations are not compared and put", e.id)
		}
		from, to := keyIn(e.before.claim()), keyIn(e.after.claim())
		if e.before.claim() == e.after.claim() || e.after.claim() == "" {
			continue
		}
		marked := slices.ContainsFunc(t.ifs, func(c clientv3.Cmp) bool {
			return strings.HasPrefix(string(c.GetCompare().Key), b.keys.marks(to)) &&
				c.GetCompare().Result == pb.Compare_GREATER
		})
		if to != "" && !marked {
			return fmt.Errorf("%s is claimed, and no mark is compared", e.id)
		}
		if e.before.started() && from != "" && from != to &&
			!t.compares(b.keys.marks(from), pb.Compare_CREATE, true) {
			return fmt.Errorf("%s is taken over, and the former mark is not compared", e.id)
		}
	}
	return nil
}

// without is a broken variant: comparisons of keys with the prefixes are left out.
func without(prefixes ...string) way {
	return altered(func(t *txn) {
		t.ifs = slices.DeleteFunc(slices.Clone(t.ifs), func(c clientv3.Cmp) bool {
			return slices.ContainsFunc(prefixes, func(prefix string) bool {
				return strings.HasPrefix(string(c.GetCompare().Key), prefix)
			})
		})
	})
}

// altered is a way on which transactions are changed.
func altered(how func(*txn)) way {
	return met(func(t *txn) (*clientv3.TxnResponse, error) {
		how(t)
		return t.send()
	})
}

// met is a way on which transactions meet something.
func met(commit func(*txn) (*clientv3.TxnResponse, error)) way {
	return func(kv clientv3.KV) clientv3.KV { return &meeting{kv, commit} }
}

type meeting struct {
	clientv3.KV
	commit func(*txn) (*clientv3.TxnResponse, error)
}

func (m *meeting) Txn(ctx context.Context) clientv3.Txn {
	return &txn{Txn: m.KV.Txn(ctx), commit: m.commit}
}

// TestAudit: the auditor stops what a change must not leave out.
func TestAudit(t *testing.T) {
	w := newWorld(t, 1)
	w.ticketIs("a", "open")
	w.ticketIs("b", "in_progress", "claimed-by: "+claimBy("gone"))
	for name, left := range map[string]string{
		"ticket": w.tickets(), "relations": w.keys.relations(), "meta": w.keys.meta(),
		"mark": w.marks(session.Key("me")), "former mark": w.marks(session.Key("gone")),
	} {
		b := w.process()
		serves(t, b, "me")
		b.client.KV = without(left)(b.client.KV) // ahead of the auditor
		id := "a"
		if name == "former mark" {
			id = "b"
		}
		said := func() (said any) {
			defer func() { said = recover() }()
			return b.Change(t.Context(), set(id, true, "status", "in_progress", "claimed-by",
				claimBy("me")))
		}()
		if text, is := said.(string); !is || !strings.HasPrefix(text, "audit: ") {
			t.Errorf("%s: %v", name, said)
		}
	}
}
