//go:build etcd

package etcd

import (
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
)

// TestGoneBack: a process that has seen the cluster further on than it is, or another cluster,
// changes nothing until somebody has begun another epoch. Then it goes on, and has signed again.
func TestGoneBack(t *testing.T) {
	w := newWorld(t, 1)
	for name, restore := range map[string]func(*guard){
		"a lower revision": func(g *guard) { g.revision += 1000 },
		"another cluster":  func(g *guard) { g.cluster++ },
	} {
		t.Run(name, func(t *testing.T) {
			w := w.clear(t)
			w.ticketIs("a", "open")
			b := w.process()
			serves(t, b, "me")
			must(t, b.Change(t.Context(), change("a", false, note("before"))))
			former := b.life.current().name()
			b.epoch.mu.Lock()
			restore(&b.epoch)
			b.epoch.mu.Unlock()
			for range 2 {
				err := b.Change(t.Context(), change("a", false, note("between")))
				wantCode(t, err, ticketfs.Unreachable)
				if err == nil || !strings.Contains(err.Error(), "restored") {
					t.Error(err)
				}
			}
			w.put(w.keys.meta(), meta{Format: format, State: stateOpen, Epoch: 2}.encode())
			must(t, b.Change(t.Context(), set("a", true, "status", "in_progress", "claimed-by",
				claimBy("me"))))
			if text := w.value(w.ticket("a")); strings.Contains(text, "between") {
				t.Error(text)
			}
			if now := b.life.current().name(); now == former ||
				w.value(w.mark(session.Key("me"), now)) == "" {
				t.Errorf("it goes on with lease %s, before %s", now, former)
			}
		})
	}
}
