package ticketfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/document"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/durable"
)

// powerMark is set when a change was answered: the ticket, and what it then was. One without an id
// is set before the first change.
type powerMark struct{ ID, Content string }

// powerWriter makes changes with a store of its own, and marks each as soon as it is answered.
type powerWriter struct {
	*Store
	name  string
	marks *os.File

	mu  *sync.Mutex // with the other writers
	ids *[]string   // the tickets whose creation was answered
}

const powerChanges = 160

func (w powerWriter) run(changes int) error {
	for n := range changes {
		d, err := w.change(n)
		if err == nil {
			err = w.mark(powerMark{d.Ticket().ID, string(d.Bytes())})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w powerWriter) mark(m powerMark) error {
	text, err := json.Marshal(m)
	if err == nil {
		_, err = w.marks.Write(text)
	}
	return err
}

func (w powerWriter) change(n int) (*document.Document, error) {
	ctx, mark := context.Background(), fmt.Sprintf("%s-%d", w.name, n)
	if n%20 == 0 {
		d, err := w.createWith(ctx, time.Now(), func(id string, _ View) ([]byte, error) {
			return document.New(document.Ticket{ID: id, Title: mark, Created: time.Now(),
				Priority: document.DefaultPriority}, strings.Repeat(loadText(mark,
				n)+"\n", 200), "", "")
		})
		if err == nil {
			w.mu.Lock()
			*w.ids = append(*w.ids, d.Ticket().ID)
			w.mu.Unlock()
		}
		return d, err
	}
	w.mu.Lock()
	id, other := (*w.ids)[rand.N(len(*w.ids))], (*w.ids)[rand.N(len(*w.ids))]
	w.mu.Unlock()
	if n%3 > 0 || id == other {
		return w.editWith(ctx, id, func(*document.Document) ([]document.Edit, error) {
			return []document.Edit{document.AppendNote(loadText(mark, n))}, nil
		})
	}
	return w.changeWith(ctx, id, func(_ *document.Document, v View) ([]document.Edit, error) {
		seen, err := v.Get(other)
		return []document.Edit{document.AddItem("blocked-by",
			fmt.Sprintf("%s.%d.%s", other, len(seen.BlockedBy), mark))}, err
	})
}

// powerDoors are what stands between the changes of a run and the disk: the door as it is, and
// doors that do not sync something. writers says how many change tickets at once.
var powerDoors = map[string]struct {
	writers int
	breaks  func(dir string)
}{
	"": {4, func(string) {}},
	"no folder sync": {4,
		func(string) { durable.SyncFolder = func(durable.Syncable) error { return nil } }},
	"no file sync": {1, unsyncTemps},
}

// unsyncTemps lets the door rename a temp file that was not synced, by writing another one in its
// place.
func unsyncTemps(dir string) {
	durable.Step = func(name string) {
		if name != "temp synced" {
			return
		}
		temps, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")) // one, of the only writer
		content, err := os.ReadFile(temps[0])
		if err := errors.Join(err, os.Remove(temps[0]),
			os.WriteFile(temps[0], content, 0o644)); err != nil {
			panic(err)
		}
	}
}

// TestCrashPowerChild is the process that changes tickets while TestCrashPower logs what reaches
// the disk.
func TestCrashPowerChild(t *testing.T) {
	if os.Getenv("CRASH_ROLE") != "power" {
		t.Skip("a part of other tests")
	}
	dir := os.Getenv("CRASH_PATH")
	marks, err := os.OpenFile(os.Getenv("CRASH_NAME"), os.O_WRONLY, 0)
	must(t, err)
	defer marks.Close()
	disk, err := os.Open(filepath.Dir(dir))
	must(t, err)
	must(t, unix.Syncfs(int(disk.Fd())), disk.Close())

	door := powerDoors[os.Getenv("CRASH_CHANGE")]
	door.breaks(dir)
	w := powerWriter{marks: marks, mu: new(sync.Mutex), ids: new([]string)}
	must(t, w.mark(powerMark{}))
	var all sync.WaitGroup
	for i := range door.writers {
		own := w
		own.Store, own.name = NewStore(board.Where{Start: dir}, 20*time.Second), fmt.Sprintf("w%d",
			i)
		all.Go(func() {
			if err := own.run(powerChanges / door.writers); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
