package page

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestPicturesOfAMovingBoard: pictures are taken and drawn by several goroutines, as browsers that
// look at one server ask for them, while an editor replaces and removes the files. None fails, and
// none names a ticket that waits for nothing or one twice.
func TestPicturesOfAMovingBoard(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e", "f"}
	files := make(map[string]string)
	for _, id := range ids {
		files[id] = "status: open\n---\n# T\n"
	}
	taker, _ := newBoard(t, files)
	dir := boardDir(t, taker)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	pictures := 100
	if testing.Short() {
		pictures = 20
	}
	ctx, stop := context.WithCancel(t.Context())
	var lookers, editor sync.WaitGroup
	for range 4 {
		lookers.Go(func() {
			for range pictures {
				drawAll(t, taker)
			}
		})
	}
	editor.Go(func() {
		r := rand.New(rand.NewPCG(seed, 0))
		one := func() string { return ids[r.IntN(len(ids))] }
		for ctx.Err() == nil {
			path := filepath.Join(dir, one()+".md")
			front := []string{"status: open", "status: closed", "status: todo",
				"status: open\nparent: " + one(), "status: open\nblocked-by: [" + one() + "]",
				"status: in_progress\nparent: " + one() + "\nblocked-by: [" + one() + "]",
				"status: in_progress\nhold: wait", ""}[r.IntN(8)]
			if front == "" {
				_ = os.Remove(path)
			} else {
				_ = os.WriteFile(path, []byte("---\n"+front+"\n---\n# T\n"), 0o666)
			}
		}
	})
	lookers.Wait()
	stop()
	editor.Wait()
}

func boardDir(t *testing.T, k *Taker) string {
	t.Helper()
	folder, err := k.Tickets.Store.Open()
	if err != nil {
		t.Fatal(err)
	}
	return folder.Dir()
}

// drawAll takes a picture and draws it in every form.
func drawAll(t *testing.T, k *Taker) {
	b, err := k.Board()
	if err != nil {
		t.Error(err)
		return
	}
	seen := make(map[string]bool)
	for _, ticket := range b.Tickets {
		if seen[ticket.ID] || ticket.Column == Waiting && len(ticket.Waits) == 0 {
			t.Errorf("%s is there twice, or waits for nothing: %+v", ticket.ID, ticket)
		}
		seen[ticket.ID] = true
		for _, w := range ticket.Waits {
			if w.ID == "" || w.State == "" {
				t.Errorf("%s waits for %+v", ticket.ID, w)
			}
		}
	}
	_ = b.Print(Look{Width: 80, Height: 24}, k.Text)
	for _, draw := range []func() error{
		func() error { return b.WriteFile(io.Discard, k.Text, nil) },
		func() error { return b.WriteJSON(io.Discard) },
		func() error { return b.WriteGraphJSON(io.Discard, "") },
		func() error { _, err := k.Find(t.Context(), "T"); return err },
		func() error {
			told, err := k.Tickets.Standings(t.Context())
			if err == nil {
				_, err = k.Tickets.Changed(t.Context(), told)
			}
			return err
		},
	} {
		if err := draw(); err != nil {
			t.Error(err)
		}
	}
}
