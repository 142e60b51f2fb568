//go:build etcd

package etcd

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/enginetest"
)

// TestContract: a shared board keeps what the rules and the sessions rely on, for two processes of
// two machines and for two of one.
func TestContract(t *testing.T) {
	t.Parallel() // most of it is waiting
	if testing.Short() {
		t.Skip("runs a cluster")
	}
	cluster := etcdtest.Start(t, 1)
	client := cluster.Client()
	var boards atomic.Int32
	for name, machines := range map[string]int{"two machines": 2, "one machine": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the end of a conversation takes its time
			enginetest.Run(t, func(t *testing.T) (a, b ticketfs.Engine) {
				id, dir := fmt.Sprint("b", boards.Add(1)), t.TempDir()
				_, err := client.Put(t.Context(), keysOf(DefaultPrefix, id).meta(),
					meta{Format: format, State: stateOpen, Epoch: 1}.encode())
				must(t, err)
				open := func(machine int) ticketfs.Engine {
					engine, err := OpenEngine(t.Context(), Config{ID: id, Prefix: DefaultPrefix,
						Access: Access{Endpoints: cluster.Endpoints()}, Now: time.Now},
						filepath.Join(dir, fmt.Sprint("mirror", machine)))
					must(t, err)
					t.Cleanup(func() {
						if err := engine.Close(); err != nil {
							t.Error(err)
						}
					})
					return engine
				}
				return open(0), open(machines - 1)
			}, etcdtest.Soon)
		})
	}
}
