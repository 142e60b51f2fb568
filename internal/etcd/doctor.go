//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
)

// Each question of doctor has a time of its own, so that one member that is down hides no other.
const lookTimeout = 2 * time.Second

// Health is how the cluster and the mirror are. What may not be looked at says so: a role for one
// board's keys need not see the cluster.
func (e *engine) Health(ctx context.Context) []ticketfs.Fact {
	facts := []ticketfs.Fact{e.Board.latency(ctx)}
	facts = append(facts, e.Board.members(ctx)...)
	return append(facts, e.Board.alarms(ctx), e.Board.compaction(ctx), e.Board.strangers(ctx),
		e.mirror.health(), e.mirror.keptFact())
}

// fact is one line; what is found wrong says what to do.
func fact(name string, wrong bool, text string, args ...any) ticketfs.Fact {
	return ticketfs.Fact{Name: name, Text: fmt.Sprintf(text, args...), Wrong: wrong}
}

// cannot is the line for what could not be looked at.
func cannot(name string, err error) ticketfs.Fact {
	if errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrUserEmpty) {
		return fact(name, false, "not permitted")
	}
	return fact(name, true, "no answer: %v", err)
}

func (b *Board) latency(ctx context.Context) ticketfs.Fact {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	const name, slow = "latency", 500 * time.Millisecond
	began := time.Now()
	_, err := b.client.Get(ctx, b.keys.tip(), clientv3.WithKeysOnly())
	if err != nil {
		return cannot(name, err)
	}
	took := time.Since(began)
	if took > slow {
		return fact(name, true, "%s for one read; the members' disks, or the way to them, are slow",
			took.Round(time.Millisecond))
	}
	return fact(name, false, "%s", took.Round(100*time.Microsecond))
}

// members tells of each member: who does not answer, or is too old, or nearly full.
func (b *Board) members(ctx context.Context) []ticketfs.Fact {
	list, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	all, err := b.client.MemberList(list)
	if err != nil {
		return []ticketfs.Fact{cannot("members", err)}
	}
	facts := []ticketfs.Fact{memberCount(len(all.Members))}
	for _, m := range all.Members {
		facts = append(facts, b.member(ctx, m))
	}
	return facts
}

func memberCount(n int) ticketfs.Fact {
	if n%2 == 0 {
		return fact("members", true, "%d: no more of them may fail than of %d; use 3 or 5", n, n-1)
	}
	return fact("members", false, "%d", n)
}

