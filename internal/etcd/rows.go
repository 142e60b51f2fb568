//go:build etcd

package etcd

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// KeepRows is how long the rows of a change stay in the cluster for the machines that were away,
// unless somebody says otherwise.
const KeepRows = 30 * 24 * time.Hour

// decodeRows reads the rows of one operation, a line each. They come from a stranger: what is no
// row is skipped, and the former text is what this machine knows of it.
func decodeRows(value []byte) []journal.Row {
	var rows []journal.Row
	for line := range bytes.Lines(value) {
		var r journal.Row
		if json.Unmarshal(line, &r) != nil || !document.ValidID(r.Ticket) || !r.Sound() {
			continue
		}
		r.Former = nil
		rows = append(rows, r)
	}
	return rows
}

func rowsOf(rows []journal.Row, id string) []journal.Row {
	return slices.DeleteFunc(slices.Clone(rows),
		func(r journal.Row) bool { return r.Ticket != id })
}

// appendRows appends the rows of a change that made before content, at a revision. The change
// stands whatever becomes of its rows, but for a folder that takes none.
func (w *writer) appendRows(ctx context.Context, rows []journal.Row, before, content []byte,
	revision int64) error {
	local := journal.Of(w.dir)
	for _, r := range rows {
		if revision <= w.replays && w.has(local, r) {
			continue
		}
		if r.After == journal.HashOf(content) && r.Before != "" {
			if journal.HashOf(before) != r.Before {
				before = w.former(ctx, r.Ticket, revision)
			}
			if journal.HashOf(before) == r.Before {
				r.Former = journal.FormerOf(before, content)
			}
		}
		if err := w.append(local, r); err != nil {
			return err
		}
	}
	return nil
}

// append appends a row, unless the folder has another writer by now: this one may have been stopped
// since it looked at what it tells of, and the other has told it. If it is stopped between the look
// and the row, the row stands there twice, and readers pass over the second.
func (w *writer) append(local journal.Journal, r journal.Row) error {
	if err := w.beat(); err != nil {
		return err
	}
	return local.Append(r)
}

// former is what a ticket held ahead of a revision, nil where the cluster does not know it any more.
func (w *writer) former(ctx context.Context, id string, revision int64) []byte {
	answer, err := w.board.client.Get(ctx, w.board.keys.ticket(id),
		clientv3.WithRev(revision-1))
	if err != nil || len(answer.Kvs) == 0 {
		return nil // undo of this row will say so
	}
	return answer.Kvs[0].Value
}

// has reports whether a row was appended before, by a writer that died ahead of its record.
func (w *writer) has(local journal.Journal, r journal.Row) bool {
	const most = 100
	last, err := local.Last(r.Ticket, most)
	return err == nil && slices.ContainsFunc(last, func(other journal.Row) bool {
		return other.Call == r.Call && other.Before == r.Before && other.After == r.After
	})
}

// finishRows takes over rows that a writer left which died after it had loaded the board.
func (w *writer) finishRows(ctx context.Context) error {
	if w.rec.Rows >= w.rec.Revision {
		return nil
	}
	return w.loadRows(ctx, nil)
}

// dated is a row and when the cluster took it.
type dated struct {
	journal.Row
	modified int64
}

// loadRows takes over the rows of all changes that the mirror shows and did not follow. changes are
// those that the mirror's files tell of. Where rows are missing, a row says that this machine was
// away for longer than they are kept.
func (w *writer) loadRows(ctx context.Context, changes map[string]missed) error {
	revision := w.rec.Revision
	byTicket := make(map[string][]dated)
	err := w.paged(ctx, w.board.keys.rows(), &revision, func(_ string, value []byte,
		modified int64) error {
		if modified <= w.rec.Rows {
			return nil
		}
		for _, r := range decodeRows(value) {
			byTicket[r.Ticket] = append(byTicket[r.Ticket], dated{r, modified})
		}
		return nil
	})
	if compacted(err) {
		// The writer that loaded the board died, and it is long ago: what was missed since is no
		// more to be told from what came later.
		err = nil
	}
	if err != nil {
		return err
	}
	for id := range w.sums.files {
		if err := w.catchUp(id, byTicket[id], changes[id]); err != nil {
			return err
		}
	}
	w.rec.Rows = w.rec.Revision
	return w.commit()
}

