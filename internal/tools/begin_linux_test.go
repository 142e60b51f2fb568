package tools_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/board"
	"github.com/ticket-mcp/ticket-mcp/internal/ticketfs/session"
	"github.com/ticket-mcp/ticket-mcp/internal/tools"
)

// TestToolsListBegins: once a host asks for the tools, the tickets are read, before any call; what
// changes after that, and before the first call, is seen by it all the same.
func TestToolsListBegins(t *testing.T) {
	tickets := largeBoard(t, 100)
	folder, err := tickets.Store.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tools.NewServer(tickets, tools.Offer{Version: "test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	queue, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Skip("no inotify: ", err)
	}
	defer unix.Close(queue)
	last := filepath.Join(folder.Dir(), "t000099.md")
	if _, err := unix.InotifyAddWatch(queue, last, unix.IN_CLOSE_NOWRITE); err != nil {
		t.Fatal(err)
	}
	read := func(wait time.Duration) bool {
		events := []unix.PollFd{{Fd: int32(queue), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(events, int(wait.Milliseconds()))
			if err != unix.EINTR {
				return n > 0
			}
		}
	}
	s.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if read(0) {
		t.Error("the tickets are read before anybody asks for the tools")
	}
	s.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`))
	if !read(30 * time.Second) {
		t.Fatal("the tickets are not read when a host asks for the tools")
	}
	for i := range 100 {
		text := fmt.Sprintf("---\nstatus: open\n---\n# New %d\n", i)
		name := fmt.Sprintf("t%06d.md", i)
		if err := os.WriteFile(filepath.Join(folder.Dir(), name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := tickets.Call(t.Context(), "ready", json.RawMessage(`{"limit":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := answer.Text(), "1 ticket ready, +99 more"; !strings.HasPrefix(got, want) {
		t.Errorf("ready after all files were written again: %q, want %q", got, want)
	}
}

// TestToolsListWithoutABoard: where there is no board yet, asking for the tools makes none.
func TestToolsListWithoutABoard(t *testing.T) {
	dir := t.TempDir()
	tickets := &tools.Board{
		Store:   ticketfs.NewStore(board.Where{Start: dir}, ticketfs.DefaultLockTimeout),
		Session: session.New("me", time.Now), Now: time.Now,
	}
	s, err := tools.NewServer(tickets, tools.Offer{Version: "test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.HandleMessage(t.Context(), json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
	tickets.Store.Begin()
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("asking for the tools left %v, %v", names, err)
	}
}

// TestFirstLookIsNotCounted: a call that comes first is answered, though to read the tickets takes
// longer than a call may.
func TestFirstLookIsNotCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a part of a second")
	}
	folder, err := largeBoard(t, 8000).Store.Open()
	if err != nil {
		t.Fatal(err)
	}
	look := func(most time.Duration) *tools.Board {
		return &tools.Board{
			Store:   ticketfs.NewStore(board.Where{Start: folder.Dir()}, most),
			Session: session.New("me", time.Now), Now: time.Now,
		}
	}
	const most = 20 // on a busy machine what comes after the look may take too long as well
	for n := range most {
		began := time.Now()
		look(time.Minute).Store.Begin()
		b := look(time.Since(began) / 2)
		if _, err = b.Call(t.Context(), "list",
			json.RawMessage(`{"limit":1}`)); err == nil {
			t.Logf("answered at attempt %d", n+1)
			return
		}
	}
	t.Error(err)
}
