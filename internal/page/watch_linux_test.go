package page

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal opens a pseudo terminal: what a program sees of it, and all that was written there.
func openTerminal(t *testing.T, width, height uint16) (f *os.File, written func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminal here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ,
			&unix.Winsize{Col: width, Row: height})
	}
	if err != nil {
		t.Skip("no pseudo terminal here: ", err)
	}
	f, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminal here: ", err)
	}
	t.Cleanup(func() { f.Close() })
	var mu sync.Mutex
	var all strings.Builder
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := master.Read(buffer)
			mu.Lock()
			all.Write(buffer[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return f, func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// TestWatch: the terminal shows the board, what changes within a second, what is smaller when it is
// made smaller, and in the end what it showed before.
func TestWatch(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	f, written := openTerminal(t, 120, 30)
	taker, agent := newBoard(t, map[string]string{"work": "status: open\n---\n# Work to do\n",
		"evil": "status: open\n---\n# \x1b[31mred \x07bell\n"})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- taker.Watch(ctx, f, func() []string { return []string{"something happened"} })
	}()
	seen := func(what, want string) {
		t.Helper()
		began := time.Now()
		for !strings.Contains(written(), want) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("%s: no %q in %q", what, want, written())
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("%s: after %s", what, time.Since(began))
	}
	seen("the board", "Work to do")
	seen("what happened", "something happened")
	call(t, agent, "start", map[string]any{"id": "work"})
	seen("a change", "● builder")
	if err := unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ,
		&unix.Winsize{Col: 60, Row: 20}); err != nil {
		t.Fatal(err)
	}
	seen("a smaller terminal", "\x1b[36m  work") // one line a ticket
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	seen("the former screen", "\x1b[?25h\x1b[?1049l")
	text := written()
	if !strings.HasPrefix(text, "\x1b[?1049h") || !strings.Contains(text, "\x1b[1;34m") {
		t.Errorf("no second screen, or no colours: %.100q", text)
	}
	if strings.Contains(text, "\x1b[31mred") || strings.Contains(text, "\x07") {
		t.Error("a ticket's escape sequence reached the terminal")
	}
}

func TestLookOn(t *testing.T) {
	f, _ := openTerminal(t, 133, 30)
	for _, c := range []struct {
		noColor string
		want    Look
	}{{"", Look{Width: 133, Colour: true}}, {"1", Look{Width: 133}}} {
		t.Setenv("NO_COLOR", c.noColor)
		if got := LookOn(f); got != c.want {
			t.Errorf("NO_COLOR=%q: %+v, want %+v", c.noColor, got, c.want)
		}
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got := LookOn(file); got.Colour || got.Width != 100 {
		t.Errorf("a file: %+v", got)
	}
}
