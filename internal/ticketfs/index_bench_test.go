package ticketfs

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/index"
)

// bigBoard makes a folder of n tickets, half of them closed, a quarter blocked by another.
func bigBoard(tb testing.TB, n int) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), board.FolderName)
	if err := os.Mkdir(dir, 0o777); err != nil {
		tb.Fatal(err)
	}
	body := strings.Repeat("Some text of the body of this ticket.\n", 40)
	for i := range n {
		status, blocker := "open", ""
		if i%2 == 1 {
			status = "closed\nclosed: 2026-01-04T05:36:50Z"
		}
		if i%4 == 0 {
			blocker = fmt.Sprintf("t%06d", (i+1)%n)
		}
		content := fmt.Sprintf("---\nschema_version: 1\nid: t%06d\nstatus: %s\nblocked-by: [%s]\ncreated: 2026-01-04T05:%02d:09Z\ntype: feature\npriority: %d\nassignee: Ada Lovelace\n---\n# Ticket number %d with a title of usual length\n\n%s",
			i, status, blocker, i%60, 1+i%4, i, body)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("t%06d.md", i)), []byte(content),
			0o666); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// bareScan is the least that a program without a watch must do to know that nothing changed: look
// at every file.
func bareScan(dir string) error {
	names, err := listFolder(dir)
	if err != nil {
		return err
	}
	f, err := durable.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for _, name := range names[len(names)*w/workers : len(names)*(w+1)/workers] {
				if _, err := f.Stamp(name); err != nil {
					errs[w] = err
				}
			}
		})
	}
	wg.Wait()
	return errs[0]
}

// BenchmarkIndex reports, for each size of a board, a bare look at all files, and the index's
// refresh: the first one, one that looks through the folder, and one from a watch. bytes/ticket is
// the index's live memory.
func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		dir := bigBoard(b, n)
		b.Run(fmt.Sprintf("bare/%d", n), func(b *testing.B) {
			for b.Loop() {
				if err := bareScan(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) {
			for b.Loop() {
				var x index.Index
				if err := x.Refresh(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("scan/%d", n), func(b *testing.B) {
			before := liveHeap()
			var x index.Index
			if err := x.Refresh(dir); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				x.Unwatch()
				if err := x.Scan(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(liveHeap()-before)/float64(n), "bytes/ticket")
			runtime.KeepAlive(&x)
		})
		b.Run(fmt.Sprintf("watch/%d", n), func(b *testing.B) {
			var x index.Index
			for range 2 { // the first finds how large the folder is, the second watches it
				if err := x.Refresh(dir); err != nil {
					b.Fatal(err)
				}
			}
			if x.Watch == nil && n >= index.WatchFrom {
				b.Skip("no watch to be had here")
			}
			for b.Loop() {
				if err := x.Refresh(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
