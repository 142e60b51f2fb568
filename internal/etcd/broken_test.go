//go:build etcd

package etcd

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// TestPromises: each scenario brings two processes, or a process and the cluster, into the order
// that a promise is about, and says how it was broken. The promise is kept on the plain way, and
// the scenario notices each broken variant.
func TestPromises(t *testing.T) {
	w := newWorld(t, 1)
	marks := w.sessions()
	for _, tt := range []struct {
		name   string
		play   func(*testing.T, *world, ...way) error
		broken map[string]way
	}{
		{"no lost update", lostUpdate, map[string]way{
			"tickets are not compared": without(w.tickets()),
			"a plain put":              altered(func(x *txn) { x.ifs = nil }),
		}},
		{"created once", createdTwice, map[string]way{
			"nothing is compared": without(w.tickets(), w.keys.relations()),
		}},
		{"no write skew", writeSkew, map[string]way{
			"relations are not compared": without(w.keys.relations()),
			"relations are not put": altered(func(x *txn) {
				x.then = slices.DeleteFunc(slices.Clone(x.then), func(o clientv3.Op) bool {
					return o.IsPut() && string(o.KeyBytes()) == w.keys.relations()
				})
			}),
		}},
		{"no change of a board that closes", afterClosing, map[string]way{
			"meta is not compared": without(w.keys.meta()),
		}},
		{"no claim of the dead", claimOfTheDead, map[string]way{
			"marks are not compared": without(marks),
		}},
		{"nothing is taken from the living", takenFromTheLiving, map[string]way{
			"marks are not compared": without(marks),
		}},
		{"already yours only while you live", alreadyYours, map[string]way{
			"marks are not compared": without(marks),
		}},
		{"a mark for each process", markOfEach, map[string]way{
			"the lease is not in the key": altered(leaseless(w.keys)),
		}},
		{"refused for what is so", staleRefusal, map[string]way{
			"relations are not compared": without(w.keys.relations()),
		}},
		{"no change in vain", staleNoChange, map[string]way{
			"tickets are not compared": without(w.tickets()),
		}},
		{"told as undone, never done", doneLater, map[string]way{
			"absent is taken for not done": altered(func(x *txn) {
				if len(x.then) == 1 && strings.HasPrefix(string(x.then[0].ValueBytes()), "not ") {
					x.then = nil // nothing stops it
				}
			}),
			"slots are not compared": without(w.prefix + "op/"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := w.clear(t)
			if err := tt.play(t, w); err != nil {
				t.Error(err)
			}
			for variant, to := range tt.broken {
				w := w.clear(t)
				if err := tt.play(t, w, to); err == nil {
					t.Errorf("not noticed: %s", variant)
				}
			}
		})
	}
}

// clear empties the board for another test.
func (w *world) clear(t *testing.T) *world {
	t.Helper()
	next := *w
	next.t = t
	_, err := w.raw.Delete(t.Context(), w.prefix, clientv3.WithPrefix())
	must(t, err)
	next.put(w.keys.meta(), meta{Format: format, State: stateOpen, Epoch: 1}.encode())
	return &next
}

func lostUpdate(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open")
	one, two := w.process(ways...), w.process()
	must(t, one.Change(t.Context(), meanwhile(change("a", false, note("mine")), func() {
		must(t, two.Change(t.Context(), change("a", false, note("other"))))
	})))
	text := w.value(w.ticket("a"))
	if !strings.Contains(text, "mine") || !strings.Contains(text, "other") {
		return errors.New("a note is lost: " + text)
	}
	return nil
}

func createdTwice(t *testing.T, w *world, ways ...way) error {
	one, two := w.process(ways...), w.process()
	err := one.Change(t.Context(), meanwhile(create("a", ticketText("a", "open")), func() {
		must(t, two.Change(t.Context(), create("a", ticketText("a", "closed"))))
	}))
	if err == nil {
		return errors.New("both created it")
	}
	return nil
}

// writeSkew: two tickets are made each other's blocker, each by a rule that sees the other free.
func writeSkew(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open")
	w.ticketIs("b", "open")
	one, two := w.process(ways...), w.process(ways...)
	block := func(id, by string) ticketfs.Change {
		return asking(by, change(id, true, func(*document.Document) ([]document.Edit, error) {
			if fields(t, w, by).BlockedByID(id) {
				return nil, ticketfs.Refuse(ticketfs.Cycle, "", "%s waits for %s", by, id)
			}
			return []document.Edit{document.AddItem(document.KeyBlockedBy, by)}, nil
		}))
	}
	err := one.Change(t.Context(), meanwhile(block("a", "b"), func() {
		must(t, two.Change(t.Context(), block("b", "a")))
	}))
	if ticketfs.CodeOf(err) != ticketfs.Cycle {
		return errors.Join(errors.New("a cycle was made"), err)
	}
	return nil
}

func afterClosing(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open")
	one := w.process(ways...)
	err := one.Change(t.Context(), meanwhile(change("a", false, note("late")), func() {
		w.put(w.keys.meta(), meta{Format: format, State: stateClosing, Epoch: 1}.encode())
	}))
	if ticketfs.CodeOf(err) != ticketfs.Unreachable {
		return errors.Join(errors.New("it was changed"), err)
	}
	return nil
}

// claimOfTheDead: a process's lease ends while it judges a start; it signs again, and has told
// everybody that it lives before its claim stands.
func claimOfTheDead(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open")
	one := w.process(ways...)
	serves(t, one, "me")
	must(t, one.Change(t.Context(), meanwhile(set("a", true, "status", "in_progress", "claimed-by",
		claimBy("me")), func() {
		_, err := w.raw.Delete(t.Context(), w.marks(session.Key("me")), clientv3.WithPrefix())
		must(t, err)
	})))
	if w.process().Marks().Probe(session.Key("me")).Life != session.Alive {
		return errors.New("nobody sees the holder")
	}
	return nil
}

// takenFromTheLiving: a holder that was seen dead signs again before its ticket is taken.
func takenFromTheLiving(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "in_progress", "claimed-by: "+claimBy("former"))
	former, one := w.process(), w.process(ways...)
	serves(t, one, "me")
	take := change("a", true, func(*document.Document) ([]document.Edit, error) {
		if one.Marks().Probe(session.Key("former")).Life != session.Dead {
			return nil, ticketfs.Refuse(ticketfs.Claimed, "", "held")
		}
		return []document.Edit{document.Set("claimed-by", claimBy("me"))}, nil
	})
	err := one.Change(t.Context(), meanwhile(take, func() { serves(t, former, "former") }))
	if ticketfs.CodeOf(err) != ticketfs.Claimed {
		return errors.Join(errors.New("it was taken"), err)
	}
	return nil
}

