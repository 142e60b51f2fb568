package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ticket-mcp/ticket-mcp/internal/longtest"
	"github.com/ticket-mcp/ticket-mcp/internal/servertest"
)

// shape is a board of n tickets, as front matter by their number.
type shape struct {
	name   string
	ticket func(i, n int) string
	calls  []string // tool and arguments; first, last, mid and next stand for ids
}

func shapeID(i int) string { return fmt.Sprintf("t%05d", i) }

func open(lines ...string) string {
	return "status: open\n" + strings.Join(lines, "")
}

func started(lines ...string) string {
	return "status: in_progress\nclaimed-by: Ada@person\n" + strings.Join(lines, "")
}

func blockedBy(ids ...int) string {
	var names []string
	for _, i := range ids {
		names = append(names, shapeID(i))
	}
	return "blocked-by: [" + strings.Join(names, ", ") + "]\n"
}

func below(i int) string { return "parent: " + shapeID(i) + "\n" }

const anyCalls = `ready {}
list {"sort":"priority"}
list {"query":"no such words"}
show {"id":"mid"}
repair {}
start {}`

var shapes = []shape{
	{"chain", func(i, n int) string {
		if i == 0 {
			return open()
		}
		return open(blockedBy(i - 1))
	}, []string{`block {"id":"first","blocked_by":"last"}`, `start {"id":"last"}`, `close {"id":"first","resolution":"dropped"}`}},
	{"ring", func(i, n int) string { return open(blockedBy((i + n - 1) % n)) },
		[]string{`block {"id":"first","blocked_by":"mid"}`,
			`unblock {"id":"first","blocked_by":"last"}`, `start {"id":"first"}`, `close {"id":"first","resolution":"dropped"}`}},
	{"lineage", func(i, n int) string {
		switch {
		case i == 0:
			return started()
		case i < n/2:
			return started(below(i - 1))
		}
		return open(below(n/2 - 1))
	}, []string{`start {"id":"last"}`, `block {"id":"last","blocked_by":"first"}`, `close {"id":"last","resolution":"dropped"}`, `update {"id":"last","parent":"first"}`}},
	{"lineage that waits", func(i, n int) string {
		switch {
		case i == 0:
			return open()
		case i < n/2:
			return started(below(i-1), blockedBy(0))
		}
		return started(below(n/2-1), "hold-until: 2001-01-01\n")
	}, []string{`start {"id":"last"}`, `close {"id":"first","resolution":"dropped"}`}},
	{"lineage of waits", func(i, n int) string {
		switch {
		case i < 2:
			return open()
		case i < n/3:
			return started(below(i-1), blockedBy(n/3+i))
		case i < 2*n/3:
			return open()
		}
		return open(below(n/3 - 1))
	}, []string{`start {"id":"last"}`, `close {"id":"mid","resolution":"dropped"}`}},
	{"ring of parents", func(i, n int) string { return started(below((i + n - 1) % n)) },
		[]string{`start {"id":"last"}`, `close {"id":"first","resolution":"dropped"}`}},
	{"children", func(i, n int) string {
		if i == 0 {
			return started()
		}
		return open(below(0))
	}, []string{`show {"id":"first"}`, `start {"id":"last"}`, `close {"id":"last","reason":"done"}`, `note {"id":"first","text":"x"}`, `ready {}`, `close {"id":"first","resolution":"dropped"}`}},
	{"diamonds", func(i, n int) string {
		switch {
		case i < 3:
			return open()
		case i%3 == 0:
			return open(blockedBy(i-1, i-2))
		}
		return open(blockedBy(i - i%3))
	}, []string{`block {"id":"first","blocked_by":"last"}`, `start {"id":"last"}`, `close {"id":"first","resolution":"dropped"}`}},
	{"dense", func(i, n int) string { // layers of 100, each of which waits for all of the one before
		var ids []int
		for j := i/100*100 - 100; j >= 0 && j < i/100*100; j++ {
			ids = append(ids, j)
		}
		if ids == nil {
			return open()
		}
		return open(blockedBy(ids...))
	}, []string{`block {"id":"first","blocked_by":"last"}`, `start {"id":"last"}`, `close {"id":"first","resolution":"dropped"}`}},
	{"one waits for many", func(i, n int) string {
		if i > 0 {
			return open()
		}
		var ids []int
		for j := 1; j < min(n, 7000); j++ {
			ids = append(ids, j)
		}
		return open(blockedBy(ids...))
	}, []string{`show {"id":"first"}`, `start {"id":"first"}`, `block {"id":"last","blocked_by":"first"}`, `close {"id":"next","resolution":"dropped"}`}},
	{"many wait for one", func(i, n int) string {
		if i == 0 {
			return open()
		}
		return open(blockedBy(0))
	}, []string{`show {"id":"first"}`, `start {"id":"last"}`, `close {"id":"first","resolution":"dropped"}`, `ready {}`}},
	{"pairs that wait for each other", func(i, n int) string { return open(blockedBy(i ^ 1)) },
		[]string{`start {"id":"last"}`}},
	{"malformed", func(i, n int) string {
		if i%2 == 0 {
			return "status: [\n" + below(i)
		}
		return started(below(max(i-2, 1)))
	}, []string{`close {"id":"last","resolution":"dropped"}`, `block {"id":"last","blocked_by":"next"}`}},
}

// Whatever tickets are like, each call ends within its deadline, and the server stays small. That
// time is used up is no fault of a test on a loaded machine, as long as the call then ends: what is
// linear here takes seconds, what was quadratic took minutes.
func TestShapes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server for each shape")
	}
	n, mostMemory := 10_000, 120<<10 // kB
	switch {
	case servertest.UnderRace():
		n, mostMemory = 500, 1<<20
	case !longtest.Wanted():
		n = 300
	}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			dir := servertest.OpenTickets(t)
			names := strings.NewReplacer("first", shapeID(0), "next", shapeID(1), "mid",
				shapeID(n/2), "last", shapeID(n-1))
			for i := range n {
				text := "---\nid: " + shapeID(i) + "\n" + s.ticket(i, n) + "---\n# Ticket\n"
				if err := os.WriteFile(filepath.Join(dir, shapeID(i)+".md"), []byte(text),
					0o666); err != nil {
					t.Fatal(err)
				}
			}
			w := servertest.Start(t, servertest.On(t, dir))
			for i, line := range append(strings.Split(anyCalls, "\n"), s.calls...) {
				tool, arguments, _ := strings.Cut(line, " ")
				id := fmt.Sprint(i + 100)
				began := time.Now()
				w.Send(servertest.ToolCall(id, tool, names.Replace(arguments)))
				answer := w.Answer(id)
				t.Logf("%8s %s: %.150s", time.Since(began).Round(time.Millisecond), line,
					answer.Result)
				if bytes.Contains(answer.Result, []byte("is held by another process")) {
					t.Errorf("%s: nobody holds a lock: %s", line, answer.Result)
				}
			}
			if peak := w.PeakMemory(); peak > mostMemory {
				t.Errorf("the server took %d kB", peak)
			}
		})
	}
}
