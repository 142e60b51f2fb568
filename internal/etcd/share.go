//go:build etcd

package etcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// A board comes into the cluster and leaves it by meta: its tickets are there before it is one, and
// stay after it was one. So whoever dies between may begin again.

// stepTimeout bounds one step of a move: a look, or a group of tickets.
const stepTimeout = 10 * time.Second

// mover is a process that moves a board into the cluster or out of it.
type mover struct {
	keys
	client *clientv3.Client
}

// withMover runs fn with a connection to a cluster that keeps what it promises.
func withMover(ctx context.Context, c Config, fn func(mover) error) (err error) {
	client, err := c.Access.dial()
	if err != nil {
		return refused(err)
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	step, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if err := checkVersion(step, client); err != nil {
		return refused(err)
	}
	return refused(fn(mover{keysOf(c.Prefix, c.ID), client}))
}

// meta reads meta and its revision, 0 where there is no board.
func (m mover) readMeta(ctx context.Context) (meta, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	resp, err := m.client.Get(ctx, m.keys.meta())
	if err != nil || len(resp.Kvs) == 0 {
		return meta{}, 0, err
	}
	kept, err := decodeMeta(resp.Kvs[0].Value)
	return kept, resp.Kvs[0].ModRevision, err
}

// Exists reports whether the cluster has the board, also one that is on its way out.
func Exists(ctx context.Context, c Config) (exists bool, err error) {
	err = withMover(ctx, c, func(m mover) error {
		_, mod, err := m.readMeta(ctx)
		exists = mod > 0
		return err
	})
	return exists, err
}

// Share brings the tickets of a board into the cluster, in groups, and makes it a board by the last
// transaction, once it has read all of them back.
func Share(ctx context.Context, c Config, tickets []ticketfs.Kept) error {
	return withMover(ctx, c, func(m mover) error {
		for from := 0; from < len(tickets); {
			to, size := from, 0
			for to < len(tickets) && to-from < maxTickets &&
				(to == from || size+len(tickets[to].Content) <= maxBytes) {
				size += len(tickets[to].Content)
				to++
			}
			if err := m.putGroup(ctx, tickets[from:to]); err != nil {
				return err
			}
			from = to
		}
		if err := m.compare(ctx, tickets); err != nil {
			return err
		}
		return m.found(ctx)
	})
}

// noBoard compares that the tickets are nobody's yet.
func (m mover) noBoard() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(m.keys.meta()), "=", 0)
}

// errExists says that somebody else shared the board meanwhile.
var errExists = errors.New("the cluster has this board already")

// putGroup may be done again, whatever came of it: until there is a board the keys are the mover's.
func (m mover) putGroup(ctx context.Context, group []ticketfs.Kept) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	puts := make([]clientv3.Op, len(group))
	for i, t := range group {
		puts[i] = clientv3.OpPut(m.ticket(t.ID), string(t.Content))
	}
	resp, err := m.client.Txn(ctx).If(m.noBoard()).Then(puts...).Commit()
	if err == nil && !resp.Succeeded {
		err = errExists
	}
	if err != nil {
		return fmt.Errorf("write tickets %s to %s: %w", group[0].ID, group[len(group)-1].ID, err)
	}
	return nil
}

// compare makes sure that the cluster has these tickets and no others.
func (m mover) compare(ctx context.Context, tickets []ticketfs.Kept) error {
	want := make(map[string][]byte, len(tickets))
	for _, t := range tickets {
		want[t.ID] = t.Content
	}
	err := m.each(ctx, func(t ticketfs.Kept) error {
		content, known := want[t.ID]
		if !known || !bytes.Equal(content, t.Content) {
			return fmt.Errorf("the cluster has another %s than this board, under the same prefix", t.ID)
		}
		delete(want, t.ID)
		return nil
	})
	if err == nil && len(want) > 0 {
		err = fmt.Errorf("%d tickets are missing in the cluster", len(want))
	}
	return err
}

// each visits all tickets at one revision, in pages.
func (m mover) each(ctx context.Context, visit func(ticketfs.Kept) error) error {
	prefix, revision := m.tickets(), int64(0)
	end := clientv3.GetPrefixRangeEnd(prefix)
	for from := prefix; ; {
		step, cancel := context.WithTimeout(ctx, stepTimeout)
		resp, err := m.client.Get(step, from, clientv3.WithRange(end), clientv3.WithLimit(page),
			clientv3.WithRev(revision))
		cancel()
		if err != nil {
			return fmt.Errorf("read the tickets: %w", err)
		}
		revision = resp.Header.Revision
		for _, kv := range resp.Kvs {
			id := strings.TrimPrefix(string(kv.Key), prefix)
			if err := visit(ticketfs.Kept{ID: id, Content: content(kv.Value)}); err != nil {
				return err
			}
			from = string(kv.Key) + "\x00"
		}
		if !resp.More {
			return nil
		}
	}
}

