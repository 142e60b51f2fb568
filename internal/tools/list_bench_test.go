package tools_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// largeBoard is the tools on a board of n tickets that are created in no order of their ids; half
// are closed, a third waits for another, a third has a parent.
func largeBoard(tb testing.TB, n int) *tools.Board {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), board.FolderName)
	if err := os.Mkdir(dir, 0o777); err != nil {
		tb.Fatal(err)
	}
	id := func(i int) string { return fmt.Sprintf("t%06d", i) }
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		more := ""
		if i%2 == 1 {
			more = "closed: 2026-01-04T05:36:50Z\n"
		}
		if i%3 == 0 {
			more += "blocked-by: [" + id((i+1)%n) + "]\n"
		}
		if i%3 == 1 && i > 10 {
			more += "parent: " + id(i/10) + "\n"
		}
		text := fmt.Sprintf("---\nschema_version: 1\nid: %s\nstatus: %s\n%screated: %s\ntype: task\n"+
			"priority: %d\n---\n# Ticket number %d with a title of usual length\n\ntext\n",
			id(i), []string{"open", "closed"}[i%2], more,
			began.Add(time.Duration(at)*time.Minute).Format(time.RFC3339), i%5, i)
		if err := os.WriteFile(filepath.Join(dir, id(i)+".md"), []byte(text), 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	return &tools.Board{
		Store:   ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout),
		Session: session.New("me", time.Now), Now: time.Now,
	}
}

func listBy(tb testing.TB, tickets *tools.Board, arguments string) {
	if _, err := tickets.Call(tb.Context(), "list", json.RawMessage(arguments)); err != nil {
		tb.Fatal(err)
	}
}

// TestListKeepsFew: what list allocates does not grow with the board, but for a list of ids.
func TestListKeepsFew(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	const small, large = 600, 1200
	boards := []*tools.Board{largeBoard(t, small), largeBoard(t, large)}
	for _, arguments := range []string{`{}`, `{"status":"open"}`, `{"sort":"priority"}`} {
		var allocations []float64
		for _, tickets := range boards {
			listBy(t, tickets, arguments) // reads the board
			listBy(t, tickets, arguments) // begins to watch it
			allocations = append(allocations,
				testing.AllocsPerRun(3, func() { listBy(t, tickets, arguments) }))
		}
		if more := (allocations[1] - allocations[0]) / (large - small); more > 1 {
			t.Errorf("list %s: %.1f allocations for each ticket more", arguments, more)
		}
	}
}

// BenchmarkList is a call of list on a board of 10,000 tickets.
func BenchmarkList(b *testing.B) {
	tickets := largeBoard(b, 10_000)
	for _, arguments := range []string{`{}`, `{"status":"open"}`, `{"sort":"priority"}`,
		`{"blocked":true}`, `{"query":"number usual"}`, `{"parent":"t000004"}`} {
		b.Run(arguments, func(b *testing.B) {
			for b.Loop() {
				listBy(b, tickets, arguments)
			}
		})
	}
}
