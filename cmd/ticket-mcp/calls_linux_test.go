package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/client"
)

// notOfChange are calls that Go's runtime makes for itself, now and then, the read of the next
// request, and the look at each file of the board.
var notOfChange = regexp.MustCompile(`^(epoll_pwait|mmap|munmap|pread64\(3|---|\+\+\+|read\(0|newfstatat\(\d+, "t\d+\.md")`)

// callsOf are the calls on files by which a request is read, done and answered.
func callsOf(calls []traced, request int) (of []string) {
	id := fmt.Sprintf(`\"id\":%d,`, request)
	from := slices.IndexFunc(calls, func(c traced) bool {
		return strings.HasPrefix(c.line, "read(0") && strings.Contains(c.line, id)
	})
	to := slices.IndexFunc(calls, func(c traced) bool {
		return strings.HasPrefix(c.line, "write(1") && strings.Contains(c.line, id)
	})
	if from < 0 || to < 0 {
		return nil
	}
	of = append(of, calls[from].line)
	for _, c := range calls {
		if c.begun > calls[from].end && c.begun <= calls[to].begun && !notOfChange.MatchString(c.line) {
			of = append(of, c.line)
		}
	}
	return of
}

// TestCallsOfAChange: a warm change makes no more system calls on files than it did; a start and a
// block look at each of the board's files once beside. docs/performance.md says which they are.
func TestCallsOfAChange(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = fmt.Sprintf("t%02d", i)
	}
	dir := faultBoard(t, ids...)
	log := filepath.Join(t.TempDir(), "log")
	c := faultServer(t, dir, needStrace(t), "-f", "-qq", "-s", "256", "-o", log, "-e",
		"trace=%file,%desc")
	requests := map[string][]int{}
	last := 1 // initialize
	call := func(tool string, arguments map[string]any) {
		// A ticket that is young when it is read is read once more before the rename.
		time.Sleep(25 * time.Millisecond)
		last++
		requests[tool] = append(requests[tool], last)
		if r := faultCall(t, c, tool, arguments); r.IsError {
			t.Fatal(r.Text)
		}
	}
	// The first makes the locks, and is not warm; of the others the one counts that did not come
	// by what is looked at once a second.
	for n := range 5 {
		call("note", map[string]any{"id": "t00", "text": fmt.Sprint(n)})
	}
	for n := range 5 {
		call("update", map[string]any{"id": "t01", "priority": n % 2})
	}
	for n := range 5 {
		call("block", map[string]any{"id": "t02", "blocked_by": ids[10+n]})
	}
	for range 5 {
		call("start", map[string]any{"id": "t03"})
		call("release", map[string]any{"id": "t03"})
	}
	if err := client.CloseAll([]*client.Client{c}); err != nil {
		t.Fatal(err)
	}
	calls := readTrace(t, log)
	limits := map[string]int{"note": 40, "update": 40, "block": 63, "start": 67}
	for _, tool := range slices.Sorted(maps.Keys(limits)) {
		var least []string
		for _, request := range requests[tool][1:] {
			if of := callsOf(calls, request); of != nil && (least == nil || len(of) < len(least)) {
				least = of
			}
		}
		t.Logf("%s: %d calls\n%s", tool, len(least), strings.Join(least, "\n"))
		if len(least) == 0 || len(least) > limits[tool] {
			t.Errorf("%s: %d calls, want at most %d", tool, len(least), limits[tool])
		}
	}
}