// found makes it a board. Where it is not known whether that came through, meta tells at the next
// try.
func (m mover) found(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	resp, err := m.client.Txn(ctx).If(m.noBoard()).Then(
		clientv3.OpPut(m.keys.meta(), meta{Format: format, State: stateOpen, Epoch: 1}.encode()),
		clientv3.OpPut(m.keys.relations(), ""), clientv3.OpPut(m.keys.tip(), "")).Commit()
	if err == nil && !resp.Succeeded {
		err = errExists
	}
	if err != nil {
		return fmt.Errorf("make the board: %w", err)
	}
	return nil
}

// Close ends the changes of a board: every transaction compares meta. It stays so. While sessions
// that live hold tickets it is refused, and nothing has changed.
func Close(ctx context.Context, c Config) error {
	return withMover(ctx, c, func(m mover) error {
		for range closeTries {
			kept, mod, err := m.readMeta(ctx)
			switch {
			case err != nil:
				return err
			case mod == 0:
				return &noBoardError{c.ID}
			case kept.State == stateClosing:
				return nil
			}
			at, err := m.unheld(ctx)
			if err != nil {
				return err
			}
			done, err := m.close(ctx, kept, mod, at)
			if err != nil || done {
				return err
			}
		}
		return &busyError{"tickets changed, or sessions began, at each look at who holds what"}
	})
}

// closeTries bounds the looks at a board on which others go on working.
const closeTries = 20

// close puts that a board is closing, unless it, a ticket or a mark has changed since the revision.
func (m mover) close(ctx context.Context, kept meta, mod, at int64) (done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	kept.State = stateClosing
	notSince := func(prefix string) clientv3.Cmp {
		return clientv3.Compare(clientv3.ModRevision(prefix).WithPrefix(), "<", at+1)
	}
	resp, err := m.client.Txn(ctx).If(
		clientv3.Compare(clientv3.ModRevision(m.keys.meta()), "=", mod),
		notSince(m.tickets()), notSince(m.sessions())).Then(
		clientv3.OpPut(m.keys.meta(), kept.encode()), clientv3.OpPut(m.keys.tip(), "")).Commit()
	return err == nil && resp.Succeeded, err
}

// unheld refuses while sessions that live hold tickets, and else returns a revision at which none
// did. Marks are read first: a holder whose mark came later is seen by the compare of close.
func (m mover) unheld(ctx context.Context) (at int64, err error) {
	step, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	resp, err := m.client.Get(step, m.sessions(), clientv3.WithPrefix())
	if err != nil {
		return 0, fmt.Errorf("read who lives: %w", err)
	}
	live := make(map[string]mark)
	for _, kv := range resp.Kvs {
		of, _, _ := strings.Cut(strings.TrimPrefix(string(kv.Key), m.sessions()), "/")
		live[of] = decodeMark(kv.Value)
	}
	var held heldError
	err = m.each(ctx, func(t ticketfs.Kept) error {
		d, err := document.Parse(t.ID, t.Content)
		if err != nil {
			return nil // it comes out as it is, and says of nobody that he holds it
		}
		ticket := d.Ticket()
		by, lives := live[session.ParseClaim(ticket.ClaimedBy).Key]
		if lives && ticket.Status == document.StatusInProgress {
			held.by = append(held.by, holderText(t.ID, ticket.ClaimedBy, by))
		}
		return nil
	})
	if err == nil && len(held.by) > 0 {
		err = &held
	}
	return resp.Header.Revision, err
}

// holderText says who holds a ticket, and on which machine.
func holderText(id, claim string, by mark) string {
	text := id + " by " + claim
	if by.Host != "" {
		text += " on " + by.Host
	}
	return text
}

// heldError says that sessions which live hold tickets.
type heldError struct{ by []string }

func (e *heldError) Error() string {
	const most = 5
	text := strings.Join(e.by[:min(most, len(e.by))], ", ")
	if n := len(e.by) - most; n > 0 {
		text += fmt.Sprintf(", +%d more", n)
	}
	return fmt.Sprintf("sessions hold %d of the tickets: %s", len(e.by), text)
}

// Tickets visits all tickets of a board that was closed.
func Tickets(ctx context.Context, c Config, visit func(ticketfs.Kept) error) error {
	return withMover(ctx, c, func(m mover) error { return m.each(ctx, visit) })
}

// Remove takes a board out of the cluster with everything that it left. It is for boards that were
// made to be tried: of every other one the tickets stay.
func Remove(ctx context.Context, c Config) error {
	return withMover(ctx, c, func(m mover) error {
		ctx, cancel := context.WithTimeout(ctx, stepTimeout)
		defer cancel()
		if _, err := m.client.Delete(ctx, m.prefix, clientv3.WithPrefix()); err != nil {
			return fmt.Errorf("remove the board: %w", err)
		}
		return nil
	})
}
