//go:build etcd

package etcd

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/journal"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// page is how many keys are asked for at once.
const page = 500

// boot tells the boots of a system apart, "" where that is not known. After another boot files may
// be missing that a record tells of, since nothing of a mirror is synced.
func boot() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func randomUpTo(most time.Duration) time.Duration { return rand.N(most) }

// load makes the folder show the whole board at one revision, in pages, and then brings its journal
// up to that.
func (w *writer) load(ctx context.Context, at position) error {
	loaded := make(map[string]bool)
	changes := make(map[string]missed)
	revision := int64(0)
	err := w.paged(ctx, w.board.keys.tickets(), &revision, func(key string, value []byte,
		modified int64) error {
		id := strings.TrimPrefix(key, w.board.keys.tickets())
		if !document.ValidID(id) {
			return nil
		}
		loaded[id] = true
		before, err := w.read(id)
		if err != nil {
			return err
		}
		if before != nil && sha256.Sum256(before) != sha256.Sum256(value) {
			changes[id] = missedOf(before, value)
		}
		return w.show(ctx, id, content(value), modified, nil)
	})
	if err != nil {
		return err
	}
	for id := range w.sums.files {
		if !loaded[id] {
			if err := w.remove(id); err != nil {
				return err
			}
		}
	}
	folder, err := durable.OpenFolder(w.dir)
	if err != nil {
		return fmt.Errorf("look through the mirror: %w", err)
	}
	defer folder.Close()
	if err := w.moveStrangers(folder); err != nil {
		return err
	}
	w.gone = nil
	was := w.rec
	w.rec = record{Board: w.board.ID, Cluster: at.cluster, Boot: boot(), Revision: revision,
		Rows: was.Rows, Loads: was.Loads + 1, Tip: at.tip, Epoch: at.meta.Epoch,
		Kept: was.Kept, Restored: was.Restored}
	if was.goneBack(at) {
		w.rec.Rows = 0 // other revisions
	}
	w.replays = revision
	if err := w.commit(); err != nil {
		return err
	}
	return w.loadRows(ctx, changes)
}

// paged visits all keys below a prefix, as pages does, and shows that the writer is at work.
func (w *writer) paged(ctx context.Context, prefix string, revision *int64, visit visitor) error {
	return w.board.pages(ctx, prefix, revision, func(key string, value []byte,
		modified int64) error {
		if err := w.beat(); err != nil {
			return err
		}
		return visit(key, value, modified)
	})
}

// visitor is called with a key, its value and the revision of that.
type visitor func(key string, value []byte, modified int64) error

// pages visits all keys below a prefix at one revision: the given one, or where that is zero the
// one that it then is set to.
func (b *Board) pages(ctx context.Context, prefix string, revision *int64, visit visitor,
	opts ...clientv3.OpOption) error {
	end := clientv3.GetPrefixRangeEnd(prefix)
	for from := prefix; ; {
		answer, err := b.client.Get(ctx, from, append(opts, clientv3.WithRange(end),
			clientv3.WithLimit(page), clientv3.WithRev(*revision))...)
		if err != nil {
			return fmt.Errorf("read the board: %w", err)
		}
		if *revision == 0 {
			*revision = answer.Header.Revision
		}
		for _, kv := range answer.Kvs {
			if err := visit(string(kv.Key), kv.Value, kv.ModRevision); err != nil {
				return err
			}
			from = string(kv.Key) + "\x00"
		}
		if !answer.More {
			return nil
		}
	}
}

// missed is what became of a ticket while the mirror did not follow.
type missed struct {
	before, after journal.Hash
	former        journal.Former
}

func missedOf(before, after []byte) missed {
	return missed{journal.HashOf(before), journal.HashOf(after), journal.FormerOf(before, after)}
}
