//go:build etcd

package etcd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
)

// transaction is what is compared, what is put, and what is read where a comparison fails.
type transaction struct {
	operation       *operation
	ifs             []clientv3.Cmp
	then, other     []clientv3.Op
	living          []string // conversations whose marks are compared to be there
	changes         bool     // it puts something
	readsAt         int      // where the answer of a failed one has what foundIn takes,
	slotAt, marksAt int      // the slot, and the marks
}

// newTransaction compares meta, and reads all that a next try needs.
func (o *operation) newTransaction() *transaction {
	b := o.board
	t := &transaction{operation: o, ifs: []clientv3.Cmp{b.sameMeta()},
		other: []clientv3.Op{clientv3.OpGet(b.keys.meta(), clientv3.WithKeysOnly())}}
	t.readsAt = len(t.other)
	t.other = append(t.other, o.reads(false)...)
	t.marksAt = len(t.other)
	return t
}

func (t *transaction) send(ctx context.Context) (*clientv3.TxnResponse, error) {
	b := t.operation.board
	since := b.epoch.since()
	resp, err := b.client.Txn(ctx).If(t.ifs...).Then(t.then...).Else(t.other...).Commit()
	if err != nil {
		return nil, err
	}
	if err := b.epoch.see(since, resp.Header); err != nil && !resp.Succeeded {
		return nil, err
	}
	return resp, nil
}

// metaMoved reads meta again where that is why a transaction failed.
func (b *Board) metaMoved(ctx context.Context, failed *clientv3.TxnResponse) error {
	if modOf(failed.Responses[0].GetResponseRange()) == b.epoch.metaMod() {
		return nil
	}
	return b.readMeta(ctx)
}

// sameTickets compares that the tickets are as they were found; a new one, that there is none.
func (t *transaction) sameTickets(f *found) {
	for i, id := range t.operation.IDs {
		key := t.operation.board.ticket(id)
		if f.mods[i] == 0 {
			t.ifs = append(t.ifs, clientv3.Compare(clientv3.CreateRevision(key), "=", 0))
			continue
		}
		t.ifs = append(t.ifs, clientv3.Compare(clientv3.ModRevision(key), "=", f.mods[i]))
	}
}

// sameRelations compares that no relation changed after what was shown.
func (t *transaction) sameRelations(shown int64) {
	key := t.operation.board.keys.relations()
	t.ifs = append(t.ifs, clientv3.Compare(clientv3.ModRevision(key), "<", shown+1))
}

// marked compares that a conversation lives: that this process's mark of it is there, or, where
// another process serves it, any.
func (t *transaction) marked(conversation string) {
	b := t.operation.board
	key := b.keys.marks(conversation)
	opts := []clientv3.OpOption{clientv3.WithPrefix()}
	if l := b.life.last(); l != nil && b.life.signed(conversation) {
		key, opts = b.mark(conversation, l.name()), nil
	}
	there := clientv3.Compare(clientv3.CreateRevision(key), ">", 0)
	if opts != nil {
		there = there.WithPrefix()
	}
	t.ifs = append(t.ifs, there)
	t.living = append(t.living, conversation)
	t.other = append(t.other, clientv3.OpGet(key, append(opts, clientv3.WithCountOnly())...))
}

// unmarked compares that a conversation is over.
func (t *transaction) unmarked(conversation string) {
	t.ifs = append(t.ifs, clientv3.Compare(clientv3.CreateRevision(
		t.operation.board.keys.marks(conversation)).WithPrefix(), "=", 0))
}

// change is the transaction that makes edits of what was found.
func (o *operation) change(f *found, edits []edit, l *lease, s *slot) (*transaction, error) {
	b := o.board
	t := o.newTransaction()
	t.changes = true
	t.sameTickets(f)
	var c claims
	moved, size := false, 0
	for _, e := range edits {
		moved = moved || !e.before.ground().equal(e.after.ground())
		c.of(e)
		size += len(e.after.bytes)
		t.then = append(t.then, clientv3.OpPut(b.ticket(e.id), string(e.after.bytes)))
	}
	if size > maxBytes {
		return nil, &limitError{fmt.Sprintf("%d bytes of tickets in one change, at most %d go into one",
			size, maxBytes)}
	}
	for _, conversation := range c.living {
		t.marked(conversation)
	}
	for _, conversation := range c.ended {
		t.unmarked(conversation)
	}
	if o.Relations || moved {
		t.sameRelations(f.seen())
	}
	if moved {
		t.then = append(t.then, clientv3.OpPut(b.keys.relations(), o.id))
	}
	t.ifs = append(t.ifs, clientv3.Compare(clientv3.ModRevision(s.key), "=", s.mod))
	t.slotAt = len(t.other)
	t.other = append(t.other, clientv3.OpGet(s.key, clientv3.WithKeysOnly()))
	t.then = append(t.then, clientv3.OpPut(b.keys.tip(), o.id),
		clientv3.OpPut(s.key, o.id, clientv3.WithLease(l.id)),
		clientv3.OpPut(b.row(o.id), string(o.rows(edits))))
	if o.place != "" {
		t.then = append(t.then, clientv3.OpDelete(o.place))
	}
	return t, nil
}

// newOperation names an operation: names sort by the time at which they were drawn.
func newOperation(now time.Time) string {
	const digits = 9 // of milliseconds in base 36, until the year 5188
	millis := strconv.FormatInt(now.UnixMilli(), 36)
	return strings.Repeat("0", max(0, digits-len(millis))) + millis + "-" +
		strings.ToLower(rand.Text()[:10])
}

// maxRow is how long a row may be in the cluster, in bytes.
const maxRow = 4 << 10

// rows are the journal's rows of the edits, a line of JSON each, without the former texts: each
// machine knows those.
func (o *operation) rows(edits []edit) []byte {
	var lines []byte
	for _, e := range edits {
		w := e.write
		w.Before, w.After = e.before.document, e.after.document
		lines = append(lines, encodeRow(ticketfs.RowOf(e.id, o.Cause, o.now, e.before.bytes, w))...)
		lines = append(lines, '\n')
	}
	return lines
}

// encodeRow writes a row, without the fields for which there is no room.
func encodeRow(r journal.Row) []byte {
	for {
		line, err := json.Marshal(r)
		if err != nil {
			panic(fmt.Sprintf("encode row: %v", err)) // texts and a time
		}
		switch {
		case len(line) <= maxRow:
			return line
		case len(r.Fields) > 0:
			r.Fields = r.Fields[:len(r.Fields)-1]
		default:
			r.Reason = r.Reason[:len(r.Reason)/2]
		}
	}
}

// rowSettled is rowThere for an operation that is over, within the time for settling.
func (b *Board) rowSettled(ctx context.Context, operation string) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return b.rowThere(ctx, operation)
}
