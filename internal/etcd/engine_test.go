//go:build etcd

package etcd

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/enginetest"
)

// TestEngine runs the contract on one board after another of a cluster, each seen by two machines.
func TestEngine(t *testing.T) {
	w := newWorld(t, 1)
	boards := 0
	enginetest.Run(t, func(t *testing.T) (a, b ticketfs.Engine) {
		boards++
		id := "b" + string(rune('a'+boards))
		w.put(keysOf(DefaultPrefix, id).meta(), meta{Format: format, State: stateOpen, Epoch: 1}.encode())
		machine := func(host string) ticketfs.Engine {
			e, err := OpenEngine(t.Context(), Config{ID: id, Prefix: DefaultPrefix,
				Access: Access{Endpoints: w.cluster.Endpoints()}, Now: time.Now, Host: host, PID: 1},
				filepath.Join(t.TempDir(), "mirror"))
			must(t, err)
			t.Cleanup(func() { must(t, e.Close()) })
			return e
		}
		return machine("here"), machine("there")
	}, 2*restartTime*time.Second)
}
