//go:build etcd

package etcd

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ticket-mcp/ticket-mcp/internal/etcd/etcdtest"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/enginetest"
)

// Floors are measured in the same run as what they are for, interleaved, on members that flush to
// the disk.

// BenchmarkChange is a change alone against a bare transaction that puts as much under as many
// keys.
func BenchmarkChange(b *testing.B) {
	for _, members := range []int{1, 3} {
		cluster := etcdtest.Start(b, members, "--unsafe-no-fsync=false")
		client := cluster.Client()
		for _, relations := range []bool{false, true} {
			b.Run(fmt.Sprintf("members=%d/relations=%v", members, relations), func(b *testing.B) {
				board := fmt.Sprint("b", members, relations, b.N)
				putMeta(b, client, board)
				e := openAt(b, cluster, board, b.TempDir())
				text := enginetest.Text("t-1", "open")
				must(b, e.Change(b.Context(), written("t-1", true, text)))
				var bare, changes []time.Duration
				bareMod := int64(0)
				for n := 0; b.Loop(); n++ {
					status := document.StatusOpen
					if relations && n%2 == 0 {
						status = document.StatusClosed
					}
					content := enginetest.Text("t-1", status, fmt.Sprint("round: ", n))
					bare = append(bare, took(func() {
						bareMod = bareChange(b, client, board, relations, bareMod, content)
					}))
					changes = append(changes, took(func() {
						must(b, e.Change(b.Context(), written("t-1", relations, content)))
					}))
				}
				floor, change := median(bare), median(changes)
				b.ReportMetric(float64(floor.Microseconds()), "bare-µs")
				b.ReportMetric(float64(change.Microseconds()), "change-µs")
				b.ReportMetric(float64(change)/float64(floor), "x")
			})
		}
	}
}

func took(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func putMeta(t testing.TB, client *clientv3.Client, board string) {
	t.Helper()
	_, err := client.Put(t.Context(), keysOf(DefaultPrefix, board).meta(),
		meta{Format: format, State: stateOpen, Epoch: 1}.encode())
	must(t, err)
}

func openAt(t testing.TB, cluster *etcdtest.Cluster, board, dir string) ticketfs.Engine {
	t.Helper()
	e, err := OpenEngine(t.Context(), Config{ID: board, Prefix: DefaultPrefix,
		Access: Access{Endpoints: cluster.Endpoints()}, Now: time.Now}, filepath.Join(dir, "mirror"))
	must(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// written gives a ticket another content.
func written(id string, relations bool, content []byte) ticketfs.Change {
	return ticketfs.Change{IDs: []string{id}, Relations: relations,
		Decide: func([][]byte, ticketfs.Viewer) ([]ticketfs.Write, error) {
			return []ticketfs.Write{{Content: content}}, nil
		}}
}

// bareChange is what the cluster has to do for a change in any case.
func bareChange(t testing.TB, client *clientv3.Client, board string, relations bool, mod int64,
	content []byte) int64 {
	t.Helper()
	key, operation := "/bare/"+board, newOperation(time.Now())
	puts := []clientv3.Op{clientv3.OpPut(key+"/t", string(content)),
		clientv3.OpPut(key+"/tip", operation), clientv3.OpPut(key+"/op", operation),
		clientv3.OpPut(key+"/j/"+operation, string(make([]byte, 400)))}
	if relations {
		puts = append(puts, clientv3.OpPut(key+"/relations", operation))
	}
	resp, err := client.Txn(context.Background()).
		If(clientv3.Compare(clientv3.ModRevision(key+"/t"), "=", mod)).Then(puts...).Commit()
	must(t, err)
	if !resp.Succeeded {
		t.Fatal("the floor is not alone")
	}
	return resp.Header.Revision
}

// BenchmarkRelations is how many changes of relations machines make together, each of its own
// ticket, and how many the slowest and the fastest of them. All run in this process, so what each
// machine does for itself, its mirror, is left out: a watch tells how far the board is.
func BenchmarkRelations(b *testing.B) {
	cluster := etcdtest.Start(b, 3, "--unsafe-no-fsync=false")
	client := cluster.Client()
	for _, machines := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("machines=%d", machines), func(b *testing.B) {
			board := "r" + newOperation(time.Now())
			putMeta(b, client, board)
			made := make([]int, machines)
			boards := make([]*Board, machines)
			for m := range machines {
				boards[m] = watching(b, cluster, board)
			}
			const lasts = 5 * time.Second
			for b.Loop() {
				var all sync.WaitGroup
				end := time.Now().Add(lasts)
				for m, e := range boards {
					all.Go(func() {
						for time.Now().Before(end) {
							id := fmt.Sprintf("t-%d-%d", m, made[m])
							if err := e.Change(b.Context(), written(id, true,
								enginetest.Text(id, "open"))); err != nil {
								b.Error(err)
								return
							}
							made[m]++
						}
					})
				}
				all.Wait()
			}
			sum := 0
			for _, n := range made {
				sum += n
			}
			b.ReportMetric(float64(sum)/b.Elapsed().Seconds(), "changes/s")
			b.ReportMetric(float64(slices.Min(made)), "slowest")
			b.ReportMetric(float64(slices.Max(made)), "fastest")
		})
	}
}

// watching opens a board that shows nothing, but knows how far the board is.
func watching(t testing.TB, cluster *etcdtest.Cluster, id string) *Board {
	t.Helper()
	b, err := Open(t.Context(), Config{ID: id, Prefix: DefaultPrefix,
		Access: Access{Endpoints: cluster.Endpoints()}, Now: time.Now})
	must(t, err)
	var mu sync.Mutex
	come, at := make(chan struct{}), int64(0)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for w := range b.client.Watch(ctx, b.keys.relations()) {
			for _, event := range w.Events {
				mu.Lock()
				at = event.Kv.ModRevision
				close(come)
				come = make(chan struct{})
				mu.Unlock()
			}
		}
	})
	t.Cleanup(func() { stop(); all.Wait(); _ = b.Close() })
	seen := func() (int64, chan struct{}) {
		mu.Lock()
		defer mu.Unlock()
		return at, come
	}
	b.Shown = Shown{
		Revision: func() (int64, error) { at, _ := seen(); return at, nil },
		Reach: func(ctx context.Context, revision int64) error {
			for {
				at, come := seen()
				if at >= revision {
					return nil
				}
				select {
				case <-come:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}}
	return b
}

// BenchmarkOneTicket is how many changes of one ticket the sessions of one machine make together.
func BenchmarkOneTicket(b *testing.B) {
	cluster := etcdtest.Start(b, 3, "--unsafe-no-fsync=false")
	client := cluster.Client()
	for _, sessions := range []int{1, 16} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			board, dir := "o"+newOperation(time.Now()), b.TempDir()
			putMeta(b, client, board)
			engines := make([]ticketfs.Engine, sessions)
			for s := range sessions {
				engines[s] = openAt(b, cluster, board, dir)
			}
			must(b, engines[0].Change(b.Context(), written("t", true, enginetest.Text("t", "open"))))
			var made atomic.Int64
			const lasts = 5 * time.Second
			for b.Loop() {
				var all sync.WaitGroup
				end := time.Now().Add(lasts)
				for _, e := range engines {
					all.Go(func() {
						for time.Now().Before(end) {
							text := enginetest.Text("t", "open", fmt.Sprint("round: ", made.Add(1)))
							if err := e.Change(b.Context(), written("t", false, text)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
			}
			b.ReportMetric(float64(made.Load())/b.Elapsed().Seconds(), "changes/s")
		})
	}
}