// catchUp appends the rows of one ticket that came while the mirror did not follow.
func (w *writer) catchUp(id string, rows []dated, made missed) error {
	slices.SortStableFunc(rows, func(a, b dated) int { return cmp.Compare(a.modified, b.modified) })
	local := journal.Of(w.dir)
	last, err := lastRow(local, id)
	if err != nil || last == nil && len(rows) == 0 {
		return err
	}
	if last == nil {
		last = &journal.Row{Ticket: id, Cause: journal.Cause{}}
		if len(rows) > 0 {
			last.After, last.To = rows[0].Before, rows[0].From
		}
	}
	for _, r := range rows {
		if w.has(local, r.Row) {
			continue
		}
		if r.Before != last.After {
			if err := w.append(local, gap(*last, r.Before, r.From, r.Time.Add(-1))); err != nil {
				return err
			}
		}
		if r.Before == made.before && r.After == made.after {
			r.Former = made.former
		}
		if err := w.append(local, r.Row); err != nil {
			return err
		}
		last = &r.Row
	}
	now, status, err := w.shownAs(id)
	if err != nil || now == last.After {
		return err
	}
	return w.append(local, gap(*last, now, status, time.Now()))
}

// lastRow is the last row of a ticket that somebody wrote, nil where there is none.
func lastRow(local journal.Journal, id string) (*journal.Row, error) {
	last, err := local.Last(id, 2) // behind it, the reader may have put an outside row
	for _, r := range slices.Backward(last) {
		if !r.IsOutside() {
			return &r, err
		}
	}
	return nil, err
}

// shownAs is the hash and the status of a ticket as the mirror shows it. What somebody made of its
// file has neither.
func (w *writer) shownAs(id string) (hash journal.Hash, status string, err error) {
	known := w.sums.files[id].sum
	content, err := w.read(id)
	if err != nil {
		return "", "", err
	}
	if sha256.Sum256(content) == known {
		if d, err := document.Parse(id, content); err == nil {
			status = string(d.Ticket().Status)
		}
	}
	return journal.Hash(hex.EncodeToString(known[:])), status, nil
}

// gap is the row for changes whose rows this machine has missed.
func gap(last journal.Row, after journal.Hash, to string, t time.Time) journal.Row {
	return journal.Row{Time: t, Ticket: last.Ticket,
		Cause: journal.Cause{Call: journal.NewCall(), Tool: journal.Gap},
		From:  last.To, To: to, Before: last.After, After: after}
}

// sweepRows deletes rows that are older than they are kept, some at a time: all machines do so now
// and then, so it is soon done. A delete of many keys would stop all writers of the cluster.
func (w *writer) sweepRows(ctx context.Context, at position) error {
	const each, most = time.Hour, 100
	if w.swept.IsZero() {
		w.swept = time.Now().Add(-randomUpTo(each))
	}
	if time.Since(w.swept) < each || at.meta.State != stateOpen {
		return nil
	}
	b := w.board
	old, err := b.client.Get(ctx, b.keys.rows(), clientv3.WithLimit(most),
		clientv3.WithRange(b.keys.row(operationsOf(b.Now().Add(-w.keepRows)))),
		clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("look for old rows: %w", err)
	}
	if len(old.Kvs) < most {
		w.swept = time.Now()
	}
	if len(old.Kvs) == 0 {
		return nil
	}
	end := string(old.Kvs[len(old.Kvs)-1].Key) + "\x00"
	_, err = b.client.Txn(ctx).If(b.sameMeta()).Then(
		clientv3.OpDelete(string(old.Kvs[0].Key), clientv3.WithRange(end))).Commit()
	if err != nil {
		return fmt.Errorf("delete old rows: %w", err)
	}
	return nil
}

// operationsOf is the beginning of the names of operations that were drawn at a time: all earlier
// ones sort before it.
func operationsOf(t time.Time) string {
	name, _, _ := strings.Cut(newOperation(t), "-")
	return name
}