func (b *Board) member(ctx context.Context, m *pb.Member) ticketfs.Fact {
	name := "member " + m.Name
	if len(m.ClientURLs) == 0 {
		return fact(name, true, "has not started")
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	s, err := b.client.Status(ctx, m.ClientURLs[0])
	if err != nil {
		return cannot(name, err)
	}
	text := "etcd " + s.Version
	if s.Leader == s.Header.MemberId {
		text += ", leader"
	}
	text += ", " + size(s.DbSize, s.DbSizeQuota)
	switch {
	case old(s.Version):
		return fact(name, true, "%s; it may end leases too early: update it to 3.5.13 or newer, or 3.6",
			text)
	case nearlyFull(s.DbSize, s.DbSizeQuota):
		return fact(name, true, "%s; at its quota it takes no changes: compact and defragment, or raise the quota",
			text)
	case s.Leader == 0:
		return fact(name, true, "%s, sees no leader", text)
	}
	return fact(name, false, "%s", text)
}

// defaultQuota is etcd's own, of members that do not tell theirs.
const defaultQuota = 2 << 30

func size(used, quota int64) string {
	if quota == 0 {
		quota = defaultQuota
	}
	return fmt.Sprintf("%.1f MB of %d MB", float64(used)/(1<<20), quota>>20)
}

func nearlyFull(used, quota int64) bool {
	const percent = 70
	if quota == 0 {
		quota = defaultQuota
	}
	return used*100 >= quota*percent
}

func (b *Board) alarms(ctx context.Context) ticketfs.Fact {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	all, err := b.client.AlarmList(ctx)
	if err != nil {
		return cannot("alarms", err)
	}
	if len(all.Alarms) == 0 {
		return fact("alarms", false, "none")
	}
	var names []string
	for _, a := range all.Alarms {
		names = append(names, fmt.Sprintf("%s of member %x", a.Alarm, a.MemberID))
	}
	return fact("alarms", true, "%s; changes are refused until space is made and the alarm disarmed",
		strings.Join(names, ", "))
}

// manyRevisions is what a board keeps that nobody compacts: hours of the busiest one.
const manyRevisions = 200_000

// compaction tells whether old revisions are dropped. etcd does not by itself, and this program
// never does.
func (b *Board) compaction(ctx context.Context) ticketfs.Fact {
	return b.compactionBeyond(ctx, manyRevisions)
}

func (b *Board) compactionBeyond(ctx context.Context, most int64) ticketfs.Fact {
	const name = "compaction"
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	now, err := b.client.Get(ctx, b.keys.meta(), clientv3.WithKeysOnly())
	if err != nil {
		return cannot(name, err)
	}
	if now.Header.Revision <= most {
		return fact(name, false, "not needed yet, at revision %d", now.Header.Revision)
	}
	_, err = b.client.Get(ctx, b.keys.meta(), clientv3.WithKeysOnly(),
		clientv3.WithRev(now.Header.Revision-most))
	switch {
	case compacted(err):
		return fact(name, false, "ok, at revision %d", now.Header.Revision)
	case err != nil:
		return cannot(name, err)
	}
	return fact(name, true, "more than %d revisions are kept; start the members with --auto-compaction-mode=periodic --auto-compaction-retention=1h",
		most)
}

// strangers names tickets in the cluster whose names are none, which this program never made and
// does not show.
func (b *Board) strangers(ctx context.Context) ticketfs.Fact {
	const name, most = "names", 5
	ctx, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	count := 0
	var strange []string
	revision := int64(0)
	err := b.pages(ctx, b.keys.tickets(), &revision, func(key string, _ []byte, _ int64) error {
		count++
		if id := strings.TrimPrefix(key, b.keys.tickets()); !document.ValidID(id) {
			strange = append(strange, fmt.Sprintf("%.80q", id))
		}
		return nil
	}, clientv3.WithKeysOnly())
	if err != nil {
		return cannot(name, err)
	}
	if len(strange) == 0 {
		return fact(name, false, "%d tickets", count)
	}
	return fact(name, true, "%d of %d are no names of tickets, and are not shown: %s; see who writes to the cluster beside ticket-mcp",
		len(strange), count, strings.Join(strange[:min(most, len(strange))], ", "))
}

// health tells how late the mirror is.
func (m *Mirror) health() ticketfs.Fact {
	const name = "mirror"
	shown, err := m.record()
	if err != nil {
		return fact(name, true, "%v", err)
	}
	m.mu.Lock()
	lost, writer := m.lost, m.writes.Revision > 0
	m.mu.Unlock()
	by := "another process writes it"
	if writer {
		by = "this process writes it"
	}
	switch {
	case shown.Restored:
		return fact(name, true, "the board was restored from a copy; let a person look, then: ticket-mcp doctor --new-epoch")
	case lost != nil:
		return fact(name, true, "as of %s: %v", lost.AsOf.UTC().Format(time.RFC3339), lost.Why)
	case shown.Revision == 0:
		return fact(name, true, "shows nothing yet")
	}
	return fact(name, false, "at revision %d; %s", shown.Revision, by)
}

// keptFact names the files of the mirror that somebody changed.
func (m *Mirror) keptFact() ticketfs.Fact {
	const name = "kept"
	kept, err := m.Kept()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fact(name, true, "%v", err)
	}
	if len(kept) == 0 {
		return fact(name, false, "no changed file")
	}
	return fact(name, true, "%s: somebody changed files of the mirror; make the changes with ticket-mcp edit, then remove these",
		strings.Join(kept, ", "))
}

// NewEpoch is a person's word that a board which was restored from a copy may be changed again. It
// returns the epoch that begins.
func NewEpoch(ctx context.Context, c Config) (epoch int, err error) {
	err = withMover(ctx, c, func(m mover) error {
		now, revision, err := m.readMeta(ctx)
		if err != nil {
			return err
		}
		if revision == 0 {
			return &noBoardError{c.ID}
		}
		now.Epoch++
		ctx, cancel := context.WithTimeout(ctx, stepTimeout)
		defer cancel()
		done, err := m.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(m.keys.meta()), "=", revision)).
			Then(clientv3.OpPut(m.keys.meta(), now.encode()),
				clientv3.OpPut(m.keys.tip(), newOperation(c.Now()))).Commit()
		if err != nil {
			return fmt.Errorf("begin an epoch: %w", err)
		}
		if !done.Succeeded {
			return errors.New("somebody else changed the board's state meanwhile; look again")
		}
		epoch = now.Epoch
		return nil
	})
	return epoch, err
}
