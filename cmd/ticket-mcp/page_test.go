package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// TestBoardServe: the program prints the page's URL at once, serves the board there and nowhere
// else, and ends on Ctrl-C.
func TestBoardServe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted there")
	}
	dir := servertest.OpenTickets(t, "login")
	program, err := exec.LookPath("ticket-mcp") // this test binary, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "board", "--serve", "--no-open", "--dir", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // where the test ends before it
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^the board is at (http://127\.0\.0\.1:\d+/)([A-Z2-7]{26}/)\n$`).FindStringSubmatch(first)
	if m == nil {
		t.Fatalf("the first line is %q", first)
	}
	for _, c := range []struct {
		url    string
		status int
		board  bool
	}{{m[1] + m[2], 200, true}, {m[1], 404, false}, {m[1] + strings.ToLower(m[2]), 404, false}} {
		response, err := http.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != c.status ||
			strings.Contains(string(page), `href="#t/login"`) != c.board {
			t.Errorf("%s: status %d, %v, %.300s", c.url, response.StatusCode, err, page)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}
