//go:build etcd

package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
)

// store is a store on a shared board whose folder, with .board and the mirror, is that of a machine.
func (s *scene) store(dir string, endpoints ...string) *ticketfs.Store {
	s.t.Helper()
	tickets := filepath.Join(dir, board.FolderName)
	err := errors.Join(os.MkdirAll(tickets, 0o777),
		os.WriteFile(filepath.Join(tickets, board.SharedFile), fmt.Appendf(nil,
			"format: 1\nid: %s\nengine: etcd\nprefix: /mirror-test\n", s.id), 0o666))
	if err != nil {
		s.t.Fatal(err)
	}
	store := ticketfs.NewStore(board.Where{Start: tickets}, ticketfs.DefaultLockTimeout)
	store.OpenShared = func(found board.Board) (ticketfs.Engine, error) {
		return OpenEngine(s.t.Context(), Config{ID: found.Shared.ID, Prefix: found.Shared.Prefix,
			Access: Access{Endpoints: endpoints}, Now: time.Now},
			filepath.Join(found.Dir, board.MirrorFolder))
	}
	s.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return store
}

// Whoever waits is woken by a change that another machine makes, at once and not by a look now and
// then: a process that writes the mirror, and one that reads it.
func TestWaitWakes(t *testing.T) {
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.put(map[string]string{"a": "0"})
	dir := t.TempDir()
	stores := []*ticketfs.Store{s.store(dir, cluster.Endpoints()...),
		s.store(dir, cluster.Endpoints()...)}
	look := func(store *ticketfs.Store) {
		f, err := store.Open()
		must(t, err)
		_, err = f.Snapshot()
		must(t, err)
		if f.Older() != nil {
			t.Fatal("it is cut off")
		}
	}
	look(stores[0])
	took := make([][]time.Duration, len(stores))
	for n := range 21 {
		for i, store := range stores {
			w := store.Watch()
			must(t, w.Arm())
			look(store)
			answered := make(chan time.Time, 1)
			go func() {
				s.put(map[string]string{"a": fmt.Sprint(n, " ", i)})
				answered <- time.Now()
			}()
			for {
				must(t, w.Arm())
				look(store)
				mirror := filepath.Join(dir, board.FolderName, board.MirrorFolder)
				if text, err := os.ReadFile(filepath.Join(mirror, "a.md")); err == nil &&
					string(text) == titled("a", fmt.Sprint(n, " ", i)) {
					break
				}
				must(t, w.Wait(t.Context(), time.Time{}))
			}
			took[i] = append(took[i], time.Since(<-answered))
			must(t, w.Close())
		}
	}
	for i, who := range []string{"the writer", "the reader"} {
		slices.Sort(took[i])
		median, worst := took[i][len(took[i])/2], took[i][len(took[i])-1]
		t.Logf("%s of the mirror woke %s after the answer, at worst %s", who, median, worst)
		if byLooks := time.Second; median > byLooks {
			t.Errorf("%s of the mirror woke %s after the answer: by a look now and then", who, median)
		}
	}
}

// The end of a holder's lease takes its mark away: that wakes whoever waits too, by the same watch.
// The next look at what no event tells is half a minute away.
func TestWaitWakesOfDeath(t *testing.T) {
	cluster := oneMember(t)
	s := newScene(t, cluster.Client())
	s.put(map[string]string{"a": "0"})
	dir := t.TempDir()
	for i, store := range []*ticketfs.Store{s.store(dir, cluster.Endpoints()...),
		s.store(dir, cluster.Endpoints()...)} {
		granted, err := cluster.Client().Grant(t.Context(), 600)
		must(t, err)
		mark := keysOf("/mirror-test", s.id).mark("holder", fmt.Sprint(i))
		_, err = cluster.Client().Put(t.Context(), mark, "{}", clientv3.WithLease(granted.ID))
		must(t, err)
		w := store.Watch()
		quiet := func(d time.Duration) bool {
			must(t, w.Arm())
			f, err := store.Open()
			must(t, err)
			_, err = f.Snapshot()
			must(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			return w.Wait(ctx, time.Time{}) != nil
		}
		soon(t, "nothing happens any more", func() bool { return quiet(time.Second) })
		must(t, w.Arm())
		_, err = cluster.Client().Revoke(t.Context(), granted.ID)
		must(t, err)
		ended := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err = w.Wait(ctx, time.Time{})
		cancel()
		if err != nil {
			t.Errorf("process %d was not woken by a holder's end: %v", i, err)
		}
		t.Logf("process %d woke %s after the holder's end", i, time.Since(ended))
		must(t, w.Close())
	}
}