// alreadyYours: that a ticket is held already is no answer for a process whose mark is gone.
func alreadyYours(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "in_progress", "claimed-by: "+claimBy("me"))
	one := w.process(ways...)
	serves(t, one, "me")
	_, err := w.raw.Delete(t.Context(), w.marks(session.Key("me")), clientv3.WithPrefix())
	must(t, err)
	must(t, one.Change(t.Context(), change("a", true,
		func(*document.Document) ([]document.Edit, error) { return nil, nil })))
	if w.process().Marks().Probe(session.Key("me")).Life != session.Alive {
		return errors.New("nobody sees the holder")
	}
	return nil
}

// markOfEach: a conversation that two processes serve lives on when one of them gives it up.
func markOfEach(t *testing.T, w *world, ways ...way) error {
	one, two := w.process(ways...), w.process(ways...)
	serves(t, one, "shared")
	serves(t, two, "shared")
	for _, b := range []*Board{one, two} {
		resp, err := b.client.Get(t.Context(), w.sessions(), clientv3.WithPrefix())
		must(t, err)
		if n := len(resp.Kvs); n != 2 {
			return errors.New("two processes have one mark")
		}
	}
	return nil
}

// leaseless puts marks under the conversation's key alone.
func leaseless(k keys) func(*txn) {
	return func(x *txn) {
		for i, op := range x.then {
			key, marks := strings.CutPrefix(string(op.KeyBytes()), k.sessions())
			if marks && op.IsPut() {
				conversation, _, _ := strings.Cut(key, "/")
				x.then[i] = clientv3.OpPut(k.marks(conversation), string(op.ValueBytes()))
			}
		}
	}
}

// staleRefusal: what a rule is shown is behind, so that it refuses for what is not so any more.
func staleRefusal(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open", "blocked-by: [b]")
	w.ticketIs("b", "open")
	one, two := w.process(ways...), w.process()
	resp, err := w.raw.Get(t.Context(), w.ticket("b"))
	must(t, err)
	shown, at := fields(t, w, "b"), resp.Header.Revision
	one.Shown.Revision = func() (int64, error) { return at, nil }
	one.Shown.Reach = func(_ context.Context, revision int64) error {
		shown, at = fields(t, w, "b"), revision
		return nil
	}
	start := asking("b", change("a", true, func(*document.Document) ([]document.Edit, error) {
		if shown.Status != document.StatusClosed {
			return nil, ticketfs.Refuse(ticketfs.Blocked, "", "b is %s", shown.Status)
		}
		return []document.Edit{document.Set("status", "in_progress")}, nil
	}))
	// It is closed while the rule is run, so that what was read first tells nothing of it.
	if err := one.Change(t.Context(), meanwhile(start, func() {
		must(t, two.Change(t.Context(), set("b", true, "status", "closed")))
	})); err != nil {
		return err
	}
	return nil
}

// staleNoChange: what is to be done is undone while the rule finds nothing to do.
func staleNoChange(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open", "assignee: Ada")
	one, two := w.process(ways...), w.process()
	must(t, one.Change(t.Context(), meanwhile(set("a", false, "assignee", "Ada"), func() {
		must(t, two.Change(t.Context(), set("a", false, "assignee", "Eve")))
	})))
	if got := fields(t, w, "a").Assignee; got != "Ada" {
		return errors.New("answered, and it is " + got)
	}
	return nil
}

// doneLater: a transaction is held up on its way. Its process hears nothing, settles that it was
// not done, and answers; then it arrives.
func doneLater(t *testing.T, w *world, ways ...way) error {
	w.ticketIs("a", "open")
	var late *txn
	hold := met(func(x *txn) (*clientv3.TxnResponse, error) {
		if late == nil && x.puts(w.ticket("a")) {
			late = x
			return nil, errors.New("no answer")
		}
		return x.send()
	})
	one := w.process(append(ways, hold)...)
	first := change("a", false, note("late"))
	decide := first.Decide
	first.Decide = func(contents [][]byte, v ticketfs.Viewer) ([]ticketfs.Write, error) {
		if late != nil {
			return nil, ticketfs.Refuse(ticketfs.Claimed, "", "not any more")
		}
		return decide(contents, v)
	}
	wantCode(t, one.Change(t.Context(), first), ticketfs.Claimed)
	kv := w.raw.KV
	for _, to := range ways {
		kv = to(kv)
	}
	_, err := kv.Txn(t.Context()).If(late.ifs...).Then(late.then...).Else(late.other...).Commit()
	must(t, err)
	if strings.Contains(w.value(w.ticket("a")), "late") {
		return errors.New("it was done later")
	}
	return nil
}
